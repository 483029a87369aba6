#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""The parts of the benchmark that need neither root nor a peer: parsers, statistics, turns, tables, and the
diagram."""
import dataclasses
import os
import re
import signal
import tempfile
import unittest
import xml.etree.ElementTree
from unittest import mock

from lib import compare, ovs, plot, report, setup, stats, testpmd, weir
from lib.captures import Shape
from lib.counts import Switched, Window, measure
from lib.processes import Dialogue, Process

# What DPDK 22.11 and Open vSwitch 3.1 said.
PORT_STATS = """show port stats all

  ######################## NIC statistics for port 0  ########################
  RX-packets: 8982560    RX-missed: 0          RX-bytes:  538953600
  RX-errors: 0
  RX-nombuf:  0
  TX-packets: 0          TX-errors: 0          TX-bytes:  0

  ######################## NIC statistics for port 1  ########################
  RX-packets: 0          RX-missed: 0          RX-bytes:  0
  TX-packets: 8982528    TX-errors: 0          TX-bytes:  0
"""
FWD_STATS = "  CPU cycles/packet=112.37 (total cycles=2335198624 / total io packets=20781952) at 2450 MHz Clock\n"
DPCTL = """netdev@ovs-netdev:
  lookups: hit:1384608 missed:0 lost:0
  port 0: ovs-netdev (tap)
    RX packets:0 errors:0 dropped:0 overruns:0 frame:0
    TX packets:0 errors:0 dropped:0 aborted:0 carrier:0
  port 1: in (dpdk: configured_rx_queues=1, mtu=1500)
    RX packets:1445408 errors:0 dropped:0 overruns:? frame:?
    TX packets:7 errors:0 dropped:0 aborted:? carrier:?
  port 3: out (dpdk: configured_rx_queues=1, mtu=1500)
    RX packets:0 errors:0 dropped:0 overruns:? frame:?
    TX packets:1428086 errors:0 dropped:0 aborted:? carrier:?
"""
PMD = """pmd thread numa_id 0 core_id 1:
  packets received: 1384608
  emc hits: 1326898
  processing cycles: 1225577244 (100.00%)
  avg cycles per packet: 885.14 (1225577244/1384608)
main thread:
  packets received: 0
"""


class ParsersTest(unittest.TestCase):
    def test_testpmd(self):
        self.assertEqual(testpmd.parse_stats(PORT_STATS), (8982560, 8982528))
        self.assertEqual(testpmd.parse_cycles(FWD_STATS), 112.37)
        self.assertIsNone(testpmd.parse_cycles("Done"))
        with self.assertRaisesRegex(RuntimeError, "no statistics"):
            testpmd.parse_stats("Bad arguments\n")

    def test_ovs(self):
        self.assertEqual(ovs.parse_ports(DPCTL, "in", "out"), (1445408, 1428086))
        self.assertEqual(ovs.parse_pmd(PMD)["avg cycles per packet"], 885.14)
        self.assertEqual(ovs.parse_pmd(PMD)["packets received"], 1384608)
        with self.assertRaisesRegex(RuntimeError, "port 'up'"):
            ovs.parse_ports(DPCTL, "up", "out")

    def test_setup_rate(self):
        samples = [(0.0, 0), (1.0, 10), (2.0, 400), (3.0, 800), (9.0, 1000)]
        self.assertEqual(setup.rate(samples), 400)
        with self.assertRaisesRegex(RuntimeError, "too short"):
            setup.rate([(0.0, 0), (1.0, 1000)])


class StatsTest(unittest.TestCase):
    def test_quantile(self):
        for values, share, wanted in (([4, 1, 3, 2], 0, 1), ([4, 1, 3, 2], 1, 4), ([4, 1, 3, 2], 0.5, 2.5),
                                      ([0, 10, 20, 30, 40], 0.25, 10), ([5], 0.25, 5)):
            with self.subTest(values=values, share=share):
                self.assertEqual(stats.quantile(values, share), wanted)
        with self.assertRaises(ValueError):
            stats.quantile([], 0.5)

    def test_lower_quartile(self):
        q = stats.lower_quartile([100, 101, 102, 103, 500])
        self.assertEqual((q.value, q.n), (101, 5))
        self.assertTrue(100 <= q.low <= 101 <= q.high <= 500)
        self.assertEqual(q, stats.lower_quartile([100, 101, 102, 103, 500]))

    def test_quotient(self):
        one, two, least, twice = [10, 12, 14], [20, 30, 40], [4, 4, 4], [5, 5, 5]
        q = stats.quotient(one, two)
        self.assertEqual((q.value, q.n), (12 / 30, 3))
        self.assertTrue(10 / 20 >= q.high > q.value > q.low >= 14 / 40)
        self.assertAlmostEqual(stats.quotient(one, two, least, twice).value, (12 / 30) / (4 / 5))
        with self.assertRaises(ValueError):
            stats.quotient([1, 2], [1])

    def test_above(self):
        self.assertEqual(stats.above([10, 20], [1, 2]), [9, 18])
        with self.assertRaises(ValueError):
            stats.above([1, 2], [1])


@dataclasses.dataclass
class Fake(Switched):
    """A system of so many frames per CPU second, which settles when it has been asked so often."""
    name: str
    rate: int
    told: list
    broken: bool = False
    seconds: float = 0
    settles_after: int = 1
    asked: int = 0

    def tell(self, what):
        self.told.append((what, self.name))

    def start(self, paths, n_mbufs):
        self.tell("start")
        if self.broken:
            raise RuntimeError("it does not start")

    def resume(self):
        self.tell("resume")

    def pause(self):
        self.tell("pause")

    @property
    def process(self):
        return self

    def cpu_s(self, _):
        self.seconds += 0.5
        return self.seconds

    def count(self):
        """Half of what the answer takes has passed; the next one begins where this one ends."""
        return int((self.seconds + 0.25) * self.rate), int((self.seconds + 0.25) * self.rate)

    def settled(self):
        self.asked += 1
        return self.asked >= self.settles_after

    def note(self):
        self.tell("note")
        return f"{self.name} says so"

    def stop(self):
        self.tell("stop")


class CompareTest(unittest.TestCase):
    def go(self, told, broken=False, rounds=2):
        shape = Shape(1)
        entries = [compare.Entry(Fake("a", 100, told), (shape,)), compare.Entry(Fake("b", 50, told, broken), (shape,))]
        with tempfile.TemporaryDirectory() as directory, mock.patch.multiple(
                compare, SETTLE_S=0, SETTLE_STEP_S=0):
            return compare.compare(entries, compare.Captures(directory), rounds, 0)

    def test_turns(self):
        told = []
        a, b = self.go(told)
        self.assertEqual((a.cycles(1000), b.cycles(1000)), ([10, 10], [20, 20]))
        self.assertEqual((a.rates(), a.not_sent()), ([100, 100], 0))
        resumed = [name for what, name in told if what == "resume"]
        self.assertEqual(resumed, ["a", "b", "a", "b", "b", "a", "a", "b"],
                         "settled once, then each is first once, and asked for a note at last")
        self.assertEqual((a.note, b.note), ("a says so", "b says so"))
        running = set()
        for what, name in told:
            if what == "resume":
                self.assertFalse(running, "one at a time")
                running.add(name)
            elif what == "pause":
                running.discard(name)
        self.assertEqual(told[-2:], [("stop", "b"), ("stop", "a")])

    def test_settling(self):
        """All run for the same time at least, and none for ever."""
        now = iter(range(1000))
        for settle_s, settles_after, most_s, wanted in ((5, 1, 90, 5), (5, 20, 90, 20), (5, 200, 90, 91)):
            with self.subTest(settles_after=settles_after), mock.patch.multiple(
                    compare, SETTLE_S=settle_s, MOST_SETTLE_S=most_s), mock.patch.object(
                    compare, "time", mock.Mock(monotonic=lambda: next(now))):
                told = []
                system = Fake("a", 1, told, settles_after=settles_after)
                compare.settle(system)
                self.assertEqual(system.asked, wanted)
                self.assertEqual(told, [("resume", "a"), ("pause", "a")])

    def test_ovs_settles(self):
        """When the share that its caches serve stands still, each time since it was last asked."""
        system, told = ovs.Ovs(None, "", ()), []
        shares = iter((0.2, 0.7, 0.705, 0.0, 0.0))

        def control(method):
            told.append(method)
            return (f"pmd thread numa_id 0 core_id 1:\n  packets received: 1000\n  emc hits: {next(shares) * 1000:.0f}\n"
                    "  smc hits: 10\n" if method.endswith("show") else "")
        system.control = control
        self.assertEqual([system.settled() for _ in range(5)], [False, False, True, False, True])
        self.assertEqual(told, ["dpif-netdev/pmd-stats-show", "dpif-netdev/pmd-stats-clear"] * 5)

    def test_weir_settles(self):
        """When all flows are known, or when no more become known; not before there is one."""
        for n_flows, wanted in (((0, 0, 40, 99, 100), 5), ((0, 7, 7, 7, 7, 7, 7), 7), ((0,) * 9 + (100,), 10)):
            with self.subTest(n_flows=n_flows):
                system = weir.Weir(weir.Variant("w"), None, None, "", (Shape(60), Shape(40, first=1)))
                said = iter(n_flows)
                system.ask = lambda *_: {"flows": next(said)}
                asked = [system.settled() for _ in n_flows]
                self.assertEqual(asked, [False] * (wanted - 1) + [True])

    def test_counted_in_between(self):
        """An answer that takes a second: half of it counts before, half behind."""
        window = measure(Fake("a", 1000, []), 0)
        self.assertEqual((window.cpu_s, window.received), (1.0, 1000))

    def test_failure_stops_all(self):
        told = []
        with self.assertRaisesRegex(RuntimeError, "does not start"):
            self.go(told, broken=True)
        self.assertEqual(told[-2:], [("stop", "b"), ("stop", "a")])

    def test_silent_system_is_an_error(self):
        with self.assertRaisesRegex(RuntimeError, "dead: 0 frames"):
            measure(Fake("dead", 0, []), 0)


class ProcessesTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.log = f"{self.directory.name}/log"

    def test_paused_is_ended(self):
        process = Process("sleep", "1000", log=self.log)
        self.assertEqual(len(process.threads("sleep")), 1)
        process.pause()
        process.stop()
        self.assertEqual(process.popen.returncode, -signal.SIGTERM)
        with self.assertRaises(ProcessLookupError):
            os.kill(process.pid, 0)

    def test_ended_is_told(self):
        process = Process("sh", "-c", "echo no such device >&2; exit 3", log=self.log)
        process.popen.wait()
        with self.assertRaisesRegex(RuntimeError, "ended with 3: no such device"):
            process.check()
        process.stop()

    def test_dialogue(self):
        script = "printf '> '; while read -r line; do printf 'said %s\\n> ' \"$line\"; done; exit 5"
        dialogue = Dialogue("sh", "-c", script, prompt="> ", log=self.log)
        self.addCleanup(dialogue.stop)
        dialogue.read_prompt(10)
        self.assertEqual(dialogue.ask("hello"), "said hello\n")
        dialogue.popen.stdin.close()
        with self.assertRaisesRegex(RuntimeError, "ended with 5"):
            dialogue.read_prompt(10)


def system(name, cycles, **more):
    q = {"value": cycles, "low": cycles - 1, "high": cycles + 1, "rounds": 2}
    return {"system": name, "cores": 1, "cycles": q, "each_round": [cycles, cycles], "mpps": 1.0} | more


def a_result():
    def q(value):
        return {"value": value, "low": value - 5, "high": value + 5, "rounds": 2}
    cases = [{"group": "forwarding", "title": "IPv4, 64 bytes", "flows": flows, "systems": [
        system("testpmd", 40), system("weir-l2", 80, above_limit=q(40)),
        *([system("ovs", 200, above_limit=q(160))] if flows < 10**6 else []),
        *([system("ovs-tuned", 190, above_limit=q(150))] if flows == 1000 else []),
        system("weir-5-tuple", 90, above_limit=q(50), note="7 of 8 flows cached")]} for flows in (1, 1000, 10**6)]
    cases.append({"group": "workers", "title": "1 and 2 workers", "flows": 1, "systems": [
        system("testpmd-1", 40), system("testpmd-2", 50), system("weir-l2-1", 80), system("weir-l2-2", 80)]})
    cases.append({"group": "acl", "title": "rules", "flows": 1000, "systems": [
        system("testpmd", 40), system("ovs", 440, above_limit=q(400), denied=0.1, dropped=0.1),
        system("weir-acl", 90, above_limit=q(50), denied=0.1, dropped=0.10004)]})
    cases.append({"group": "kinds", "title": "82", "flows": 1, "systems": [
        system("testpmd", 40), system("weir-l2-ipv4", 80), system("weir-l2-ipv6", 84)]})
    machine = {"cpu": "A & B", "cores": 2, "tsc_mhz": 2000, "kernel": "6.1", "weir": "0.1", "date": "2026-01-02"}
    return {"machine": machine, "quick": True, "cases": cases, "skipped": ["nothing"],
            "setup": {"flows": 10, "decided": 9, "per_second": 1.5e6, "drops": {"no-room": 1}}}


class ReportTest(unittest.TestCase):
    def test_rows(self):
        windows = {"testpmd": [(1, 100), (1, 50)], "weir-l2": [(2, 100), (2, 50)]}
        rounds = []
        for name, values in windows.items():
            rounds.append(compare.Rounds(name, 1, [Window(s, n, n, None) for s, n in values]))
        case = type("Case", (), {"group": "forwarding", "title": "t", "flows": 1})
        testpmd_row, weir_row = report.rows(case, rounds, 1000)["systems"]
        self.assertEqual(testpmd_row["each_round"], [10, 20])
        self.assertNotIn("above_limit", testpmd_row)
        self.assertNotIn("dropped", testpmd_row)
        self.assertEqual(weir_row["above_limit"]["value"], 12.5, "10 and 20 above, lower quartile")
        rounds = [compare.Rounds("weir-acl", 1, [Window(1, 100, 90, None)], denied=0.1)]
        self.assertEqual(report.rows(case, rounds, 1000)["systems"][0]["dropped"], 0.1)

    def test_tables(self):
        text = report.tables(a_result())
        self.assertIn("| IPv4, 64 bytes | 1,000 | 40 (39 to 41) | + 160 (155 to 165) | + 150 (145 to 155) | + 40 (35 to 45) | + 50 (45 to 55) |",
                      text)
        self.assertIn("| IPv4, 64 bytes | 1,000,000 | 40 (39 to 41) | - | - | + 40", text)
        self.assertIn("| testpmd io | 1.0 | 1.0 | 1.60 (1.60 to 1.60) | - |", text)
        self.assertIn("| Weir, L2 | 1.0 | 1.0 | 2.00 (2.00 to 2.00) | 1.25 (1.25 to 1.25) |", text)
        self.assertIn("| Weir, L2 | ipv6 | 84 (83 to 85) | 1.05 |", text)
        self.assertIn("| 10 new flows | 9 | no-room 1 | 1.50 million |", text)
        self.assertIn("| 1,000 | 40 (39 to 41) | + 400 (395 to 405) | + 50 (45 to 55) | + 65 | 10.00% "
                      "| OVS-DPDK 10.00%, Weir 10.00% |", text)
        self.assertIn("7 of 8 flows cached", text)
        self.assertIn("- nothing", text)

    def test_short(self):
        text = report.short(a_result())
        self.assertIn("2026-01-02, --quick:", text)
        self.assertIn("flows: | 1 | 1k | 1M |", text)
        self.assertIn("| OVS-DPDK | + 160 | + 160 | - |\n| OVS-DPDK, tuned | - | + 150 | - |", text)
        self.assertIn("| Weir, 5-tuple | + 50 | + 50 | + 50 |\n| its goal | + 50 | + 60 | + 200 |", text)
        self.assertIn("- IPv4, 64 bytes, 1 flows, Weir, 5-tuple: 7 of 8 flows cached\n", text, "what qualifies a number")
        self.assertIn("- nothing\n", text)

    def test_beside(self):
        """Another build of Weir has a table of its own, where it was measured."""
        result = a_result()
        before = report.tables(result)
        result["cases"][0]["systems"].append(system("weir-l2-beside", 100))
        after = report.tables(result).replace(
            "| two builds | flows |  | this one | beside | this one / beside |\n|---|---|---|---|---|---|\n"
            "| forwarding: IPv4, 64 bytes | 1 | Weir, L2 | 80 (79 to 81) | 100 (99 to 101) | 0.80 (0.80 to 0.80) |\n\n", "")
        self.assertEqual(after, before)

    def test_put_between(self):
        self.assertEqual(report.put_between("a\n<b>\nold\n<e>\nz\n", "<b>", "<e>", "new\n"), "a\n<b>\nnew\n<e>\nz\n")
        for text in ("<e> <b>", "<b>", "<b><b><e>"):
            with self.assertRaises(ValueError):
                report.put_between(text, "<b>", "<e>", "")

    def test_diagram(self):
        root = xml.etree.ElementTree.fromstring(report.diagram(a_result()))
        texts = ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]
        for wanted in ("OVS-DPDK", "OVS-DPDK, tuned", "Weir, L2", "Weir, 5-tuple", "testpmd io", "1k", "1M"):
            self.assertIn(wanted, texts)
        self.assertTrue(any("A & B" in text and "2026-01-02" in text for text in texts))
        self.assertEqual(len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))), 5)
        self.assertIn("prefers-color-scheme: dark", report.diagram(a_result()))
        self.assertIsNone(report.diagram(a_result() | {"cases": []}))


class PlotTest(unittest.TestCase):
    series = {"a": {1: (10, 9, 11), 100: (20, 19, 21)}, "b": {1: (12, 11, 13), 100: (21, 20, 95)}}

    def test_places(self):
        frame = plot.Frame(self.series)
        self.assertEqual(frame.x(10) - frame.x(1), frame.x(100) - frame.x(10), "logarithmic")
        self.assertEqual((frame.y(0) - frame.y(40)) / 2, frame.y(0) - frame.y(20), "from 0")
        self.assertEqual(frame.most, 100)

    def test_labels_apart(self):
        self.assertEqual(plot.spread({"a": 10, "b": 12, "c": 100}, 16), {"a": 10, "b": 26, "c": 100})

    def test_steps(self):
        for most, wanted in ((10, 2), (40, 10), (95, 20), (100, 20), (370, 50), (1500, 200)):
            with self.subTest(most=most):
                self.assertEqual(plot.step(most), wanted)
                self.assertTrue(4 <= most / plot.step(most) <= 10)

    def test_amounts(self):
        self.assertEqual([plot.amount(n) for n in (1, 1000, 10000, 200000, 10**6)], ["1", "1k", "10k", "200k", "1M"])

    def test_one_column(self):
        root = xml.etree.ElementTree.fromstring(plot.draw("t", "s", [], {"<a>": {1: (10, 9, 11)}}))
        self.assertTrue(re.search("<a>", "".join(root.itertext())))


if __name__ == "__main__":
    unittest.main()

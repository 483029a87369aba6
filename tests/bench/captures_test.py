#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""What the systems of the benchmark are fed with: captures, and rules."""
import ipaddress
import json
import os
import random
import re
import struct
import tempfile
import unittest

from lib import acl, captures, cases, machine
from lib.captures import Shape


class CapturesTest(unittest.TestCase):
    def read(self, shape):
        with tempfile.TemporaryDirectory() as directory:
            captures.write(f"{directory}/c.pcap", shape)
            with open(f"{directory}/c.pcap", "rb") as file:
                content = file.read()
        self.assertEqual(struct.unpack_from("<IHH", content), (0xA1B2C3D4, 2, 4))
        frames, at = [], 24
        while at < len(content):
            size, original = struct.unpack_from("<8xII", content, at)
            self.assertEqual(size, original)
            frames.append(content[at + 16:at + 16 + size])
            at += 16 + size
        return frames

    def test_ipv4(self):
        frames = self.read(Shape(1000))
        self.assertEqual({len(frame) for frame in frames}, {60})
        self.assertEqual({frame[:14].hex() for frame in frames}, {"0200000000020200000000010800"})
        self.assertEqual(len({frame[23] for frame in frames}), 1)
        self.assertEqual(len({frame[26:38] for frame in frames}), 1000, "all 5-tuples differ")
        # RFC 1071: over a header with a right checksum it is 0.
        self.assertEqual({captures.checksum(frame[14:34]) for frame in frames}, {0})
        self.assertEqual({struct.unpack_from(">H", frame, 16)[0] for frame in frames}, {46})

    def test_sizes(self):
        for shape, sizes in ((Shape(3, 6), [62] * 3), (Shape(3, 4, (82,), vlan=10), [82] * 3),
                             (Shape(13, 4, captures.IMIX), [60] * 7 + [590] * 4 + [1514, 60])):
            with self.subTest(shape=shape):
                self.assertEqual([len(frame) for frame in self.read(shape)], sizes)

    def test_more_sizes_than_flows(self):
        frames = self.read(Shape(2, 4, captures.IMIX))
        self.assertEqual([len(frame) for frame in frames], list(captures.IMIX))
        self.assertEqual([frame[26:38] for frame in frames], [frames[0][26:38], frames[1][26:38]] * 6)
        self.assertNotEqual(frames[0][26:38], frames[1][26:38])

    def test_kinds(self):
        self.assertEqual(self.read(Shape(1, 6))[0][12:16].hex(), "86dd6000")
        self.assertEqual(self.read(Shape(1, 4, (82,), vlan=10))[0][12:20].hex(), "8100000a08004500")

    def test_addresses(self):
        shape = Shape(500, macs=4, shuffled=True)
        frames = self.read(shape)
        self.assertEqual(len({frame[:12] for frame in frames}), 16)
        self.assertEqual({frame[:6].hex(":") for frame in frames}, set(captures.destinations(shape)))
        self.assertFalse(set(captures.destinations(shape)) & set(captures.destinations(Shape(1, first=4))))

    def test_denied(self):
        """One flow in ten matches a rule, and no other does."""
        shape = Shape(200, rules=50)
        denied = [any(rule.matches(*struct.unpack_from(">IH", frame, 30)) for rule in acl.rules(50))
                  for frame in self.read(shape)]
        self.assertEqual(denied, [i % 10 == 9 for i in range(200)])
        self.assertEqual([Shape(n, rules=50).denied() for n in (1, 10, 19, 200)], [0, 0.1, 1 / 19, 0.1])
        self.assertEqual(Shape(10, sizes=(60,) * 15, rules=50).denied(), 1 / 15, "the sizes' turn is cut off")
        self.assertEqual(shape.denied(), 0.1)
        self.assertEqual(Shape(200).denied(), 0)
        self.assertNotEqual(shape.name(), Shape(200).name())

    def test_same_again(self):
        self.assertEqual(self.read(Shape(50)), self.read(Shape(50)))

    def test_refused(self):
        for flows in (0, (1 << 24) + 1):
            with self.assertRaisesRegex(ValueError, f"{flows} flows"):
                captures.write("/dev/null", Shape(flows))


class AclTest(unittest.TestCase):
    def test_rules(self):
        made = acl.rules(1000)
        self.assertEqual({rule.length for rule in made}, set(range(24, 33)))
        self.assertEqual(made[:10], acl.rules(10))
        for rule in made:
            self.assertEqual(rule.prefix % (1 << (32 - rule.length)), 0, f"{rule.remote()}: bits behind the length")
            self.assertTrue(ipaddress.ip_network(rule.remote()).subnet_of(ipaddress.ip_network("172.16.0.0/16")))
            self.assertLess(rule.port, acl.PORTS)

    def test_match(self):
        rule = acl.Rule(0xAC100480, 25, 7, 1000)
        self.assertEqual(rule.remote(), "172.16.4.128/25")
        for destination, port, wanted in ((0xAC100480, 7, True), (0xAC1004FF, 7, True), (0xAC10047F, 7, False),
                                          (0xAC100500, 7, False), (0xAC100480, 8, False)):
            with self.subTest(destination=hex(destination), port=port):
                self.assertEqual(rule.matches(destination, port), wanted)
        chance = random.Random(3)
        self.assertTrue(all(rule.matches(*rule.match(chance)) for rule in acl.rules(100)))

    def test_both_say_the_same(self):
        """The rules as OVS gets them, and as Weir does."""
        made = acl.rules(30)
        lines = acl.openflow(made).splitlines()
        openflow = [re.search(r",udp,nw_dst=(\S+),tp_src=(\d+),actions=drop$", line).groups() for line in lines[:-2]]
        self.assertEqual(lines[-2:], ["table=0,priority=10,ip,actions=meter:1,mod_nw_tos:184,NORMAL",
                                      "table=0,priority=0,actions=NORMAL"])
        site = json.loads(json.dumps(acl.document(made, "br0", ["in0"])))["switches"][0]
        bodies = {policy["id"]: policy["body"] for policy in site["ports"][0]["policies"]}
        rules = [bodies.pop(f"rule-{i}") for i in range(30)]
        self.assertEqual([(rule["remote"], rule["local_port"]) for rule in rules], openflow)
        self.assertEqual({(rule["protocol"], rule["action"], rule["direction"]) for rule in rules},
                         {("udp", "deny", "out")})
        self.assertEqual(len({rule["weight"] for rule in rules}), 30)
        self.assertEqual(bodies["total"], {"direction": "out", "action": "meter", "remote": "any"})
        self.assertEqual(bodies["dscp"]["bytes"], "b803", "184 as OVS's, and ECN stays")
        used = {policy["extension"] for policy in site["ports"][0]["policies"]}
        self.assertEqual(used, {extension["name"] for extension in site["extensions"]})

    def test_only_where_there_is_the_extension(self):
        with tempfile.TemporaryDirectory() as directory:
            cores = machine.Cores(0, (1, 0))
            for there in (False, True):
                maker = cases.Maker(directory, cores, directory, False)
                for chosen, n in ((cases.quick(maker), 1), (cases.full(maker), 4)):
                    rows = [case for case in chosen if case.group == "acl"]
                    self.assertEqual(len(rows), n if there else 0)
                os.makedirs(f"{directory}/extensions", exist_ok=True)
                open(acl.module(directory), "w").close()
        denied = {entry.system.name: entry.denied() for entry in rows[2].entries}
        self.assertEqual(denied, {"testpmd": 0, "ovs": 0.1, "ovs-tuned": 0.1, "weir-5-tuple": 0, "weir-acl": 0.1})


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""Weir, in the variants that are compared: what feeds it, and what stands in its stack."""
import dataclasses
import json
import os
import time

from lib.counts import Counts
from lib.processes import Process, run, wait_for
from lib.testpmd import RESERVE, devices

FIVE_TUPLE = 1 << 6 | 1 << 7 | 1 << 8 | 1 << 12 | 1 << 13  # WEIR_FIELDS_5TUPLE
L2 = ()
# Policies of the test extension probe-filter, of which it does what they say and nothing else.
READS = ("probe-filter.reads", f"fields={FIVE_TUPLE}")
VISITS = ("probe-filter.act", "stage=INGRESS", "what=NOTHING", "visit=true")


@dataclasses.dataclass(frozen=True)
class Variant:
    name: str
    dpdk: bool = True      # the devices that testpmd has; else replay and null
    policies: tuple = ()   # of the ports in front
    flows: int = 0         # size of the flow table; 0: twice the flows of the capture
    loop: bool = True


class Weir:
    def __init__(self, variant, build, cores, directory, addresses, n_flows):
        self.variant, self.build, self.cores = variant, build, cores
        self.addresses, self.n_flows = addresses, n_flows
        self.name = variant.name
        self.directory = f"{directory}/{variant.name}"
        self.socket = f"{self.directory}/weir.sock"
        self.process = None

    def ctl(self, *words):
        return run(f"{self.build}/weirctl", "--socket", self.socket, *words)

    def ask(self, *words):
        return json.loads(self.ctl("-j", *words))

    def daemon(self, n_workers, n_mbufs):
        os.makedirs(self.directory, exist_ok=True)
        if os.path.exists(self.socket):
            os.remove(self.socket)
        options = ["--foreground", "--poll", "--socket", self.socket, "--state", "none", "--workers", n_workers,
                   "--flows", self.variant.flows or max(65536, 2 * self.n_flows),
                   "--extensions", f"{self.build}/tests/extensions/modules"]
        if self.variant.dpdk:
            options += ["--dpdk", "--no-pci --in-memory", "--dpdk-mbufs", n_mbufs + RESERVE]
        self.process = Process(f"{self.build}/weir-switchd", *options, log=f"{self.directory}/log")
        wait_for("weir-switchd", 60, self.is_up)

    def is_up(self):
        self.process.check()
        return os.path.exists(self.socket)

    def pin(self):
        """Workers to the polling cores, in their order; all else stays where this program is."""
        workers = sorted((name, thread) for thread, name in self.process.threads().items()
                         if name.startswith("weir-worker-"))
        for core, (_, thread) in zip(self.cores.polling, workers):
            os.sched_setaffinity(thread, {core})

    def start(self, captures, n_mbufs):
        """A capture is a pair of ports; with several, each pair has a worker and one address."""
        self.daemon(len(captures), n_mbufs)
        self.pin()
        self.ctl("switch", "add", "br0")
        for pair, path in enumerate(captures):
            inward, outward = devices(path, pair)
            if self.variant.dpdk:
                inward, outward = f"dpdk:{inward}", f"dpdk:{outward}"
            else:
                inward, outward = f"replay:{path}{',loop' if self.variant.loop else ''}", "null"
            self.ctl("port", "add", "br0", f"out{pair}", outward)
            self.ctl("port", "add", "br0", f"in{pair}")
            if self.variant.policies and pair == 0:
                self.ctl("extension", "attach", "br0", self.variant.policies[0].split(".")[0])
            if self.variant.policies:
                self.ctl("policy", "add", f"in{pair}", *self.variant.policies, "--id", "bench")
            addresses = self.addresses if len(captures) == 1 else self.addresses[pair:pair + 1]
            for address in addresses:
                self.ctl("fdb", "add", "br0", address, f"out{pair}")
            self.ctl("port", "connect", f"in{pair}", inward)

    def settled(self):
        """Every flow of the capture is decided: each has been seen, and the number stands still."""
        before = self.ask("switch", "show", "br0")["flows"]
        time.sleep(0.2)
        return before and before == self.ask("switch", "show", "br0")["flows"]

    def counts(self):
        before = time.monotonic()
        rows = self.ask("port", "list")
        return Counts((before + time.monotonic()) / 2,
                      sum(row["rx_frames"] for row in rows if row["name"].startswith("in")),
                      sum(row["tx_frames"] for row in rows if row["name"].startswith("out")))

    def begin(self):
        self.ask("worker", "list")  # what it shows is since the last time

    def own_cycles(self):
        rows = [row for row in self.ask("worker", "list") if row.get("cycles_per_frame")]
        return sum(row["cycles_per_frame"] for row in rows) / len(rows) if rows else None

    def pause(self):
        self.process.pause()

    def resume(self):
        self.process.resume()

    def stop(self):
        if self.process:
            self.process.stop()

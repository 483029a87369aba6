# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""Weir, in the variants that are compared: what feeds it, and what stands in its stack."""
import dataclasses
import json
import os

from lib import acl
from lib.captures import destinations
from lib.counts import Switched
from lib.processes import Process, run, wait_for
from lib.testpmd import EAL, RESERVE, devices

FIVE_TUPLE = 1 << 6 | 1 << 7 | 1 << 8 | 1 << 12 | 1 << 13  # WEIR_FIELDS_5TUPLE
# Policies of the test extension probe-filter, of which it does what they say and nothing else.
READS = ("probe-filter.reads", f"fields={FIVE_TUPLE}")
VISITS = ("probe-filter.act", "stage=INGRESS", "what=NOTHING", "visit=true")

STILL = 5  # times that it is asked, one after the other: what is not known by then will not be


@dataclasses.dataclass(frozen=True)
class Variant:
    name: str
    dpdk: bool = True      # the devices that testpmd has; else replay and null
    policies: tuple = ()   # one, of the ports in front
    loop: bool = True      # the capture repeats
    rules: int = 0         # so many of lib/acl.py, on the ports in front
    deep: int = 0          # extensions on the stack that decide nothing


class Weir(Switched):
    def __init__(self, variant, build, cores, directory, shapes):
        """`shapes`: of the captures that it will be started with."""
        self.variant, self.build, self.cores, self.shapes = variant, build, cores, shapes
        self.name = variant.name
        self.directory = f"{directory}/{variant.name}"
        self.socket = f"{self.directory}/weir.sock"
        self.n_flows = 0
        self.still = 0  # how often the number of flows has stood still

    def ctl(self, *words):
        return run(f"{self.build}/weirctl", "--socket", self.socket, *words)

    def ask(self, *words):
        return json.loads(self.ctl("-j", *words))

    def start_daemon(self, n_workers, n_mbufs):
        os.makedirs(self.directory, exist_ok=True)
        if os.path.exists(self.socket):
            os.remove(self.socket)
        most = max(shape.flows for shape in self.shapes)
        options = ["--foreground", "--poll", "--socket", self.socket, "--state", "none", "--workers", n_workers,
                   "--flows", max(65536, 2 * most), "--extensions", f"{self.build}/tests/extensions/modules"]
        if self.variant.dpdk:
            options += ["--dpdk", " ".join(EAL), "--dpdk-mbufs", n_mbufs + RESERVE]
        self.process = Process(f"{self.build}/weir-switchd", *options, log=f"{self.directory}/log")
        wait_for("weir-switchd", 60, self.is_up)

    def is_up(self):
        self.process.check()
        return os.path.exists(self.socket)

    def pin(self):
        """Workers to the polling cores, in their order; all else stays where this program is."""
        self.threads = self.process.threads("weir-worker-")
        for core, thread in zip(self.cores.polling, self.threads):
            os.sched_setaffinity(thread, {core})
        self.process.prefer_others(self.threads)

    def devices(self, capture, pair):
        if self.variant.dpdk:
            return [f"dpdk:{device}" for device in devices(capture, pair)]
        return f"replay:{capture}{',loop' if self.variant.loop else ''}", "null"

    def add_pair(self, pair, capture):
        """A port in front, one behind, and the address of the frames, which is behind."""
        inward, outward = self.devices(capture, pair)
        self.ctl("port", "add", "br0", f"out{pair}", outward)
        self.ctl("port", "add", "br0", f"in{pair}")
        if self.variant.policies:
            self.ctl("policy", "add", f"in{pair}", *self.variant.policies, "--id", "bench")
        shape = self.shapes[pair]
        for address in destinations(shape):
            vlan = ("--vlan", shape.vlan) if shape.vlan else ()
            self.ctl("fdb", "add", "br0", address, f"out{pair}", *vlan)
        return inward

    def start(self, captures, n_mbufs):
        """A capture is a pair of ports; each pair has a worker."""
        self.start_daemon(len(captures), n_mbufs)
        self.pin()
        self.ctl("switch", "add", "br0")
        if self.variant.policies:
            self.ctl("extension", "attach", "br0", self.variant.policies[0].split(".")[0])
        for i in range(1, self.variant.deep + 1):
            self.ctl("extension", "attach", "br0", f"nothing-{i}")
        inward = [self.add_pair(pair, capture) for pair, capture in enumerate(captures)]
        if self.variant.rules:
            self.apply_rules([f"in{pair}" for pair in range(len(captures))])
        for pair, nic in enumerate(inward):
            self.ctl("port", "connect", f"in{pair}", nic)

    def apply_rules(self, ports):
        self.ctl("extension", "load", acl.EXTENSION, "--path", acl.module(self.build))
        path = f"{self.directory}/rules.json"
        with open(path, "w") as file:
            json.dump(acl.document(acl.rules(self.variant.rules), "br0", ports), file)
        self.ctl("apply", path)

    def denies(self):
        return self.variant.rules > 0

    def wanted(self):
        """Flows that there are when each of the captures has its own."""
        return sum(shape.flows for shape in self.shapes)

    def settled(self):
        """All flows are known, or their number stands still. A source that never drains keeps the worker under
        pressure, so that only some of the new flows are decided in each batch and the rest are shed."""
        before, self.n_flows = self.n_flows, self.ask("switch", "show", "br0")["flows"]
        self.still = self.still + 1 if before == self.n_flows > 0 else 0
        return self.n_flows >= self.wanted() or self.still >= STILL

    def note(self):
        """Flows that are not cached although something reads the 5-tuple. Rules do not read all of it."""
        self.n_flows = self.ask("switch", "show", "br0")["flows"]
        if self.variant.policies == READS and self.n_flows < self.wanted():
            return f"{self.n_flows} of {self.wanted()} flows cached"
        return ""

    def count(self):
        rows = self.ask("port", "list")
        return (sum(row["rx_frames"] for row in rows if row["name"].startswith("in")),
                sum(row["tx_frames"] for row in rows if row["name"].startswith("out")))

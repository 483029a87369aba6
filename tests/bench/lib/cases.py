# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""What is measured."""
import dataclasses
import os

from lib import acl, ovs, weir
from lib.captures import IMIX, Shape, destinations
from lib.compare import Entry
from lib.ovs import Ovs
from lib.testpmd import RESERVE, Testpmd
from lib.weir import Variant, Weir

MIB = 1 << 20
THOROUGH = (16, 0.5)      # the rows that matter most
SHORT_TURNS = (80, 0.25)  # where a quotient of four is told, the errors of which add up
MBUF_BYTES = 3072      # of a pool, with what Weir keeps of a frame beside it, rounded up
OVS_POOL_MIB = 1024

L2 = Variant("weir-l2")
READS = Variant("weir-5-tuple", policies=weir.READS)
ACL = Variant("weir-acl", rules=1000)
NATIVE_L2 = Variant("native-l2", dpdk=False)
NATIVE_DEEP = Variant("native-64", dpdk=False, deep=64)
NATIVE_READS = Variant("native-5-tuple", dpdk=False, policies=weir.READS)
NATIVE_VISITS = Variant("native-visit", dpdk=False, policies=weir.VISITS)


@dataclasses.dataclass(frozen=True)
class Case:
    group: str
    title: str
    flows: int
    entries: tuple
    shapes: tuple
    turns: tuple = (8, 0.4)  # rounds, seconds of a turn

    def line(self):
        return f"{self.group}: {self.title}, {self.flows:,} flows"

    def mib(self):
        """Hugepages that all its systems need together."""
        total = 0
        for entry in self.entries:
            if isinstance(entry.system, Ovs):
                total += OVS_POOL_MIB
            elif isinstance(entry.system, Testpmd) or entry.system.variant.dpdk:
                total += 64 + (entry.n_frames() + RESERVE) * MBUF_BYTES // MIB
        return total


class Maker:
    """Makes cases out of systems and shapes."""

    def __init__(self, build, cores, directory, alone, beside=None):
        """`beside`: another build, of which Weir is measured, too, where it stands alone on one core."""
        self.build, self.cores, self.directory, self.alone, self.beside = build, cores, directory, alone, beside

    def weir(self, variant, *shapes):
        return Entry(Weir(variant, self.build, self.cores, self.directory, shapes), shapes)

    def weirs(self, shape, *variants):
        entries = [self.weir(variant, shape) for variant in variants]
        if self.beside:
            for variant in variants:
                other = dataclasses.replace(variant, name=f"{variant.name}-beside")
                entries.append(Entry(Weir(other, self.beside, self.cores, self.directory, (shape,)), (shape,)))
        return entries

    def ovs(self, shape, *more):
        return Entry(Ovs(self.cores, self.directory, destinations(shape), *more), (shape,))

    def peers(self, shape, thorough):
        entries = [Entry(Testpmd(self.cores, self.directory), (shape,))]
        if shape.flows <= ovs.MOST_FRAMES:
            entries.append(self.ovs(shape))
            if thorough and shape.flows > ovs.EMC_FLOWS:
                entries.append(self.ovs(shape, ovs.MANY_FLOWS, "ovs-tuned"))
        return entries

    def forwarding(self, shape, thorough=False):
        size = "IMIX" if len(shape.sizes) > 1 else f"{shape.frame_bytes() + 4} bytes"
        entries = (*self.peers(shape, thorough), *self.weirs(shape, L2, READS))
        return Case("forwarding", f"IPv{shape.version}, {size}", shape.flows, entries, (shape,),
                    THOROUGH if thorough else Case.turns)

    def random(self, n):
        shape = Shape(n, macs=4, shuffled=True)
        entries = (*self.peers(shape, True), *self.weirs(shape, L2))
        return Case("random", "random 5-tuples, 16 pairs of addresses", n, entries, (shape,), THOROUGH)

    def has_acl(self):
        return os.path.exists(acl.module(self.build))

    def acl(self, flows):
        shape = Shape(flows, rules=ACL.rules)
        entries = [Entry(Testpmd(self.cores, self.directory), (shape,)),
                   self.ovs(shape, (), "ovs", ACL.rules)]
        if flows > ovs.EMC_FLOWS:
            entries.append(self.ovs(shape, ovs.MANY_FLOWS, "ovs-tuned", ACL.rules))
        entries.extend(self.weirs(shape, READS, ACL))
        return Case("acl", f"{ACL.rules:,} rules, a meter and a DSCP", flows, tuple(entries), (shape,), THOROUGH)

    def kinds(self):
        """82 bytes with FCS hold IPv6 and a tag, so that the sizes do not differ."""
        shapes = {"ipv4": Shape(1000, 4, (78,)), "vlan": Shape(1000, 4, (78,), vlan=10), "ipv6": Shape(1000, 6, (78,))}
        entries = [Entry(Testpmd(self.cores, self.directory), (shapes["ipv4"],))]
        for variant in (L2, READS):
            for kind, shape in shapes.items():
                entries.append(self.weir(dataclasses.replace(variant, name=f"{variant.name}-{kind}"), shape))
        return Case("kinds", "frames of 82 bytes", 1000, tuple(entries), tuple(shapes.values()))

    def native(self, flows):
        shape = Shape(flows)
        variants = (NATIVE_L2, NATIVE_DEEP, NATIVE_READS, NATIVE_VISITS)
        return Case("native", "IPv4, 64 bytes", flows,
                    tuple(self.weirs(shape, *variants)), (shape,))

    def native_random(self, n):
        shape = Shape(n, macs=4, shuffled=True)
        return Case("native", "random 5-tuples, 16 pairs of addresses", n, tuple(self.weirs(shape, NATIVE_L2)),
                    (shape,))

    def workers(self, dpdk):
        """One pair of devices on one core, beside two pairs on two cores."""
        variant = L2 if dpdk else NATIVE_L2
        entries = []
        for n in (1, 2):
            shapes = tuple(Shape(10000, first=pair) for pair in range(n))
            if dpdk:
                entries.append(Entry(Testpmd(self.cores, self.directory, f"testpmd-{n}"), shapes))
            entries.append(self.weir(dataclasses.replace(variant, name=f"{variant.name}-{n}"), *shapes))
        return Case("workers", "1 and 2 workers" + ("" if dpdk else ", replay to null"), 10000, tuple(entries), shapes,
                    SHORT_TURNS)


def quick(maker):
    if not maker.alone:
        for flows in (1, 10000, 100000):
            yield maker.forwarding(Shape(flows), thorough=True)
        yield maker.random(100000)
        if maker.has_acl():
            yield maker.acl(10000)
        yield maker.kinds()
        yield maker.workers(True)
    yield maker.native(10000)


def full(maker):
    if not maker.alone:
        for flows in (1, 1000, 10000, 100000, 1000000):
            yield maker.forwarding(Shape(flows), thorough=True)
        for version, sizes in ((6, (60,)), (4, IMIX), (6, IMIX)):
            for flows in (1, 1000, 10000, 100000):
                yield maker.forwarding(Shape(flows, version, sizes))
        yield maker.random(200000)
        if maker.has_acl():
            for flows in (1, 1000, 10000, 100000):
                yield maker.acl(flows)
        yield maker.kinds()
        yield maker.workers(True)
    yield maker.workers(False)
    for flows in (1, 1000, 10000, 100000, 1000000):
        yield maker.native(flows)
    yield maker.native_random(1000000)

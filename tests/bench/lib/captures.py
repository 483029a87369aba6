# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""Captures of many flows: what all systems are fed with.

A flow is one UDP 5-tuple, all different. Frames come in the order of the flows, one each (more only where there
are more sizes than flows), which is the worst order for a cache. The same arguments give the same bytes.
"""
import dataclasses
import random
import struct

from lib import acl

SOURCE, DESTINATION = 0x020000000001, 0x020000000002
# The "simple IMIX": 7 IP packets of 40 bytes, 4 of 576 and 1 of 1500 (as in the example of `imix_weights` in
# Linux, Documentation/networking/pktgen.rst), as Ethernet frames without FCS; the first are padded.
IMIX = (60,) * 7 + (590,) * 4 + (1514,)
ETHERTYPE = {4: 0x0800, 6: 0x86DD}
DENIED_EVERY = 10  # flows, where some are to be denied: the tenth, the twentieth, ...


@dataclasses.dataclass(frozen=True)
class Shape:
    """What the frames of a capture are like."""
    flows: int
    version: int = 4
    sizes: tuple = (60,)  # of the frames in turn, without FCS; IPv6 with UDP takes 62 at least
    vlan: int = 0         # 0: no tag
    macs: int = 1         # that send, and as many that receive; flows pick pairs at random
    first: int = 0        # number of the first of them, so that captures can have different ones
    shuffled: bool = False  # 5-tuples at random rather than of neighbouring addresses
    rules: int = 0        # one flow in DENIED_EVERY matches one of the first so many of lib/acl.py; IPv4

    def smallest(self):
        """What Ethernet, tag, IP and UDP take."""
        return 14 + (4 if self.vlan else 0) + (28 if self.version == 4 else 48)

    def n_frames(self):
        return max(self.flows, len(self.sizes))

    def frame_bytes(self):
        return max(self.sizes[0], self.smallest())

    def name(self):
        sizes = "imix" if len(self.sizes) > 1 else str(self.sizes[0])
        tag = f"-vlan{self.vlan}" if self.vlan else ""
        macs = f"-macs{self.first}+{self.macs}" if self.first or self.macs > 1 else ""
        more = ("-random" if self.shuffled else "") + (f"-rules{self.rules}" if self.rules else "")
        return f"ipv{self.version}{tag}{macs}{more}-{sizes}-{self.flows}"

    def denied(self):
        """The share of its frames that the rules deny."""
        if not self.rules:
            return 0.0
        rounds, rest = divmod(self.n_frames(), self.flows)
        return (rounds * (self.flows // DENIED_EVERY) + rest // DENIED_EVERY) / self.n_frames()


def checksum(header):
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def addresses(shape, base):
    return [base + 256 * (shape.first + i) for i in range(shape.macs)]


def destinations(shape):
    """The addresses that a switch has to know, as text."""
    return [address.to_bytes(6, "big").hex(":") for address in addresses(shape, DESTINATION)]


def headers(shape, size, numbers):
    """IP and UDP of a flow, in a frame of `size` bytes."""
    source, destination, port = numbers
    room = size - (18 if shape.vlan else 14)
    if shape.version == 4:
        ip = struct.pack(">BBHHHBBHII", 0x45, 0, room, 0, 0, 64, 17, 0, 10 << 24 | source,
                         acl.NETWORK | destination)
        ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
        length = room - 20
    else:
        length = room - 40
        ip = struct.pack(">IHBBQQQQ", 6 << 28, length, 17, 64, 0xFD00 << 48, source, 0xFD01 << 48, destination)
    return ip + struct.pack(">HHHH", port, 53, length, 0 if shape.version == 4 else 0xFFFF)


def numbers_of(flow, shape, chance, rules):
    """(source address, destination, source port) of a flow. Different flows differ in the source address at least."""
    source = (flow * 0x9E3779B1 & 0xFFFFFF) if shape.shuffled else flow
    if rules and flow % DENIED_EVERY == DENIED_EVERY - 1:
        destination, port = chance.choice(rules).match(chance)
        return source, destination & 0xFFFF, port
    return source, chance.getrandbits(16), chance.randrange(acl.PORTS, 65536)


def frames(shape):
    """The frames of a shape, one after the other."""
    rules = acl.rules(shape.rules)
    kind = struct.pack(">HHH", 0x8100, shape.vlan, ETHERTYPE[shape.version]) if shape.vlan else \
        struct.pack(">H", ETHERTYPE[shape.version])
    pairs = [to.to_bytes(6, "big") + sender.to_bytes(6, "big") + kind
             for to in addresses(shape, DESTINATION) for sender in addresses(shape, SOURCE)]
    for i in range(shape.n_frames()):
        size = max(shape.sizes[i % len(shape.sizes)], shape.smallest())
        flow = i % shape.flows
        if flow == 0:
            chance = random.Random(7)  # from the first flow on again
        numbers = numbers_of(flow, shape, chance, rules)
        pair = pairs[chance.randrange(len(pairs))] if len(pairs) > 1 else pairs[0]
        yield (pair + headers(shape, size, numbers)).ljust(size, b"\0")


def write(path, shape):
    if not 1 <= shape.flows <= 1 << 24:
        raise ValueError(f"{shape.flows} flows: must be 1 to {1 << 24}")
    with open(path, "wb", buffering=1 << 20) as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for frame in frames(shape):
            file.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)

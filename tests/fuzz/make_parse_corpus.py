#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""Writes the seeds of fuzz_parse and fuzz_rewrite: make_parse_corpus.py DIRECTORY

DIRECTORY/parse and DIRECTORY/rewrite get one file per input; the formats are told in fuzz_parse.c
and fuzz_rewrite.c. The same frames come out of every run.
"""
import os
import struct
import sys

from scapy.all import (AH, ARP, DNS, ESP, GRE, ICMP, IP, IPOption_Router_Alert, LLC, SCTP, SNAP, STP,
                       TCP, UDP, VXLAN, Dot1AD, Dot1Q, Dot3, Ether, ICMPv6EchoRequest, ICMPv6ND_NS,
                       IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                       IPv6ExtHdrRouting, Raw, raw)

ETHER = Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01")
V4, V6 = IP(src="10.0.0.1", dst="10.0.0.2", id=1), IPv6(src="fd00::1", dst="fd00::2", fl=0x12345)
TCP_SYN = TCP(sport=5000, dport=80, flags="S", options=[("MSS", 1460), ("WScale", 7)])
DATA = Raw(bytes(range(40)))
DNS_QUERY = UDP(sport=5000, dport=53) / DNS(id=1)
TAG, STAG = Dot1Q(vlan=100, prio=5), Dot1AD(vlan=7, type=0x8100)
NEEDS_SEGMENTATION = 2

L3 = {
    "arp": ARP(hwsrc="02:00:00:00:00:01", psrc="10.0.0.1", pdst="10.0.0.2"),
    "arp-reply": ARP(op=2, hwsrc="02:00:00:00:00:01", psrc="10.0.0.1", pdst="10.0.0.2"),
    "ip4-tcp": V4 / TCP_SYN,
    "ip4-tcp-data": V4 / TCP(sport=5000, dport=80, flags="PA") / DATA,
    "ip4-udp": V4 / DNS_QUERY,
    "ip4-sctp": V4 / SCTP(sport=5000, dport=80),
    "ip4-icmp": V4 / ICMP(),
    "ip4-icmp-quote": V4 / ICMP(type=3, code=4) / V4 / UDP(sport=1, dport=2),
    "ip4-options": IP(src="10.0.0.1", dst="10.0.0.2", options=[IPOption_Router_Alert()]) / DNS_QUERY,
    "ip4-fragment-first": IP(src="10.0.0.1", dst="10.0.0.2", flags="MF") / DNS_QUERY,
    "ip4-fragment-later": IP(src="10.0.0.1", dst="10.0.0.2", frag=5, proto=17) / DATA,
    "ip4-fragment-tiny": IP(src="10.0.0.1", dst="10.0.0.2", flags="MF", proto=6) / Raw(b"\x13\x88\0\x50"),
    "ip4-ah": V4 / AH(nh=6, payloadlen=4, icv=bytes(12)) / TCP_SYN,
    "ip4-esp": V4 / ESP(spi=1, data=bytes(16)),
    "ip4-gre": V4 / GRE() / V4 / UDP(sport=1, dport=2),
    "ip4-vxlan": V4 / UDP(sport=5000, dport=4789) / VXLAN(vni=5) / ETHER / V4 / TCP_SYN,
    "ip4-length-0": IP(src="10.0.0.1", dst="10.0.0.2", len=0) / TCP_SYN,
    "ip4-length-long": IP(src="10.0.0.1", dst="10.0.0.2", len=1500) / TCP_SYN,
    "ip4-length-short": IP(src="10.0.0.1", dst="10.0.0.2", len=30) / TCP_SYN,
    "ip4-ihl-4": IP(src="10.0.0.1", dst="10.0.0.2", ihl=4) / TCP_SYN,
    "ip4-ihl-15": IP(src="10.0.0.1", dst="10.0.0.2", ihl=15) / TCP_SYN,
    "ip4-version-6": IP(src="10.0.0.1", dst="10.0.0.2", version=6) / TCP_SYN,
    "ip4-tcp-offset-4": V4 / TCP(dataofs=4) / DATA,
    "ip4-tcp-offset-15": V4 / TCP(dataofs=15),
    "ip4-udp-length-7": V4 / UDP(sport=1, dport=2, len=7),
    "ip4-udp-length-0": V4 / UDP(sport=1, dport=2, len=0),
    "ip4-udp-no-checksum": V4 / UDP(sport=1, dport=2, chksum=0) / DATA,
    "ip6-tcp": V6 / TCP_SYN,
    "ip6-udp": V6 / DNS_QUERY,
    "ip6-sctp": V6 / SCTP(sport=5000, dport=80),
    "ip6-icmp6": V6 / ICMPv6EchoRequest(data=b"ping"),
    "ip6-nd": V6 / ICMPv6ND_NS(tgt="fd00::2"),
    "ip6-no-next": IPv6(src="fd00::1", dst="fd00::2", nh=59),
    "ip6-hop-by-hop": V6 / IPv6ExtHdrHopByHop() / DNS_QUERY,
    "ip6-destination": V6 / IPv6ExtHdrDestOpt() / TCP_SYN,
    "ip6-routing": V6 / IPv6ExtHdrRouting(addresses=["fd00::9"]) / DNS_QUERY,
    "ip6-fragment-first": V6 / IPv6ExtHdrFragment(m=1) / DNS_QUERY,
    "ip6-fragment-later": V6 / IPv6ExtHdrFragment(offset=9, nh=17) / DATA,
    "ip6-fragment-atomic": V6 / IPv6ExtHdrFragment() / DNS_QUERY,
    "ip6-ah": V6 / AH(nh=17, payloadlen=4, icv=bytes(12)) / DNS_QUERY,
    "ip6-esp": V6 / ESP(spi=1, data=bytes(16)),
    "ip6-chain": V6 / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / IPv6ExtHdrRouting(
        addresses=["fd00::9"]) / IPv6ExtHdrFragment(m=1) / IPv6ExtHdrDestOpt() / TCP_SYN,
    "ip6-chain-8": V6 / (IPv6ExtHdrDestOpt() / IPv6ExtHdrDestOpt() / IPv6ExtHdrDestOpt()
                         / IPv6ExtHdrDestOpt() / IPv6ExtHdrDestOpt() / IPv6ExtHdrDestOpt()
                         / IPv6ExtHdrDestOpt() / IPv6ExtHdrDestOpt()) / TCP_SYN,
    "ip6-header-long": V6 / IPv6ExtHdrDestOpt(len=255) / TCP_SYN,
    "ip6-length-0": IPv6(src="fd00::1", dst="fd00::2", plen=0) / TCP_SYN,
    "ip6-length-long": IPv6(src="fd00::1", dst="fd00::2", plen=1500) / TCP_SYN,
    "ip6-in-ip4": V4 / V6 / TCP_SYN,
}


def frames():
    """Names and bytes of whole frames."""
    for name, packet in L3.items():
        yield name, raw(ETHER / packet)
    for name in ("arp", "ip4-tcp", "ip4-udp", "ip6-udp", "ip6-chain"):
        yield name + "-tag", raw(ETHER / TAG / L3[name])
        yield name + "-two-tags", raw(ETHER / STAG / TAG / L3[name])
        yield name + "-three-tags", raw(ETHER / STAG / TAG / TAG / L3[name])
        yield name + "-padded", raw(ETHER / L3[name]) + bytes(60)
    yield "llc-stp", raw(Dot3(dst="01:80:c2:00:00:00", src="02:00:00:00:00:01") / LLC() / STP())
    yield "snap", raw(Dot3(dst="02:00:00:00:00:02", src="02:00:00:00:00:01") / LLC() / SNAP(code=0x800)
                      / V4 / TCP_SYN)
    yield "lldp", raw(ETHER)[:12] + bytes.fromhex("88cc0207040200000000010403020000060200780000")
    yield "runt", raw(ETHER)[:13]
    yield "empty", b""
    yield "jumbo", raw(ETHER / V4 / UDP(sport=1, dport=2) / Raw(bytes(8972)))


def parse_inputs():
    whole = dict(frames())
    for name, frame in whole.items():
        yield name, b"\0" + frame
    for name in ("ip4-length-0", "ip4-udp-length-0", "ip6-length-0", "ip4-tcp-data"):
        yield name + "-gso", bytes([NEEDS_SEGMENTATION]) + whole[name]
    yield "jumbo-segments", b"\1" + whole["jumbo"]
    # What ends at each layer's last byte, and one before.
    for name in ("arp", "ip4-tcp", "ip4-udp-two-tags", "ip6-chain", "ip6-icmp6", "ip6-ah"):
        for size in (13, 14, 15, 17, 18, 22, 33, 34, 41, 42, 53, 54, 57, 62):
            yield f"{name}-cut-{size}", b"\0" + whole[name][:size]
        yield f"{name}-cut-last", b"\0" + whole[name][:-1]
    # Packets whose lengths are right and that end inside a header.
    for proto, size in ((6, 20), (17, 8), (132, 12), (1, 4)):
        for n in range(size):
            yield f"ip4-proto-{proto}-of-{n}", b"\0" + raw(
                ETHER / IP(src="10.0.0.1", dst="10.0.0.2", proto=proto) / Raw(bytes(n)))
    for header in (0, 43, 44, 51, 60, 135):
        for n in range(8):
            yield f"ip6-header-{header}-of-{n}", b"\0" + raw(
                ETHER / IPv6(src="fd00::1", dst="fd00::2", nh=header) / Raw(bytes(n)))


def rewrite_inputs():
    """Every operation of program.h behind OP_PUSH_VLAN, on some frames each."""
    whole = dict(frames())
    names = ("ip4-tcp", "ip4-udp", "ip4-udp-no-checksum", "ip4-fragment-first", "ip6-udp", "ip6-routing",
             "ip6-icmp6", "ip6-chain-tag", "ip4-tcp-two-tags", "arp", "runt", "ip4-options")
    body = bytes([2, 0xAA, 3, 4, 5, 6]) + b"\0" + bytes(range(0x90, 0xA0))
    partial = struct.pack("<BBHHHH", 1, 0, 0, 0, 34, 16)
    for code in range(12):
        for i, name in enumerate(names):
            offload = partial if name == "ip4-tcp" else bytes(10)
            yield f"{code:02d}-{name}", bytes([code]) + body + offload + bytes([i % 8]) + whole[name]


def write(directory, inputs):
    os.makedirs(directory, exist_ok=True)
    for name, content in inputs:
        with open(os.path.join(directory, name), "wb") as file:
            file.write(content)


if __name__ == "__main__":
    write(os.path.join(sys.argv[1], "parse"), parse_inputs())
    write(os.path.join(sys.argv[1], "rewrite"), rewrite_inputs())

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""Has tshark dissect frames that scapy made up, and compares what our parser says of them.

parse_peers.py PARSE_DUMP [SEED]: exit code 0 = the same, 1 = one differs, 77 = scapy or tshark is
missing. The seed is printed; without one it is always the same.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile

try:
    from scapy.all import (AH, ARP, ICMP, IP, SCTP, TCP, UDP, Dot1AD, Dot1Q, Ether, ICMPv6EchoRequest,
                           IPOption_NOP, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                           IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, Raw, raw, wrpcap)
except ImportError:
    print("skipped: scapy is not installed")
    sys.exit(77)
if not shutil.which("tshark"):
    print("skipped: tshark is not installed")
    sys.exit(77)

N_FRAMES = 600
FIELDS = ["eth.dst", "eth.src", "vlan.id", "vlan.priority", "vlan.dei", "ieee8021ad.id",
          "ieee8021ad.priority", "ieee8021ad.dei", "eth.type", "ip.src", "ip.dst", "ip.proto",
          "ip.dsfield", "ip.ttl", "ip.flags.mf", "ip.frag_offset", "ipv6.src", "ipv6.dst", "ipv6.tclass",
          "ipv6.hlim", "ipv6.flow", "ipv6.fraghdr.more", "ipv6.fraghdr.offset", "arp.opcode",
          "arp.src.proto_ipv4", "arp.dst.proto_ipv4", "tcp.srcport", "tcp.dstport", "udp.srcport",
          "udp.dstport", "sctp.srcport", "sctp.dstport", "icmp.type", "icmp.code", "icmpv6.type",
          "icmpv6.code"]
PORTS = {"tcp": 2, "udp": 3, "sctp": 4}
# Ports that no dissector of tshark's claims, so that nothing inside is taken for another header.
QUIET = (20001, 29999)
NEXT_HEADERS = {TCP: 6, UDP: 17, SCTP: 132, ICMPv6EchoRequest: 58}


def make_l4(rng, version):
    sport, dport = rng.randint(*QUIET), rng.randint(*QUIET)
    body = Raw(bytes(rng.randrange(256) for _ in range(rng.randrange(30))))
    return rng.choice([
        lambda: TCP(sport=sport, dport=dport, flags=rng.choice(["S", "A", "PA", "R"])) / body,
        lambda: UDP(sport=sport, dport=dport) / body,
        lambda: SCTP(sport=sport, dport=dport),
        lambda: ICMP(type=rng.choice([0, 8])) if version == 4 else ICMPv6EchoRequest(data=b"x"),
    ])()


def make_ipv4(rng):
    ip = IP(src=f"10.{rng.randrange(256)}.1.{rng.randrange(1, 255)}", dst=f"192.0.2.{rng.randrange(1, 255)}",
            tos=rng.randrange(256), ttl=rng.randrange(1, 256), id=rng.randrange(65536))
    if rng.random() < 0.2:
        ip.options = [IPOption_NOP()] * rng.randrange(1, 8)
    kind = rng.random()
    if kind < 0.1:
        ip.flags = "MF"
    elif kind < 0.2:
        ip.frag, ip.proto = rng.randrange(3, 8000), rng.choice([6, 17])  # not over a TCP header
        return ip / Raw(bytes(64))
    return ip / make_l4(rng, 4)


def make_ipv6(rng):
    packet = IPv6(src=f"fd00::{rng.randrange(1, 65536):x}", dst=f"fd01::{rng.randrange(1, 65536):x}",
                  tc=rng.randrange(256), hlim=rng.randrange(1, 256), fl=rng.randrange(1 << 20))
    headers = [lambda: IPv6ExtHdrHopByHop(), lambda: IPv6ExtHdrDestOpt(),
               lambda: IPv6ExtHdrRouting(addresses=["fd02::1"] * rng.randrange(1, 3), segleft=0)]
    for make in headers:  # in the order of RFC 8200 4.1
        if rng.random() < 0.25:
            packet /= make()
    if rng.random() < 0.15:
        packet /= IPv6ExtHdrFragment(m=1, offset=0)
    elif rng.random() < 0.15:
        return packet / IPv6ExtHdrFragment(offset=rng.randrange(1, 8000), nh=17) / Raw(bytes(64))
    l4 = make_l4(rng, 6)
    if rng.random() < 0.2:
        packet /= AH(nh=NEXT_HEADERS[type(l4)], payloadlen=4, icv=bytes(12))
    return packet / l4


def make_frame(rng):
    frame = Ether(dst=f"02:00:00:00:01:{rng.randrange(256):02x}", src=f"02:00:00:00:02:{rng.randrange(256):02x}")
    kind = rng.random()
    if kind < 0.15:
        frame /= Dot1AD(vlan=rng.randrange(1, 4095), prio=rng.randrange(8), id=rng.randrange(2))
    if kind < 0.4:
        frame /= Dot1Q(vlan=rng.randrange(1, 4095), prio=rng.randrange(8), id=rng.randrange(2))
    return frame / rng.choice([
        lambda: ARP(op=rng.randrange(1, 3), hwsrc="02:00:00:00:02:01", psrc="10.0.0.1",
                    hwdst="02:00:00:00:01:01", pdst=f"10.0.0.{rng.randrange(256)}"),
        lambda: make_ipv4(rng), lambda: make_ipv4(rng), lambda: make_ipv6(rng), lambda: make_ipv6(rng),
    ])()


def number(text):
    return 1 if text == "True" else 0 if text in ("", "False") else int(text, 0)


def dissect(path):
    """One dictionary of tshark's fields for each frame."""
    arguments = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=|", "-E", "occurrence=f",
                 "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE",
                 "-o", "ip.decode_tos_as_diffserv:TRUE"]
    for field in FIELDS:
        arguments += ["-e", field]
    lines = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout.splitlines()
    return [dict(zip(FIELDS, line.split("|"))) for line in lines]


def expect(t):
    """What tshark says, in our words."""
    e = {"eth_dst": t["eth.dst"], "eth_src": t["eth.src"], "malformed": 0}
    tags = [(t["ieee8021ad.id"], t["ieee8021ad.priority"], t["ieee8021ad.dei"]),
            (t["vlan.id"], t["vlan.priority"], t["vlan.dei"])]
    tags = [tuple(number(part) for part in tag) for tag in tags if tag[0]]
    e["tags"] = len(tags)
    e["vlan"], e["pcp"], e["dei"] = tags[0] if tags else (0, 0, 0)
    e["inner"] = tags[1][1] << 13 | tags[1][2] << 12 | tags[1][0] if len(tags) == 2 else 0
    if t["arp.opcode"]:
        e.update(l3=3, proto=number(t["arp.opcode"]), src=t["arp.src.proto_ipv4"], dst=t["arp.dst.proto_ipv4"])
        return e
    if t["ip.src"]:
        offset, more = number(t["ip.frag_offset"]), number(t["ip.flags.mf"])
        e.update(l3=1, src=t["ip.src"], dst=t["ip.dst"], tos=number(t["ip.dsfield"]), ttl=number(t["ip.ttl"]),
                 label=0, proto=number(t["ip.proto"]))
    else:
        offset, more = number(t["ipv6.fraghdr.offset"]), number(t["ipv6.fraghdr.more"])
        e.update(l3=2, src=t["ipv6.src"], dst=t["ipv6.dst"], tos=number(t["ipv6.tclass"]),
                 ttl=number(t["ipv6.hlim"]), label=number(t["ipv6.flow"]))
    e["fragment"] = 2 if offset else 1 if more else 0
    e["l4"] = e["l4_src"] = e["l4_dst"] = 0
    for protocol, l4 in PORTS.items():
        if t[protocol + ".srcport"]:
            e.update(l4=l4, l4_src=number(t[protocol + ".srcport"]), l4_dst=number(t[protocol + ".dstport"]))
    for protocol, l4 in (("icmp", 5), ("icmpv6", 6)):
        if t[protocol + ".type"]:
            e.update(l4=l4, l4_src=number(t[protocol + ".type"]), l4_dst=number(t[protocol + ".code"]))
    return e


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    rng = random.Random(seed)
    frames = [raw(make_frame(rng)) for _ in range(N_FRAMES)]
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "frames.pcap")
        wrpcap(path, [Ether(frame) for frame in frames])
        theirs = dissect(path)
    hexadecimal = "".join(frame.hex() + "\n" for frame in frames)
    lines = subprocess.run([sys.argv[1]], input=hexadecimal, check=True, capture_output=True, text=True).stdout
    ours = [dict(pair.split("=", 1) for pair in line.split()) for line in lines.splitlines()]
    if len(ours) != N_FRAMES or len(theirs) != N_FRAMES:
        sys.exit(f"{N_FRAMES} frames: {len(ours)} lines of ours, {len(theirs)} of tshark's")
    n_compared, kinds = 0, set()
    for frame, our, their in zip(frames, ours, theirs):
        for field, value in expect(their).items():
            n_compared += 1
            if our[field] != str(value):
                sys.exit(f"seed {seed}: {field} is {our[field]}, to tshark {value}: {frame.hex()}\n{their}")
        kinds.add((our["l3"], our["l4"], our["tags"], our["fragment"]))
    if len(kinds) < 40:
        sys.exit(f"seed {seed}: only {len(kinds)} kinds of frames")
    print(f"seed {seed}: {N_FRAMES} frames of {len(kinds)} kinds, {n_compared} fields are the same")


if __name__ == "__main__":
    main()

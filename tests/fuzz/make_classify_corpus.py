#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""make_classify_corpus.py DIRECTORY: inputs of fuzz_classify, the same on every machine.

Rules of few values are added one by one or at once, looked up, and removed.
"""
import pathlib
import random
import sys

ADDRESSES = [b"", b"\x0a", b"\x0a\x01", b"\x0a\x01\x02\x03", b"\x80", bytes.fromhex("20010db8"),
             bytes.fromhex("20010db8000000008000000000000001")]
PORTS = [b"\x00", b"\x50", b"\xf4\x00", b"\xff"]


def address(r, length):
    bits = r.choice(ADDRESSES)
    return bytes([len(bits)]) + bits + (bytes([r.choice([0, 1, 8, 24, 32, 33, 64, 65, 128])]) if length else b"")


def rule(r, fields):
    given = r.randrange(256) & fields
    l3 = r.choice([0, 1, 1, 2, 2, 3, 4, 7])
    out = bytes([0, given, l3]) + bytes([r.randrange(0xf0)])
    out += address(r, True) if given & 1 else b""
    out += address(r, True) if given & 2 else b""
    out += r.choice([b"\x01", b"\x06", b"\x11"]) if given & 4 else b""
    for bit in 8, 16:
        if given & bit:
            out += b"".join(sorted(r.choices(PORTS, k=2)))
    for bit in 32, 64:
        out += r.choice([b"\x00", b"\x08"]) if given & bit else b""
    return out + (r.choice([b"\x00", b"\x05", b"\xf1\x00"]) if given & 128 else b"")


def packet(r):
    return (bytes([3, r.choice([0, 1, 1, 2, 2, 3]), r.randrange(6)]) + r.choice([b"\x00", b"\x05"]) +
            bytes([r.choice([1, 6, 17])]) + r.choice(PORTS) + r.choice(PORTS) + bytes([r.choice([0, 8]), 0]) +
            address(r, False) + address(r, False))


def content(seed, n, fields, batch):
    r = random.Random(seed)
    out = b""
    for i in range(n):
        out += rule(r, fields)
        if i % batch == batch - 1:
            out += b"\x01" + packet(r) + (bytes([2, r.randrange(200)]) if r.random() < 0.3 else b"")
    out += b"\x01" + b"".join(packet(r) for _ in range(n))
    return out + b"".join(bytes([2, r.randrange(200)]) + packet(r) for _ in range(n))


def main():
    directory = pathlib.Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for name, fields in (("any", 0), ("addresses", 3), ("ports", 28), ("icmp", 0x64), ("vlan", 0x80), ("mixed", 0x9f),
                         ("refused", 0xff)):
        for n, batch in ((3, 1), (40, 7), (120, 1), (200, 200)):
            (directory / f"{name}-{n}-{batch}").write_bytes(content(f"{name}{n}{batch}", n, fields, batch))


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""Writes the seeds of the fuzz target fuzz_replay: make_replay_corpus.py DIRECTORY

Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. good-* load, bad-* are refused.
"""
import os
import struct
import sys

ETHERNET, COOKED = 1, 113
ARP = bytes.fromhex(
    "ffffffffffff0200000000010806000108000604000102000000000a0000010000000000000a000002"
).ljust(60, b"\0")
UDP = (bytes.fromhex("0200000000020200000000010800"
                     "4500002200010000401166c80a0000010a000002"
                     "138800350000e0000000") + b"payload").ljust(60, b"\0")
TAGGED = UDP[:12] + bytes.fromhex("8100000a") + UDP[12:]


def pcap(*frames, order="<", magic=0xA1B2C3D4, link=ETHERNET, snaplen=65535, version=(2, 4)):
    out = struct.pack(order + "IHHiIII", magic, *version, 0, 0, snaplen, link)
    for frame in frames:
        data, wire = frame if isinstance(frame, tuple) else (frame, len(frame))
        out += struct.pack(order + "IIII", 1, 2, len(data), wire) + data
    return out


def block(kind, body, order="<"):
    body += b"\0" * (-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def option(code, value, order="<"):
    return struct.pack(order + "HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def section(order="<", version=(1, 0), options=b""):
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, *version, -1) + options, order)


def interface(order="<", link=ETHERNET, snaplen=65535, options=b""):
    return block(1, struct.pack(order + "HHI", link, 0, snaplen) + options, order)


def enhanced(frame, order="<", index=0, wire=None, options=b""):
    padded = frame + b"\0" * (-len(frame) % 4)
    wire = len(frame) if wire is None else wire
    return block(6, struct.pack(order + "IIIII", index, 0, 1, len(frame), wire) + padded + options,
                 order)


def simple(frame, order="<", wire=None):
    return block(3, struct.pack(order + "I", len(frame) if wire is None else wire) + frame, order)


NG = section() + interface()
MICROSECONDS = option(9, b"\x06") + option(0, b"")
SEEDS = {
    "good-one.pcap": pcap(ARP),
    "good-three.pcap": pcap(ARP, UDP, TAGGED),
    "good-big-endian.pcap": pcap(ARP, UDP, order=">"),
    "good-nanoseconds.pcap": pcap(ARP, magic=0xA1B23C4D),
    "good-kuznetzov.pcap": struct.pack("<IHHiIII", 0xA1B2CD34, 2, 4, 0, 0, 65535, ETHERNET)
                           + struct.pack("<IIIIIHBB", 1, 2, len(ARP), len(ARP), 1, 2, 0, 0) + ARP,
    "good-cut-short.pcap": pcap((UDP[:34], 1514), ARP),
    "good-runt.pcap": pcap(b"\x02", UDP[:13], UDP[:14]),
    "good-jumbo.pcap": pcap(UDP + bytes(8954)),
    "good-fcs-length.pcap": pcap(ARP + b"FCS!", link=ETHERNET | 0x2400_0000),
    "good-old-version.pcap": pcap(ARP, version=(2, 2)),
    "good-one.pcapng": NG + enhanced(ARP),
    "good-big-endian.pcapng": section(">") + interface(">") + enhanced(ARP, ">"),
    "good-simple.pcapng": NG + simple(UDP) + simple(ARP),
    "good-simple-cut.pcapng": section() + interface(snaplen=32) + simple(UDP[:32], wire=60),
    "good-options.pcapng": section(options=option(4, b"weir") + option(0, b""))
                           + interface(options=MICROSECONDS) + enhanced(ARP, options=option(0, b"")),
    "good-two-interfaces.pcapng": NG + interface() + enhanced(ARP, index=1) + enhanced(UDP),
    "good-two-sections.pcapng": NG + enhanced(ARP) + NG + enhanced(UDP),
    "good-other-blocks.pcapng": NG + block(4, struct.pack("<HH", 0, 0)) + enhanced(ARP)
                                + block(5, struct.pack("<III", 0, 0, 1)) + block(0xBAD, b"custom"),
    "good-unpadded.pcapng": NG + enhanced(UDP[:41]),
    "bad-magic.pcap": b"\xd4\xc3\xb2\xa0" + pcap(ARP)[4:],
    "bad-no-frames.pcap": pcap(),
    "bad-header-only.pcap": pcap()[:23],
    "bad-cut-off.pcap": pcap(ARP, UDP)[:-1],
    "bad-cut-in-record.pcap": pcap(ARP, UDP)[:24 + 16 + 60 + 7],
    "bad-link-type.pcap": pcap(ARP, link=COOKED),
    "bad-empty-frame.pcap": pcap(ARP, b""),
    "bad-large-frame.pcap": pcap(bytes(65601), snaplen=262144),
    "bad-huge-length.pcap": pcap(ARP) + struct.pack("<IIII", 1, 2, 0xFFFFFFFF, 60),
    "bad-version.pcap": pcap(ARP, version=(9, 9)),
    "bad-no-interface.pcapng": section() + enhanced(ARP),
    "bad-interface-index.pcapng": NG + enhanced(ARP, index=7),
    "bad-link-type.pcapng": section() + interface(link=COOKED) + enhanced(ARP),
    "bad-two-link-types.pcapng": NG + interface(link=COOKED) + enhanced(ARP, index=1),
    "bad-no-frames.pcapng": NG,
    "bad-block-length.pcapng": NG + struct.pack("<III", 6, 13, 0),
    "bad-block-end.pcapng": NG + enhanced(ARP)[:-4] + struct.pack("<I", 8),
    "bad-captured-length.pcapng": NG + block(6, struct.pack("<IIIII", 0, 0, 1, 0x7FFFFFFF, 60) + ARP),
    "bad-version.pcapng": section(version=(3, 0)) + interface() + enhanced(ARP),
    "bad-option-length.pcapng": section() + interface(options=struct.pack("<HH", 9, 999)) + enhanced(ARP),
    "bad-text": b"once upon a time there was a frame\n",
}


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, content in SEEDS.items():
        with open(os.path.join(sys.argv[1], name), "wb") as file:
            file.write(content)


if __name__ == "__main__":
    main()

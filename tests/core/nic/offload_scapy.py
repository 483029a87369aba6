#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# offload_scapy.py FILE: has scapy compute the lengths and checksums of the frames in a capture anew.
# Exit code 0 = all the same, 1 = one differs, 77 = there is no scapy.
import sys

try:
    from scapy.all import IP, TCP, UDP, Ether, IPv6, raw, rdpcap
except ImportError:
    sys.exit(77)

frames = rdpcap(sys.argv[1])
if len(frames) < 100:
    sys.exit(f"only {len(frames)} frames in {sys.argv[1]}")
for number, frame in enumerate(frames, 1):
    again = Ether(raw(frame))
    fields = 0
    for layer, names in ((IP, ("len", "chksum")), (IPv6, ("plen",)), (TCP, ("chksum",)),
                         (UDP, ("len", "chksum"))):
        if layer in again:
            for name in names:
                delattr(again[layer], name)
                fields += 1
    if fields < 2 or raw(again) != raw(frame):
        print(f"frame {number}: {frame.summary()}: scapy makes something else of it")
        Ether(raw(again)).show()
        frame.show()
        sys.exit(1)

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""Sends Ethernet frames from one host of a system test and says which hosts got them, and how.

   frames.py PREFIX FROM SRC DST [--tag VLAN]... [--count N] [--among HOSTS] [--to HOST[:VLAN],...]
   frames.py PREFIX FROM SRC DST --flood SECONDS

The frames have a payload of this run's own, so that nothing else is mistaken for them. All hosts
of --among listen; those of --to must receive every frame once, with the tag that is named or with
none, and the others none. There is no VLAN device in this: tags are written into the frame.
"""
import argparse
import ctypes
import os
import select
import socket
import struct
import sys
import time

ETHERTYPE = 0x88B5  # IEEE 802: local experiments
CLONE_NEWNET = 0x40000000
PACKET_AUXDATA, PACKET_IGNORE_OUTGOING, SOL_PACKET = 8, 23, 263
TP_STATUS_VLAN_VALID = 1 << 4
LAST_CHANCE_S = 0.15  # how long a frame that must not come is waited for


def enter(namespace):
    with open(f"/var/run/netns/{namespace}") as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) < 0:
            raise OSError(ctypes.get_errno(), f"setns {namespace}")


def open_interface(namespace, name="e"):
    """A packet socket; it stays in the namespace where it was made."""
    enter(namespace)
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    sock.bind((name, 3))
    return sock


def mac(text):
    return bytes(int(byte, 16) for byte in text.split(":"))


def build(options, marker, number):
    tags = b"".join(struct.pack("!HH", 0x8100, tag) for tag in options.tag)
    payload = struct.pack("!16sI", marker, number).ljust(max(46, options.size), b".")
    return mac(options.dst) + mac(options.src) + tags + struct.pack("!H", ETHERTYPE) + payload


def parse(data, ancillary):
    """The tags and what is behind them; the kernel takes the outermost tag out."""
    tags, at = [], 12
    for level, kind, value in ancillary:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, *_, tag, _ = struct.unpack("IIIHHHH", value[:20])
            if status & TP_STATUS_VLAN_VALID:
                tags.append(tag & 0xFFF)
    while data[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        tags.append(struct.unpack("!H", data[at + 2:at + 4])[0] & 0xFFF)
        at += 4
    return tags, data[at:]


def collect(sockets, marker, seen, seconds, enough):
    """Reads until enough() or the time is over."""
    end = time.monotonic() + seconds
    while not enough() and time.monotonic() < end:
        ready, _, _ = select.select(list(sockets.values()), [], [], 0.01)
        for host, sock in sockets.items():
            if sock not in ready:
                continue
            data, ancillary, _, _ = sock.recvmsg(65536, 128)
            tags, rest = parse(data, ancillary)
            if rest[:2] == struct.pack("!H", ETHERTYPE) and rest[2:18] == marker:
                seen[host].append((struct.unpack("!I", rest[18:22])[0], tags))


def check(options, seen):
    wanted = {}
    for item in filter(None, (options.to or "").split(",")):
        host, *tags = item.split(":")
        wanted[host] = [int(tag) for tag in tags]
    faults = []
    for host, frames in seen.items():
        numbers = sorted(number for number, _ in frames)
        expected = list(range(options.count)) if host in wanted else []
        if numbers != expected:
            faults.append(f"{host} got {len(numbers)} frames ({len(set(numbers))} different), "
                          f"expected {len(expected)}")
        faults += [f"{host} got tags {tags}, expected {wanted[host]}"
                   for tags in {tuple(tags) for _, tags in frames}
                   if host in wanted and list(tags) != wanted[host]]
    return faults


def exchange(options):
    marker = os.urandom(16)
    hosts = [host for host in (options.among or "").split(",") if host]
    sockets = {host: open_interface(f"{options.prefix}-{host}") for host in hosts}
    sender = open_interface(f"{options.prefix}-{options.sender}")
    seen = {host: [] for host in hosts}
    n_wanted = len(list(filter(None, (options.to or "").split(",")))) * options.count
    for number in range(options.count):
        sender.send(build(options, marker, number))
        collect(sockets, marker, seen, 0, lambda: False)
    collect(sockets, marker, seen, 3, lambda: sum(map(len, seen.values())) >= n_wanted)
    collect(sockets, marker, seen, LAST_CHANCE_S, lambda: False)
    return check(options, seen)


def flood(options):
    """As fast as one socket can, until the time is over; says how many."""
    sender = open_interface(f"{options.prefix}-{options.sender}")
    marker, number, end = os.urandom(16), 0, time.monotonic() + options.flood
    while time.monotonic() < end:
        for _ in range(32):
            try:
                sender.send(build(options, marker, number))
                number += 1
            except OSError:  # ENOBUFS: the queue is full
                time.sleep(0.001)
    print(number)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("prefix")
    parser.add_argument("sender")
    parser.add_argument("src")
    parser.add_argument("dst")
    parser.add_argument("--tag", type=int, action="append", default=[], help="TCI, outermost first")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--size", type=int, default=46, help="bytes of payload")
    parser.add_argument("--among", help="hosts that listen")
    parser.add_argument("--to", help="those that must receive: b,c:20")
    parser.add_argument("--flood", type=float)
    options = parser.parse_args()
    if options.flood:
        flood(options)
        return
    faults = exchange(options)
    if faults:
        sys.exit("frames.py: " + "; ".join(faults))


if __name__ == "__main__":
    main()

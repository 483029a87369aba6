#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""Sends what a guarded guest should not: guard_frames.py NAMESPACE KIND MY_MAC COUNT, from its interface "e".

Frames are scapy's, so that it is not the test that says what they look like.
"""
import ctypes
import logging
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.all import (ARP, DHCP, BOOTP, IP, UDP, Dot1Q, Dot3, Ether, ICMPv6ND_NA, ICMPv6ND_RA, ICMPv6ND_Redirect,
                       ICMPv6NDOptDstLLAddr, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, LLC, Raw, SNAP,
                       DHCP6_Advertise, sendp)

CLONE_NEWNET = 0x40000000
OTHER_MAC, OTHER_4, OTHER_6 = "02:66:00:00:00:66", "10.7.0.66", "2001:db8:7::66"
MY_4, MY_6 = "10.7.0.1", "2001:db8:7::1"
ALL = "ff:ff:ff:ff:ff:ff"


def eth(mine, to="33:33:00:00:00:01"):
    return Ether(src=mine, dst=to)


def frames(kind, mine):
    v6 = eth(mine) / IPv6(src=MY_6, dst="ff02::1", hlim=255)
    v4 = eth(mine, ALL) / IP(src=MY_4, dst="255.255.255.255")
    offer = BOOTP(op=2) / DHCP(options=[("message-type", "offer"), "end"])
    # An advertisement whose first fragment ends inside 256 bytes of options.
    chain_begins = IPv6ExtHdrFragment(nh=60, m=1, id=7) / Raw(bytes([58, 31, 1, 252]) + bytes(196))
    return {
        "mac": [eth(OTHER_MAC, ALL) / Raw(bytes(46))],
        "ip": [eth(mine, ALL) / IP(src=OTHER_4, dst=MY_4) / UDP(sport=1, dport=2)],
        "ip6": [eth(mine) / IPv6(src=OTHER_6, dst="ff02::1") / UDP(sport=1, dport=2)],
        "arp": [eth(mine, ALL) / ARP(op=2, hwsrc=mine, psrc=OTHER_4, hwdst=ALL, pdst=OTHER_4)],
        "arp-mac": [eth(mine, ALL) / ARP(op=2, hwsrc=OTHER_MAC, psrc=MY_4, hwdst=ALL, pdst=MY_4)],
        "na": [v6 / ICMPv6ND_NA(tgt=OTHER_6, O=1) / ICMPv6NDOptDstLLAddr(lladdr=mine)],
        "na-mac": [v6 / ICMPv6ND_NA(tgt=MY_6, O=1) / ICMPv6NDOptDstLLAddr(lladdr=OTHER_MAC)],
        "na-fragment": [v6 / IPv6ExtHdrFragment(m=0) / ICMPv6ND_NA(tgt=MY_6)],
        "ra": [v6 / ICMPv6ND_RA()],
        "ra-options": [v6 / IPv6ExtHdrDestOpt() / ICMPv6ND_RA()],
        "ra-tags": [eth(mine) / Dot1Q(vlan=0) / Dot1Q(vlan=0) / IPv6(src=MY_6, dst="ff02::1") / ICMPv6ND_RA()],
        "ra-fragment": [v6 / chain_begins],
        "ra-hidden": [Dot3(src=mine, dst="33:33:00:00:00:01") / LLC(dsap=0xaa, ssap=0xaa, ctrl=3) / SNAP(OUI=0, code=0x86dd) /
                      IPv6(src=MY_6, dst="ff02::1") / ICMPv6ND_RA()],
        "redirect": [v6 / ICMPv6ND_Redirect(tgt=MY_6, dst=OTHER_6)],
        "dhcp": [v4 / UDP(sport=67, dport=68) / offer],
        "dhcp6": [v6 / UDP(sport=547, dport=546) / DHCP6_Advertise()],
        "broadcast": [eth(mine, ALL) / Raw(bytes(46))],
        "multicast": [eth(mine, "01:00:5e:01:01:01") / Raw(bytes(46))],
        "unknown": [eth(mine, OTHER_MAC) / Raw(bytes(46))],
        "stations": [eth(f"02:66:00:00:01:{i:02x}", ALL) / Raw(bytes(46)) for i in range(20)],
    }[kind]


def main():
    namespace, kind, mine, count = sys.argv[1:]
    with open(f"/var/run/netns/{namespace}") as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) < 0:
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
    sendp(frames(kind, mine) * int(count), iface="e", verbose=False)


if __name__ == "__main__":
    main()

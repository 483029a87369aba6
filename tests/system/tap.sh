#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# Ping and TCP over tap ports, and between a tap and a packet port: default offloads and none.
#
#	a 10.7.0.1 --sa--[ kernel bridge ta-br ]-- ta = pa [ br0 ] pb = tb --[ tb-br ]--sb-- b 10.7.0.2
#	                                                   [     ] pc --sc-- c 10.7.0.3  (packet)
#
# A tap that is moved into another namespace leaves the daemon's view, so a bridge of the kernel
# stands between each tap and its host; segmentation frames pass it whole.
. "$(dirname "$0")/lib.sh"
need_tap
need ethtool

# tap_host NAME ADDRESS: a host behind tap t$NAME on port p$NAME.
tap_host() {
	host "$1" "$2"
	ctl port add br0 "p$1" "tap:t$1"
	at sw ip link add name "t$1-br" type bridge
	at sw ip link set "s$1" master "t$1-br"
	at sw ip link set "t$1" master "t$1-br"
	at sw ip link set "t$1-br" up
}

daemon_start
ctl switch add br0
tap_host a 10.7.0.1/24
tap_host b 10.7.0.2/24
host c 10.7.0.3/24
ctl port add br0 pc packet:sc

eventually 10 "b answers a" reaches a 10.7.0.2
pings a 10.7.0.2 200
pings a 10.7.0.3 200
transfer a b 10.7.0.2 100
transfer a c 10.7.0.3 50
transfer c a 10.7.0.1 50

# The same with an end that finishes its checksums and segments itself.
at a ethtool -K e tx off tso off gso off >/dev/null
at sw ethtool -K ta tx off tso off gso off >/dev/null
transfer a b 10.7.0.2 20
transfer b a 10.7.0.1 20
transfer c a 10.7.0.1 20

# A tap that the switch made goes with its port; one that was there stays.
at sw ip tuntap add dev stay mode tap
ctl port add br0 pstay tap:stay
ctl port remove pstay
at sw ip link show dev stay >/dev/null || fail "the switch removed an interface that was there"
ctl port remove pb
eventually 5 "tb is gone" at sw sh -c '! ip link show dev tb'
finish

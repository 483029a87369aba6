#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# Ping and TCP between two hosts over packet ports, with default offloads and without.
#
#	a 10.7.0.1 --sa-- pa [ br0 ] pb --sb-- b 10.7.0.2       default offloads
#	c 10.7.0.3 --sc-- pc [     ] pd --sd-- d 10.7.0.4       offloads off
. "$(dirname "$0")/lib.sh"
need ethtool

daemon_start
ctl switch add br0
hosts_on_packet a b
plain=1
number=2
for name in c d; do
	number=$((number + 1))
	host $name 10.7.0.$number/24
	ctl port add br0 p$name packet:s$name
done

pings a 10.7.0.2 200
pings c 10.7.0.4 200
# A datagram in fragments, of which only the first has ports.
at a ping -n -q -c 3 -i 0.01 -s 8000 10.7.0.2 >/dev/null || fail "8000-byte ping"
transfer a b 10.7.0.2 100
transfer b a 10.7.0.1 20
transfer c d 10.7.0.4 20
# Between the two kinds of hosts the switch carries unfinished frames into a plain interface.
transfer a d 10.7.0.4 20
transfer d a 10.7.0.1 20

# Of a switch's counters, the ports' are the parts.
for key in rx_frames tx_frames; do
	equal "$key" "$(value "[.[].$key] | add" port list)" "$(value ".[0].$key" switch list)"
done
at_least "wire frames sent to b" "$(port_value pb tx_frames)" 70000

# Where the kernel beside the daemon is let in, whoever connects the interface is told.
again() {
	ctl port disconnect pd
	ctl port connect pd 2>&1
}
equal "a note when the kernel stays out" "$(again)" ""
at sw sysctl -qw net.ipv6.conf.sd.disable_ipv6=0
grep -q "note: port pd: the host's own kernel takes what comes from interface sd as well" <<<"$(again)" ||
	fail "no note that the kernel speaks IPv6 on sd"
# Of a dry run, too.
ctl export >"$work/site.json"
ctl port disconnect pd
for command in "port connect pd" "port add br0 pe packet:sd" "apply $work/site.json"; do
	said=$(ctl $command --dry-run 2>&1)
	grep -q "note: port p[de]: the host's own kernel takes what comes from interface sd as well" <<<"$said" ||
		fail "no note of a dry run of $command: $said"
done
equal "still without a NIC" "$(port_value pd state)" disconnected
ctl port connect pd 2>/dev/null
finish

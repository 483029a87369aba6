#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# Ports come and go, with frames on them, and a ping between two others loses none.
#
#	a 10.7.0.1 --- pa [ br0 ] pb --- b 10.7.0.2
#	                  [     ] x1..x20: packet, tap and null ports, added and removed
. "$(dirname "$0")/lib.sh"
need_tap

daemon_start
ctl switch add br0
hosts_on_packet a b
host c
pings a 10.7.0.2

background a ping -n -q -i 0.001 -c 8000 -W 2 10.7.0.2 >"$work/ping"
ping=$background
rounds=0
while kill -0 $ping 2>/dev/null; do
	ctl port add br0 pc packet:sc
	# Broadcasts reach the new port and the others, also while ports go.
	frames c 02:00:00:00:00:cc ff:ff:ff:ff:ff:ff --count 20 --among a,b --to a,b
	for number in 1 2 3 4 5; do ctl port add br0 x$number null; done
	ctl port add br0 t1 tap:t1
	ctl port disconnect x1
	ctl port connect x1
	ctl port remove pc
	ctl port remove t1
	for number in 1 2 3 4 5; do ctl port remove x$number; done
	rounds=$((rounds + 1))
done
wait $ping || fail "$(cat "$work/ping")"
grep -q "8000 received, 0% packet loss" "$work/ping" || fail "$(cat "$work/ping")"
at_least "rounds of adding and removing" $rounds 5
equal "ports that are left" "$(value length port list)" 2
finish

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# A broadcast on a switch of 1,000 ports, with an egress filter on each, reaches every one once; each
# destination is decided once, and not again for every source.
#
#	a --- pa [     ] 900 ports on null
#	b --- pb [ br0 ] 98 packet ports q1..q98, whose veth ends stay beside the daemon
. "$(dirname "$0")/lib.sh"
use_extensions probe-filter

n_packet=98
n_null=900
broadcast=ff:ff:ff:ff:ff:ff

daemon_start --extensions "$extensions"
ctl switch add br0
hosts_on_packet a b
for number in $(seq $n_packet); do
	echo "link add q$number type veth peer name r$number"
	echo "link set r$number up"
	echo "link set q$number up"
done >"$work/links"
at sw ip -batch "$work/links"
for number in $(seq $n_packet); do ctl port add br0 q$number packet:q$number; done
"$here/many_ports.py" add $n_null
ctl extension attach br0 probe-filter # at ingress, forwarded and egress, deciding nothing
n_ports=$((n_packet + n_null + 2))
equal "ports" "$(value '.[0].ports' switch list)" $n_ports

resident_kb() { awk '/VmRSS/ { print $2 }' "/proc/$daemon_pid/status"; }
asked() { value '.[0].decisions' extension list; }
total() { value ".[0].$1" switch list; }

frames a 02:00:00:00:01:00 $broadcast --count 3 --among b --to b
eventually 10 "counts stand still" balanced
settled=$(total tx_frames)
decisions=$(total decisions)
calls=$(asked)
# Once for each destination, and at ingress and when the forwarding was known: as often as the frames
# at most, because the first of them taught the switch the address that its flow depends on.
at_least "calls of the filter for the first source" "$calls" $((n_ports - 1 + 2))
at_most "calls of the filter for the first source" "$calls" $((n_ports - 1 + 2 * 3))
memory=$(resident_kb)

# 50 sources, 10 broadcasts of each.
for number in $(seq 10 59); do
	frames a 02:00:00:00:02:$number $broadcast --count 10 --among b --to b
done
eventually 10 "counts stand still" balanced
equal "frames sent" $(($(total tx_frames) - settled)) $((50 * 10 * (n_ports - 1)))
decided=$(($(total decisions) - decisions))
echo "decided: $decided for 50 new sources; memory grew by $(($(resident_kb) - memory)) kB"
echo "the filter was called $(($(asked) - calls)) times for them"
at_most "calls of the filter for 50 new sources" $(($(asked) - calls)) 300
at_most "flows decided for 50 new sources" $decided 300
at_most "kB more for 50 new sources" $(($(resident_kb) - memory)) 8000

# Each NIC got each frame once.
equal "a null port's share" "$(port_value n500 tx_frames)" 503
equal "a packet port's share" "$(port_value q50 tx_frames)" 503
equal "the sender's own" "$(port_value pa tx_frames)" 0
finish

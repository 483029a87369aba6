#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# A daemon with two ports and no traffic uses under 1 % of a core, and under 80 MB of memory.
#
#	a --- pa [ br0 ] pb --- b
. "$(dirname "$0")/lib.sh"

[ -z "${WEIR_SANITIZED:-}" ] || skip "a sanitizer's memory and time say nothing"

# The daemon itself, which `ip netns exec` became.
ticks() { awk '{ print $14 + $15 }' "/proc/$daemon_pid/stat"; }
resident_kb() { awk '/VmRSS/ { print $2 }' "/proc/$daemon_pid/status"; }

daemon_start --workers 2
ctl switch add br0
hosts_on_packet a b
pings a 10.7.0.2 100
# Silence: no neighbour is asked for any more.
for name in a b; do at $name ip link set e arp off; done
equal "the process" "$(cat "/proc/$daemon_pid/comm")" weir-switchd

frames_before=$(value '.[0].rx_frames' switch list)
before=$(ticks)
sleep 5 # the time that is measured
used=$(($(ticks) - before))
at_most "frames meanwhile" $(($(value '.[0].rx_frames' switch list) - frames_before)) 5
per_second=$(getconf CLK_TCK)
echo "CPU: $used ticks of $((5 * per_second)); resident: $(resident_kb) kB"
at_most "ticks of CPU time in 5 s (1 %)" $used $((5 * per_second / 100))
at_most "resident kB" "$(resident_kb)" 80000
finish

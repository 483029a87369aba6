#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# 1,000 ports are added and removed under traffic: the other ports lose no frame, and the memory is
# given back.
#
#	a 10.7.0.1 --- pa [ br0 ] pb --- b 10.7.0.2
#	                  [     ] n1..n1000: null ports, which get all broadcasts
. "$(dirname "$0")/lib.sh"

resident_kb() { awk '/VmRSS/ { print $2 }' "/proc/$daemon_pid/status"; }
descriptors() { ls "/proc/$daemon_pid/fd" | wc -l; }
few_descriptors() { [ "$(descriptors)" -le "$n_descriptors" ]; }

# cycle COUNT: so many ports come, get a broadcast and go.
cycle() {
	"$here/many_ports.py" add "$1"
	equal "ports" "$(value '.[0].ports' switch list)" $(($1 + 2))
	frames a 02:00:00:00:01:00 ff:ff:ff:ff:ff:ff --count 3 --among b --to b
	at_least "broadcasts to the last port" "$(port_value "n$1" tx_frames)" 3
	"$here/many_ports.py" remove "$1"
	equal "ports" "$(value '.[0].ports' switch list)" 2
}

daemon_start
ctl switch add br0
hosts_on_packet a b
pings a 10.7.0.2
# unanswered: echo requests of a for which no reply has come so far, as its kernel counts them.
unanswered() {
	at a awk '$1 == "Icmp:" {
		if (!n++) for (i = 2; i <= NF; i++) at[$i] = i
		else print $at["OutEchos"] - $at["InEchoReps"]
	}' /proc/net/snmp
}
all_answered() { [ "$(unanswered)" -eq "$before" ]; }
before=$(unanswered)
background a ping -n -q -i 0.002 -c 1000000 -W 2 10.7.0.2 >"$work/ping"
ping=$background

# What malloc() keeps of the first 1,000 is used again: half a kB lost by each port would show.
cycle 1000
memory=$(resident_kb) n_descriptors=$(descriptors)
cycle 1000
cycle 1000
more=$(($(resident_kb) - memory))
echo "resident: $memory kB, then $more kB more"
[ -n "${WEIR_SANITIZED:-}" ] || at_most "kB more after 2,000 ports more" $more 1000
eventually 10 "as many descriptors as before" few_descriptors

# What is on its way as it ends counts as lost for ping, but not for the kernel.
kill -INT "$ping"
wait "$ping" || fail "$(cat "$work/ping")"
eventually 10 "every ping is answered" all_answered
at_least "pings meanwhile" "$(awk '/received/ { print $4 }' "$work/ping")" 500
finish

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# An interface disappears and comes back under its name with another index: the port waits in state
# nic-lost, tells by an event, and passes frames again. The other ports do not notice.
#
#	a 10.7.0.1 --- pa [ br0 ] pb --- b 10.7.0.2
#	                  [     ] pc --- c 10.7.0.3
. "$(dirname "$0")/lib.sh"

state_is() { [ "$(port_value "$1" state)" = "$2" ]; }
events() { jq -rs "[.[] | select(.port == \"$1\") | .kind] | join(\" \")" "$work/events"; }
has_event() { [[ " $(events "$1") " == *" $2 "* ]]; }
index_of() { at sw cat "/sys/class/net/$1/ifindex"; }

daemon_start
ctl switch add br0
ctl event watch -j >"$work/events" &
pids+=($!)
# The subscription is in force when an event is seen; a port that comes and goes makes one.
announced() {
	ctl port add br0 hello null && ctl port remove hello && has_event hello port-removed
}
eventually 10 "events are seen" announced
hosts_on_packet a b c
pings a 10.7.0.2
pings a 10.7.0.3

background a ping -n -q -i 0.001 -c 4000 -W 2 10.7.0.3 >"$work/ping"
ping=$background
old=$(index_of sb)
at sw ip link delete sb
eventually 5 "pb is nic-lost" state_is pb nic-lost
eventually 5 "the event nic-lost" has_event pb nic-lost
[ -n "$(port_value pb reason)" ] || fail "a lost NIC has no sentence saying why"
reaches a 10.7.0.2 && fail "a port without its NIC passes frames"

# While it is lost the port can be looked at and configured.
ctl port set pb --mtu 1400
ctl port set pb --mtu 0

# It comes as interfaces do by default: speaking IPv6.
at sw sysctl -qw net.ipv6.conf.default.disable_ipv6=0
link b
at sw sysctl -qw net.ipv6.conf.default.disable_ipv6=1
at b ip address add 10.7.0.2/24 dev e
[ "$(index_of sb)" != "$old" ] || fail "the interface came back with its old index"
eventually 5 "pb is connected" state_is pb connected
[ ! -e /proc/sys/net/ipv6 ] || grep -q "port pb: the host's own kernel takes" "$work/log" ||
	fail "nobody is told that the kernel speaks IPv6 on sb"
eventually 5 "b answers again" reaches a 10.7.0.2
pings a 10.7.0.2 100
wait $ping || true
grep -q "4000 received, 0% packet loss" "$work/ping" || fail "between a and c: $(cat "$work/ping")"

# Disconnected on purpose it does not come back by itself.
at sw ip link delete sb
eventually 5 "pb is nic-lost again" state_is pb nic-lost
ctl port disconnect pb
link b
at b ip address add 10.7.0.2/24 dev e
reaches a 10.7.0.2 && fail "a disconnected port passes frames"
equal "state" "$(port_value pb state)" disconnected
ctl port connect pb
eventually 5 "b answers after connect" reaches a 10.7.0.2
finish

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# An interface that carries the host's default route is refused, as taking it would cut the host off;
# --force takes it.
#
#	a 10.7.0.1 --- sa 10.7.0.254 (default route of the daemon's namespace), pa
#	b 10.7.0.2 --- sb (no route), pb
. "$(dirname "$0")/lib.sh"

daemon_start
ctl switch add br0
host a 10.7.0.1/24
host b 10.7.0.2/24
at sw ip address add 10.7.0.254/24 dev sa
at sw ip route add default via 10.7.0.1

sentence=$(ctl port add br0 pa packet:sa 2>&1) && fail "the interface with the default route was taken"
for word in sa "default route" force; do
	grep -q -- "$word" <<<"$sentence" || fail "\"$sentence\" does not say $word"
done
equal "ports after the refusal" "$(value length port list)" 0
pings sw 10.7.0.1
ctl port add br0 pb packet:sb

# The same when a port that exists is connected.
ctl port add br0 pa
ctl port connect pa packet:sa 2>/dev/null && fail "connect took the default route's interface"
equal "state" "$(port_value pa state)" created
ctl port connect pa packet:sa --force
equal "state with --force" "$(port_value pa state)" connected
eventually 5 "b answers a" reaches a 10.7.0.2

# Without the route it is an interface like others.
ctl port remove pa
at sw ip route delete default
ctl port add br0 pa packet:sa
eventually 5 "b answers a" reaches a 10.7.0.2
finish

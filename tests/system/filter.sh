#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# A filter is attached, given policies and detached while a ping runs, and the ping loses nothing;
# what the filter blocks is blocked from the moment that the command is done, and passes again after.
#
#	a 10.7.0.1 --- pa [ br0: no-telnet ] pb --- b 10.7.0.2
. "$(dirname "$0")/lib.sh"
use_extensions no-telnet

# tries PORT: whether a connection from a to b comes about; b listens on it.
tries() {
	at a python3 -c 'import socket, sys
socket.create_connection(("10.7.0.2", int(sys.argv[1])), 0.4)' "$1" 2>/dev/null
}
# passes PORT / blocked PORT: now, not after a while.
passes() { tries "$1" || fail "TCP port $1 does not pass $2"; }
blocked() { tries "$1" && fail "TCP port $1 passes $2"; true; }

daemon_start --extensions "$extensions"
ctl switch add br0
hosts_on_packet a b
background b python3 -c 'import select, socket
listeners = [socket.create_server(("0.0.0.0", port)) for port in (23, 80, 2323)]
while True:
    for listener in select.select(listeners, [], [])[0]:
        listener.accept()[0].close()'
eventually 10 "b listens" tries 23
ctl extension load no-telnet

background a ping -n -q -i 0.001 -c 12000 -W 2 10.7.0.2 >"$work/ping"
ping=$background
rounds=0
while [ $rounds -lt 3 ]; do
	ctl extension attach br0 no-telnet
	blocked 23 "with the filter"
	passes 80 "with the filter"
	at_least "drops under the filter's reason" "$(dropped telnet)" $((rounds + 1))

	# Policies replace the default rule, on this port alone.
	ctl policy add pa no-telnet port=2323 --id old >/dev/null
	passes 23 "with a policy for others"
	blocked 2323 "with the policy"
	ctl policy add pa no-telnet port=80 action=count --id web >/dev/null
	passes 80 "with the counting policy"
	at_least "frames on the meter" "$(value '.[] | select(.id == "web") | .frames' meter list)" 3
	ctl policy remove pa no-telnet old
	passes 2323 "after its policy went"
	ctl policy remove pa no-telnet web

	ctl extension detach br0 no-telnet
	passes 23 "without the filter"
	rounds=$((rounds + 1))
done
kill -0 $ping 2>/dev/null || fail "the ping ended before the changes did"
wait $ping || fail "$(cat "$work/ping")"
grep -q "12000 received, 0% packet loss" "$work/ping" || fail "$(cat "$work/ping")"
equal "reasons for drops" "$(value '[.[].reason] | unique | join(" ")' drop list)" telnet
equal "whose" "$(value '.[0].extension' drop list)" no-telnet
ctl extension unload no-telnet
equal "extensions" "$(value length extension list)" 0

# A policy that is not as the schema says is refused, with the field's name.
ctl extension attach br0 no-telnet
for bad in prot=23 port=99999 port=seven action=explode; do
	sentence=$(ctl policy add pa no-telnet $bad 2>&1) && fail "policy $bad was accepted"
	grep -q "${bad#*=}\|${bad%=*}" <<<"$sentence" || fail "\"$sentence\" does not name $bad"
done
equal "policies" "$(value length policy list)" 0
finish

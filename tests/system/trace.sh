#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# Seeing why. What a trace tells of a frame is what becomes of it: frames that tshark captures on a
# host are traced from its file and compared with the flows that the switch made of them. A trace leaves
# nothing behind. Flows are listed by what they are, and dropped frames are seen as they go.
#
#	a 10.7.0.1 --- pa [ br0: no-telnet ] pb --- b 10.7.0.2
#	                          pc --- c 10.7.0.3
. "$(dirname "$0")/lib.sh"
need tshark
use_extensions no-telnet

# connect PORT: a TCP connection from a to b is tried; what becomes of it does not matter.
connect() {
	at a python3 -c 'import socket, sys
socket.socket().connect_ex(("10.7.0.2", int(sys.argv[1])))' "$1" &
	pids+=($!)
}
# traced FILTER FRAME...: what jq says of a trace from pa.
traced() {
	local filter=$1
	shift
	ctl trace pa "$@" -j | jq -r "$filter"
}
program='.[] | select(.action == "program") | .text'
refused() { # WHAT IT SAYS... COMMAND
	local says=$1 sentence status=0
	shift
	sentence=$(ctl "$@" 2>&1) || status=$?
	equal "exit status of $*" $status 1
	grep -qF -- "$says" <<<"$sentence" || fail "$*: \"$sentence\" does not say \"$says\""
}

daemon_start --extensions "$extensions"
ctl switch add br0
plain=1 hosts_on_packet a b c
ctl extension attach br0 no-telnet
refused 'port "pb": no address is known there' trace pa 'tcp 10.7.0.1:1 > 10.7.0.2:23 dst=pb'
pings a 10.7.0.2

# Who drops it, at which stage, and why.
telnet='tcp 10.7.0.1:40000 > 10.7.0.2:23 dst=pb'
equal "who drops telnet" "$(traced '.[] | select(.action == "drop") |
	[.port, .stage, .extension, .text] | join(" ")' "$telnet")" \
	"pa ingress no-telnet telnet: this TCP port is not allowed here"
traced '.[] | select(.action == "explain") | .text' "$telnet" | grep -q 23 ||
	fail "the rule is not explained"
equal "what is done" "$(traced "$program" "$telnet")" "drop telnet"
http='tcp 10.7.0.1:40000 > 10.7.0.2:80 dst=pb'
equal "where http goes" "$(traced "$program" "$http")" "output pb"
equal "what comes of it" "$(traced '.[-1] | [.port, .action] | join(" ")' "$http")" "pb output"
equal "flooded to" "$(traced '[.[] | select(.action == "output") | .port] | join(" ")' \
	'udp 10.7.0.1:1 > 10.7.0.99:2 dst=02:00:00:00:00:99')" "pb pc"

# Nothing is left behind.
state() { value '.[] | [.flows, .fdb_entries, .decisions, .rx_frames, .dropped_frames] | tojson' switch list; }
before=$(state)
for _ in $(seq 20); do
	ctl trace pa 'udp 10.7.0.1:1 > 10.7.0.99:2 src=02:00:00:00:00:77' >/dev/null 2>&1
done
equal "the switch after traces" "$(state)" "$before"

# Real frames, captured: the flow and the program that are told are those that the switch has.
background a tshark -q -i e -f 'tcp and dst host 10.7.0.2' -c 3 -w "$work/frames.pcapng"
sniffer=$background
eventually 20 "tshark captures" test -s "$work/frames.pcapng"
sleep 0.5
for port in 23 80 2323; do connect $port; sleep 0.1; done
wait $sniffer || fail "tshark ended with $?"
for n in 1 2 3; do
	trace=$(ctl trace pa --file "$work/frames.pcapng" --frame $n -j)
	key=$(jq -r '.[] | select(.action == "flow") | .text' <<<"$trace")
	cached=$(value ".[] | select(.port == \"pa\" and .key == \"$key\") | .program" flow list)
	[ -n "$cached" ] || fail "frame $n: no flow $key: $(ctl flow list)"
	equal "the program of frame $n" "$(jq -r "$program" <<<"$trace")" "$cached"
	equal "frame $n by its other name" "$(ctl trace pa "pcap $work/frames.pcapng#$n" -j)" "$trace"
done
refused 'has no frame 4: must be 1 to 3' trace pa --file "$work/frames.pcapng" --frame 4

# Flows, by what they are.
equal "TCP flows of pa" "$(value length flow list --port pa --filter tcp)" 3
equal "the flow of port 23" "$(value '.[] | [.port, .program] | join(" ")' \
	flow list --filter ipv4/tcp,l4_dst=23)" "pa drop telnet"
equal "flows by a field that nobody reads" "$(value length flow list --filter ip_dst=10.7.0.2)" 0
ctl flow list --limit 1 2>"$work/said" | tail -n +2 | wc -l | grep -qx 1 || fail "the limit is not kept"
grep -q "there are more than these 1 flows" "$work/said" || fail "nobody says that there are more"
refused '"ip": there are eth_dst, eth_src' flow list --filter ip=10.7.0.1
refused 'worker 63: must be 0 to' flow list --worker 63

# Dropped frames as they go; what is seen can be traced.
ctl drop watch --port pa --reason telnet --count 1 -j >"$work/drops" &
watcher=$!
pids+=($watcher)
seen() { [ -s "$work/drops" ] || { connect 23; sleep 0.3; false; }; }
eventually 20 "a dropped frame is seen" seen
wait $watcher || fail "drop watch ended with $?"
equal "what is seen" "$(jq -r '[.switch, .port, .stage, .reason, .extension] | join(" ")' "$work/drops")" \
	"br0 pa ingress telnet no-telnet"
jq -r .summary "$work/drops" | grep -qxE '10\.7\.0\.1:[0-9]+ > 10\.7\.0\.2:23 tcp syn [0-9]+ bytes' ||
	fail "summary: $(jq .summary "$work/drops")"
equal "it, traced" "$(traced "$program" hex "$(jq -r .frame "$work/drops")")" "drop telnet"
refused 'reason "telnett": there is none of that name' drop watch --reason telnett
finish

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# A restart brings back switches, ports, policies and counts, and no frame passes a port before its
# policies are in force. What cannot be had is put off, and closed unless it is to fail open.
#
#	a 10.7.0.1 --- pa [ br0: no-telnet ] pb --- b 10.7.0.2
. "$(dirname "$0")/lib.sh"
use_extensions no-telnet
start_on_state() { daemon_start --state "$work/state" --extensions "$extensions"; }
again() {
	daemon_stop
	start_on_state
}
# At once, as people do: what is dying still has the state, the socket and the interfaces.
kill_and_start() {
	local killed=$daemon_pid
	kill -KILL "$killed"
	start_on_state
	wait "$killed" 2>/dev/null || true
}
# leaks: frames of a to the blocked port that came out at b's end.
leaks() { at b cat /sys/class/net/e/statistics/rx_packets; }

start_on_state
ctl switch add br0
hosts_on_packet a b
# By its path, because by name the build tree's would be found too.
ctl extension load no-telnet --path "$extensions/no-telnet.so"
ctl extension attach br0 no-telnet
ctl policy add pa no-telnet port=9 id=closed >/dev/null
ctl policy add pb no-telnet port=7 action=count id=counted >/dev/null
ctl fdb add br0 "$(mac_of b)" pb
site=$(ctl export)
pings a 10.7.0.2

# From now on a sends nothing but what is blocked, without a pause.
# Neighbours that are known for good ask for nobody's address meanwhile.
at a ip neigh replace 10.7.0.2 lladdr "$(mac_of b)" dev e
at b ip neigh replace 10.7.0.1 lladdr "$(mac_of a)" dev e
background a python3 -c '
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("e", 0))
ip = struct.pack(">BBHHHBBHII", 0x45, 0, 40, 0, 0, 64, 6, 0, 0x0a070001, 0x0a070002)
tcp = struct.pack(">HHIIBBHHH", 5000, 9, 0, 0, 0x50, 2, 1024, 0, 0)
frame = bytes.fromhex(sys.argv[1].replace(":", "") + sys.argv[2].replace(":", "") + "0800") + ip + tcp
while True:
	s.send(frame.ljust(60, b"\0"))' "$(mac_of b)" "$(mac_of a)"
sender=$background
eventually 5 "frames are blocked" holds '[.[] | select(.reason == "telnet") | .frames] | add > 100' drop list
before=$(leaks)
for _ in 1 2 3; do
	again
	equal "the state after a clean stop" "$(ctl export)" "$site"
	kill_and_start
	equal "the state after a kill" "$(ctl export)" "$site"
	eventually 5 "frames are blocked" holds '[.[] | select(.reason == "telnet") | .frames] | add > 100' drop list
done
# Nothing but what the daemon's end of the pair may say itself.
at_most "frames that passed before the policy was in force" $(($(leaks) - before)) 0
end "$sender"
pings a 10.7.0.2

# Counts survive a clean stop exactly.
tries() {
	at b python3 -c 'import socket
try: socket.create_connection(("10.7.0.1", 7), 0.4)
except OSError: pass'
}
tries
counted=$(value '.[] | select(.id == "counted") | [.frames, .bytes, .since] | join(" ")' meter list)
again
equal "the meter" "$(value '.[] | select(.id == "counted") | [.frames, .bytes, .since] | join(" ")' meter list)" \
	"$counted"

# An interface that is not there: the port is nic-lost, and comes when it comes.
daemon_stop
at sw ip link delete sb
start_on_state
equal "state of pb" "$(port_value pb state)" nic-lost
link b
at b ip address replace 10.7.0.2/24 dev e
eventually 10 "pb has its NIC" holds '[.[] | select(.name == "pb") | .state == "connected"] | all' port list
pings a 10.7.0.2

# An extension that is not there: closed, with the reason, and everything of it is kept.
daemon_stop
mv "$extensions/no-telnet.so" "$work"
start_on_state
equal "state of the extension" "$(value '.[] | select(.name == "no-telnet") | .state' extension list)" missing
equal "blocked ports" "$(value '[.[] | select(.blocked) | .name] | join(" ")' port list)" "pa pb"
grep -q no-telnet <<<"$(port_value pa reason)" || fail "reason of pa: $(port_value pa reason)"
reaches a 10.7.0.2 && fail "frames pass although the extension is missing"
equal "policies" "$(value length policy list)" 2
kill_and_start
equal "policies after another restart" "$(value length policy list)" 2
# What helps is said: it may have moved.
said=$(ctl extension attach br0 no-telnet 2>&1) && fail "a missing file is attached"
grep -q 'to attach it from another file, first extension load no-telnet --path FILE$' <<<"$said" || fail "$said"
ctl extension load no-telnet --path "$work/no-telnet.so"
ctl extension attach br0 no-telnet --dry-run
ctl extension unload no-telnet
mv "$work/no-telnet.so" "$extensions"
ctl extension attach br0 no-telnet
equal "the state with the extension back" "$(ctl export)" "$site"
equal "blocked ports" "$(value '[.[] | select(.blocked) | .name] | join(" ")' port list)" ""
pings a 10.7.0.2

# Unless it is to fail open.
ctl extension detach br0 no-telnet
ctl extension load no-telnet --path "$extensions/no-telnet.so" 2>/dev/null || true
ctl extension attach br0 no-telnet --fail-open
daemon_stop
mv "$extensions/no-telnet.so" "$work"
start_on_state
equal "state of the extension" "$(value '.[] | select(.name == "no-telnet") | .state' extension list)" missing
equal "blocked ports" "$(value '[.[] | select(.blocked) | .name] | join(" ")' port list)" ""
pings a 10.7.0.2
ctl extension detach br0 no-telnet
equal "extensions" "$(value length extension list)" 0

# However much there is to log, the log says when it was done.
"$here/many_ports.py" add 60
: >"$work/log"
again
equal "ports" "$(value length port list)" 62
for line in "further lines in the last second were left out" "restored: 6[0-9] items" "ready; the state"; do
	eventually 5 "the log says \"$line\"" grep -q "$line" "$work/log"
done
finish

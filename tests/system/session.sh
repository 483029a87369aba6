#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# A port behind a filter with sessions (tests/extensions/small/stateful.c protects pb): what b asks for
# is answered, on whichever worker the answer arrives, errors about it come through, and nothing else
# gets in but TCP 22.
#
#	a 10.7.0.1 --- pa [ br0: stateful ] pb --- b 10.7.0.2
. "$(dirname "$0")/lib.sh"
use_extensions stateful

# reaches HOST ADDRESS PORT: whether a connection comes about, and carries a line there and back.
reaches() {
	at "$1" python3 -c 'import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)
s.sendall(b"hello\n")
assert s.recv(6, socket.MSG_WAITALL) == b"hello\n"' "$2" "$3" 2>/dev/null
}
sessions() { value "[.[] | select($1)] | length" session list; }
serve='import socket, threading
def echo(c):
    while data := c.recv(65536):
        c.sendall(data)
def serve(port):
    listener = socket.create_server(("0.0.0.0", port))
    while True:
        threading.Thread(target=echo, args=(listener.accept()[0],), daemon=True).start()
for port in (22, 80):
    threading.Thread(target=serve, args=(port,)).start()'

daemon_start --extensions "$extensions" --workers 2
ctl switch add br0 --sessions 1000 --port-sessions 100
equal "room" "$(value '"\(.sessions) \(.sessions_max) \(.port_sessions_max)"' switch show br0)" "0 1000 100"
hosts_on_packet a b
background a python3 -c "$serve"
background b python3 -c "$serve"
eventually 10 "b serves" reaches a 10.7.0.2 80
eventually 10 "a serves" reaches b 10.7.0.1 80
ctl extension attach br0 stateful

# Who asks first.
reaches b 10.7.0.1 80 || fail "b does not reach a"
reaches a 10.7.0.2 22 || fail "a does not reach what b serves"
reaches a 10.7.0.2 80 && fail "a reaches what b does not serve"
at_least "drops" "$(dropped unsolicited)" 1
pings b 10.7.0.1 20
at a ping -q -c 2 -i 0.2 -W 1 10.7.0.2 >/dev/null && fail "a pings b"

# One row each, with what was counted within a second or two.
at_least "sessions at pb" "$(sessions '.port == "pb" and .extension == "stateful"')" 3
equal "sessions elsewhere" "$(sessions '.port != "pb"')" 0
counted='.[] | select(.key == "icmp 10.7.0.2 > 10.7.0.1 type 8") | .frames == 20 and .reverse_frames == 20 and
	.bytes == 20 * 98 and .reverse_bytes == 20 * 98 and .expires_s <= 20'
eventually 5 "the pings are counted" holds "$counted" session list
equal "one port's" "$(value length session list br0 --port pa)" 0

# A connection that stays, and others that are over: those end soon.
background b python3 -c 'import socket, time
s = socket.create_connection(("10.7.0.1", 80))
while True:
    s.sendall(b"x")
    assert s.recv(1) == b"x"
    time.sleep(0.5)'
talker=$background
eventually 5 "the connection" holds '[.[].state] | index("established") != null' session list
eventually 40 "the others end" holds '[.[] | select(.key | startswith("tcp"))] | length == 1' session list
eventually 20 "it goes on" holds 'map(select(.state == "established" and .age_s > 15 and .last_frame_s < 5)) | length == 1' session list
kill -0 "$talker" || fail "the connection broke"

# Nobody listens there, and a says so.
is_told() {
	at b python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
s.connect(("10.7.0.1", 9))
s.send(b"?")
try:
    s.recv(1)
except ConnectionRefusedError:
    raise SystemExit(0)
raise SystemExit(1)'
}
eventually 10 "the error about a datagram" is_told
equal "errors about nothing" "$(dropped unrelated)" 0

# A hundred at most: the others are dropped, and it is said why. Slowly: none is to be shed.
at b python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for port in range(20000, 20300):
    s.sendto(b"?", ("10.7.0.1", port))
    time.sleep(0.002)'
eventually 5 "no more than a hundred" holds 'length <= 100 and length > 90' session list
at_least "drops for want of room" "$(dropped session-full)" 150

ctl extension detach br0 stateful
equal "sessions without the extension" "$(value length session list)" 0
reaches a 10.7.0.2 80 || fail "a does not reach b without the filter"
finish

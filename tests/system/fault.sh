#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# A disk that fails while a change is written, which is made in the switch by then: the client is refused, the
# switch is again what it was, without a frame lost for it, and goes on when the disk does.
#
#	a 10.7.0.1 --- pa [ br0: no-telnet ] pb --- b 10.7.0.2, pc --- c 10.7.0.3
. "$(dirname "$0")/lib.sh"
use_extensions no-telnet
faults=$build/tests/faults/libfaults.so
[ -e "$faults" ] || fail "$faults is not built"
export ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0
state=$work/state

# start CALL ERRNO: a daemon whose calls of that kind on the journal fail while its directory is called "failing".
start() {
	LD_PRELOAD=$faults WEIR_FAULT="$1:*/failing/state.db-wal:1:0:$2" \
		daemon_start --state "$state" --extensions "$extensions"
}
disk_fails() { mv "$state" "$work/failing"; }
disk_works() {
	mv "$work/failing" "$state"
	eventually 10 "changes are taken again" ctl fdb add br0 02:00:00:00:00:99 pa
	ctl fdb remove br0 02:00:00:00:00:99
}

# Everything that is wanted, and what became of it; not what counts.
everything() {
	ctl export
	ctl port list -j | jq 'map({name, switch, state, reason, blocked})'
	ctl policy list -j
	ctl fdb list -j | jq 'map(select(.static)) | sort'
	ctl meter list -j | jq 'map({port, extension, id, since}) | sort'
}
n_counted() { value '[.[] | select(.id == "'"$1"'" and .port == "'"$2"'") | .frames] | add // 0' meter list; }
happened() { grep -qF "\"$1\"" "$work/events"; }

# taken_back EVENT WHY COMMAND...: the change is made, which EVENT shows, refused because of WHY, and nothing is
# left of it. What is refused at once, because the counts of meters could not be written just before, is repeated.
# lost=N: so many counts may be lost.
taken_back() {
	local event=$1 why=$2 before counted status said
	shift 2
	before=$(everything)
	for _ in 1 2 3 4 5; do
		: >"$work/events"
		counted=$(n_counted counted pb)
		status=0
		disk_fails
		said=$(ctl "$@" 2>&1) || status=$?
		equal "exit status of weirctl $*: $said" "$status" 1
		grep -q "nothing was changed: .*state.db.*: $why" <<<"$said" || fail "weirctl $* says \"$said\""
		equal "all after weirctl $*" "$(everything)" "$before"
		at_least "frames counted while weirctl $*" "$(n_counted counted pb)" $((counted - ${lost:-0}))
		disk_works
		happened "$event" && return
	done
	fail "weirctl $* was never made: no event \"$event\""
}

namespace sw
start write 28
ctl switch add br0
hosts_on_packet a b c
ctl extension load no-telnet --path "$extensions/no-telnet.so"
ctl extension attach br0 no-telnet
for port in pb pc; do ctl policy add $port no-telnet port=7 action=count id=counted >/dev/null; done
ctl policy add pc no-telnet port=9 id=closed >/dev/null
ctl fdb add br0 "$(mac_of b)" pb
pings a 10.7.0.2
pings a 10.7.0.3

# b sends what is counted, without an end.
background b python3 -c '
import socket, struct, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("e", 0))
ip = struct.pack(">BBHHHBBHII", 0x45, 0, 40, 0, 0, 64, 6, 0, 0x0a070002, 0x0a070001)
tcp = struct.pack(">HHIIBBHHH", 5000, 7, 0, 0, 0x50, 0x10, 1024, 0, 0)
frame = bytes.fromhex(sys.argv[1].replace(":", "") + sys.argv[2].replace(":", "") + "0800") + ip + tcp
while True:
	s.send(frame.ljust(60, b"\0"))
	time.sleep(0.001)' "$(mac_of a)" "$(mac_of b)"
sender=$background
counts() { [ "$(n_counted counted pb)" -gt "$1" ]; }

ctl export | jq '(.. | objects | select(.name? == "pa")).mtu = 1400' >"$work/site.json"

for fault in "write 28 No.space.left" "sync 5 Input/output.error"; do
	read -r call errno why <<<"$fault"
	daemon_stop
	start "$call" "$errno"
	eventually 10 "frames are counted" counts 100
	ctl event watch -j >"$work/events" 2>/dev/null &
	watcher=$!
	pids+=("$watcher")
	background a ping -n -q -i 0.005 -c 100000 -W 2 10.7.0.2 >"$work/ping"
	ping=$background

	taken_back port-added "$why" port add br0 extra null
	taken_back policy-changed "$why" policy add pb no-telnet port=80 id=more
	taken_back port-changed "$why" port set pa --mtu 1400
	taken_back port-changed "$why" apply "$work/site.json"
	taken_back switch-added "$why" switch add br1
	taken_back nic-disconnected "$why" port disconnect pc
	taken_back port-removed "$why" port remove pc
	# A meter that was taken away comes back with what was written of it last, within a second.
	for command in "policy-changed policy remove pb no-telnet counted" \
		"extension-detached extension detach br0 no-telnet"; do
		read -ra words <<<"$command"
		sleep 1.5
		lost=1500 taken_back "${words[0]}" "$why" "${words[@]:1}"
	done
	# What was taken away and came back is in use again.
	pings a 10.7.0.3
	eventually 10 "frames are counted" counts "$(n_counted counted pb)"

	# Many at once, and the disk fails among them: what was acknowledged is there, and nothing else.
	clients=()
	: >"$work/acknowledged"
	for number in $(seq 40); do
		ctl policy add pc no-telnet port=$((1000 + number)) id="many$number" >/dev/null 2>&1 &&
			echo "many$number" >>"$work/acknowledged" &
		clients+=($!)
		[ "$number" = 20 ] || continue
		eventually 10 "one is acknowledged" test -s "$work/acknowledged"
		disk_fails
	done
	for client in "${clients[@]}"; do wait "$client" || true; done
	disk_works
	equal "what was acknowledged" "$(value '[.[].id | select(startswith("many"))] | sort | join(" ")' policy list)" \
		"$(LC_ALL=C sort "$work/acknowledged" | paste -sd' ')"
	at_most "acknowledged of 40" "$(wc -l <"$work/acknowledged")" 39
	while read -r id; do ctl policy remove pc no-telnet "$id"; done <"$work/acknowledged"

	# Nothing of what was refused comes back, though its bytes were in the journal.
	kill -INT "$ping"
	wait "$ping" || true
	grep -q " 0% packet loss" "$work/ping" || fail "$(cat "$work/ping")"
	site=$(everything)
	disk_fails
	ctl port add br0 extra null 2>/dev/null && fail "a change is acknowledged on a disk that fails"
	kill -KILL "$daemon_pid"
	wait "$daemon_pid" 2>/dev/null || true
	mv "$work/failing" "$state"
	start "$call" "$errno"
	equal "all after a kill" "$(everything)" "$site"
done
end "$sender"
finish

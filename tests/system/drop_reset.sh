#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# `drop list --reset` under traffic: every dropped frame is given out once, by one list or a later one, whoever
# resets; what the port and the switch count stays.
#
#	a 10.7.0.1 --- pa [ br0: no-telnet ] pb --- b 10.7.0.2
. "$(dirname "$0")/lib.sh"
use_extensions no-telnet

daemon_start --extensions "$extensions" --workers 2
ctl switch add br0
hosts_on_packet a b
pings a 10.7.0.2
ctl extension attach br0 no-telnet

# Every frame is a connection of its own, as port 23 never answers.
background a python3 -c 'import socket, time
end = time.monotonic() + 3
n = 0
while time.monotonic() < end:
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex(("10.7.0.2", 23))
    s.close()
    n += 1
    time.sleep(0.0005)'
sender=$background
given=0
lists=0
while kill -0 $sender 2>/dev/null; do
	given=$((given + $(value '[.[].frames] | add // 0' drop list --reset)))
	lists=$((lists + 1))
done
wait $sender || fail "the sender failed"
eventually 5 "the counts stand still" balanced
# A dry run is no option of a list, and one without --reset takes nothing away.
left=$(value '[.[].frames] | add // 0' drop list)
equal "drops that are listed again" "$(value '[.[].frames] | add // 0' drop list --port pa)" "$left"
total=$(value '.[0].dropped_frames' switch list)
at_least "lists that were reset" $lists 3
at_least "dropped frames" "$total" 100
equal "frames given out, and those left" $((given + left)) "$total"
equal "dropped frames of the port" "$(port_value pa dropped_frames)" "$total"
ctl drop list --port pa --reset >/dev/null
equal "after the last reset" "$(value length drop list)" 0

at a ip link set e down
at b ip link set e down
eventually 5 "all frames are accounted for" balanced
daemon_stop
finished=1

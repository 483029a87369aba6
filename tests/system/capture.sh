#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# Captures of real frames, as weirctl starts them and tshark reads them: every frame that the ports
# count is there, with its port, direction, stage and, if it was dropped, why; their times rise. A
# capture that ends in any way leaves a complete file.
#
#	a 10.7.0.1 --- pa [ br0: no-telnet, capture ] pb --- b 10.7.0.2
. "$(dirname "$0")/lib.sh"
need tshark capinfos
use_extensions no-telnet capture

# in_file FILE [FILTER]: how many frames of the file match.
in_file() { tshark -r "$work/$1" ${2:+-Y "$2"} -T fields -e frame.number 2>/dev/null | wc -l; }
# stage NAME: a filter for the comment of a stage.
stage() { echo "frame.comment == \"stage=$1\""; }
# complete FILE: it ends with a whole block.
complete() { capinfos "$work/$1" >/dev/null 2>&1 || fail "$1 is no complete pcapng file"; }
listed() { value ".[] | select(.name == \"$1\") | .$2" capture list; }

daemon_start --extensions "$extensions"
ctl switch add br0
hosts_on_packet a b
ctl extension attach br0 no-telnet
ctl extension attach br0 capture
# Nobody is asked for an address between a look at the counters and a capture.
at a ip neigh replace 10.7.0.2 lladdr "$(mac_of b)" dev e
at b ip neigh replace 10.7.0.1 lladdr "$(mac_of a)" dev e
at a ping -q -c 1 10.7.0.2 >/dev/null
equal "captures" "$(value length capture list)" 0

# Everything that passes between two looks at the counters.
rx_before=$(port_value pa rx_frames) tx_before=$(port_value pa tx_frames)
all_before=$(($(port_value pb rx_frames) + $(port_value pb tx_frames) + rx_before + tx_before))
drops_before=$(dropped telnet)
equal "the name" "$(value .name capture start port=pa,pb at=ingress,egress,drop write="$work/all" name=all)" all
equal "a made name" "$(value .name capture start port=pb at=egress write="$work/pb" snap=60)" c1
equal "captures" "$(value '[.[].name] | sort | join(" ")' capture list)" "all c1"
equal "the state" "$(listed all state)" running
at a ping -q -i 0.002 -c 200 10.7.0.2 >/dev/null
at a timeout 0.3 bash -c '</dev/tcp/10.7.0.2/23' 2>/dev/null && fail "telnet passes"
rx=$(($(port_value pa rx_frames) - rx_before)) tx=$(($(port_value pa tx_frames) - tx_before))
drops=$(($(dropped telnet) - drops_before))
all=$(($(port_value pb rx_frames) + $(port_value pb tx_frames) + rx + rx_before + tx + tx_before - all_before + drops))
ctl capture stop name=all -j >"$work/all.json"
ctl capture stop name=c1 -j >"$work/c1.json"
equal "captured + lost" "$(jq '.captured_frames + .lost_frames' "$work/all.json")" "$all"
equal "seen" "$(jq .seen_frames "$work/all.json")" "$all"
equal "lost" "$(jq .lost_frames "$work/all.json")" 0
complete all
equal "frames in the file" "$(in_file all)" "$(jq .captured_frames "$work/all.json")"
equal "bytes of the file" "$(stat -c %s "$work/all")" "$(jq .bytes "$work/all.json")"
at_least "pings" "$rx" 200
at_least "drops" "$drops" 1
equal "received by pa" "$(in_file all "frame.interface_name == \"pa\" && $(stage ingress)")" "$rx"
equal "sent by pa" "$(in_file all "frame.interface_name == \"pa\" && $(stage egress)")" "$tx"
equal "dropped" "$(in_file all "$(stage 'drop reason=telnet extension=no-telnet')")" "$drops"
equal "inbound" "$(in_file all 'frame.packet_flags_direction == 1')" \
	$(($(in_file all "$(stage ingress)") + drops))
equal "outbound" "$(in_file all 'frame.packet_flags_direction == 2')" "$(in_file all "$(stage egress)")"
equal "snap" "$(tshark -r "$work/pb" -T fields -e frame.cap_len 2>/dev/null | sort -n | tail -n 1)" 60
equal "frames sent by pb" "$(in_file pb)" "$(in_file all "frame.interface_name == \"pb\" && $(stage egress)")"
if [ "$(workers_of)" = 1 ]; then
	tshark -r "$work/all" -T fields -e frame.time_epoch 2>/dev/null | sort -c -n ||
		fail "times do not rise"
fi
age=$(($(date +%s) - $(tshark -r "$work/all" -c 1 -T fields -e frame.time_epoch 2>/dev/null | cut -d . -f 1)))
at_most "age of the first frame in seconds" "$age" 60

# A limit ends it exactly, and it takes its hooks along.
ctl capture start port=pa at=ingress write="$work/limit" count=10 name=limit >/dev/null
at a ping -q -i 0.002 -c 50 10.7.0.2 >/dev/null
eventually 10 "the limit" holds '.[] | .state == "stopped"' capture list
complete limit
equal "frames up to the limit" "$(in_file limit)" 10
equal "the count" "$(listed limit captured_frames)" 10
ctl capture stop name=limit >/dev/null
eventually 10 "no flow is visited" holds 'map(select(.program | contains("visit"))) | length == 0' flow list

# What cannot be is refused with a sentence, and touches no file.
refused() {
	local expected=$1 sentence
	shift
	sentence=$(ctl capture "$@" 2>&1) && fail "capture $* was accepted"
	grep -qF "$expected" <<<"$sentence" || fail "\"$sentence\" does not say \"$expected\""
}
echo kept >"$work/kept"
mkfifo "$work/pipe"
exec 9<>"$work/pipe"
refused 'port "pc"' start port=pc at=ingress write="$work/kept"
refused 'at: must name at least one of ingress, egress, drop' start port=pa write="$work/kept"
refused 'size "10"' start port=pa at=drop write="$work/kept" size=10
refused 'is a pipe; must be a regular file' start port=pa at=drop write="$work/pipe"
refused 'is a character device; must be a regular file' start port=pa at=drop write=/dev/full
refused 'name "none": is no capture' stop name=none
equal "what was in the file" "$(cat "$work/kept")" kept
ctl capture start port=pa at=ingress write="$work/kept" --dry-run
equal "what is in the file after a dry run" "$(cat "$work/kept")" kept
equal "captures" "$(value length capture list)" 0

# A full disk fails the capture; frames pass.
mkdir "$work/small"
mount -t tmpfs -o size=64k small "$work/small"
ctl capture start port=pa at=ingress,egress write="$work/small/file" name=small >/dev/null
at a ping -q -i 0.002 -c 400 -s 1000 10.7.0.2 >"$work/ping"
eventually 10 "the disk is full" holds '.[] | .state == "failed"' capture list
grep -q " 0% packet loss" "$work/ping" || fail "$(cat "$work/ping")"
complete small/file
equal "frames on the full disk" "$(in_file small/file)" "$(listed small captured_frames)"
umount "$work/small"

# The end of the extension and of the daemon complete the files.
ctl capture start port=pa at=ingress write="$work/detached" >/dev/null
at a ping -q -c 1 10.7.0.2 >/dev/null
# Who detaches it is told, before too.
equal "what a detach would end" "$(ctl extension detach br0 capture --dry-run 2>&1)" \
	"weirctl: note: extension capture on switch:br0: its running captures there (1) would be ended"
equal "what the detach ends" "$(ctl extension detach br0 capture 2>&1)" \
	"weirctl: note: extension capture on switch:br0: its running captures there (1) were ended"
complete detached
at_least "frames before it was detached" "$(in_file detached)" 1
ctl extension attach br0 capture
ctl capture start port=pa at=ingress write="$work/ended" >/dev/null
at a ping -q -c 1 10.7.0.2 >/dev/null
finish
complete ended
at_least "frames before the daemon ended" "$(in_file ended)" 1

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# What is told of a worker is what it does now: under a known load, at its limit, and afterwards.
#
#	in: replay --- [ br0 ] --- out: null
. "$(dirname "$0")/lib.sh"

python3 - "$work/flow.pcap" <<'END'
import struct, sys
frame = bytes.fromhex("0200000000020200000000010800") + bytes(46)
record = struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame
open(sys.argv[1], "wb").write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + record * 64)
END

worker() { value ".[0].$1" worker list; }

daemon_start --workers 1
ctl switch add br0
ctl port add br0 out null
ctl port add br0 in
ctl fdb add br0 02:00:00:00:00:02 out
equal "the keys" "$(value '.[0] | keys_unsorted | join(" ")' worker list)" \
	"id cpu cycles_per_frame frames_per_batch idle_share queues frames linger_us slow_decides slow_extension slow_switch slow_ms"
eventually 10 "a worker without load is idle" holds '.[0].idle_share == 1 and .[0].cycles_per_frame == 0' worker list

# 1,000 frames a second, each on its own: mostly asleep, or lingering in vain.
ctl port connect in "replay:$work/flow.pcap,loop,pps=1000"
eventually 10 "frames come" holds '.[0].frames_per_batch > 0' worker list
sleep 2.1 # of the load alone
before=$(worker frames)
began=$(date +%s%N)
sleep 1 # the time that is measured
echo "1000 frames a second: $(value '.[0]' worker list | tr -d '\n ')"
holds '.[0].idle_share > 0.1 and .[0].cycles_per_frame > 0 and .[0].frames_per_batch >= 1' worker list ||
	fail "under a light load: $(value '.[0]' worker list)"
frames=$(($(worker frames) - before))
ms=$((($(date +%s%N) - began) / 1000000))
at_most "frames in $ms ms" $frames $((ms * 2))
at_least "frames in $ms ms" $frames $((ms / 2))

# As fast as it goes: no time is left, and batches are full.
ctl port disconnect in
ctl port connect in "replay:$work/flow.pcap,loop"
eventually 20 "a worker at its limit is never idle" holds '.[0].idle_share < 0.001' worker list
equal "frames per batch" "$(worker 'frames_per_batch | floor')" 64
echo "at its limit: $(value '.[0]' worker list | tr -d '\n ')"

# And what was, is not told any more.
ctl port disconnect in
eventually 10 "a worker is idle again" holds '.[0].idle_share == 1 and .[0].frames_per_batch == 0' worker list
finish

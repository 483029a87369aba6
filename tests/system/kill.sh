#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# SIGKILL at random moments: what was acknowledged is there after the restart, nothing is half there, and
# meters have lost at most their last second. WEIR_KILLS says how often (40), WEIR_SEED repeats a run.
#
#	replay 20,000 frames/s --- in [ br0: no-telnet ] out --- null; ports of four clients beside them
. "$(dirname "$0")/lib.sh"
use_extensions no-telnet
namespace sw

python3 - "$work/traffic.pcap" <<'PYTHON'
import struct, sys
ip = struct.pack(">BBHHHBBHII", 0x45, 0, 40, 0, 0, 64, 6, 0, 10 << 24 | 1, 10 << 24 | 2)
tcp = struct.pack(">HHIIBBHHH", 5000, 80, 0, 0, 0x50, 0x10, 1024, 0, 0)
frame = (bytes.fromhex("02000000ff0202000000ff010800") + ip + tcp).ljust(60, b"\0")
with open(sys.argv[1], "wb") as f:
	f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
	for i in range(100):
		f.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
PYTHON
at sw python3 "$here/kill_clients.py" "$build" "$work" "$extensions" "${WEIR_KILLS:-40}" ${WEIR_SEED:-} >&2 ||
	{ tail -n 20 "$work/log" >&2; fail "see above"; }

# The last one's state once more, for the conservation check.
daemon_start --extensions "$extensions" --state "$work/state"
at_least "ports" "$(value length port list)" 2
finish

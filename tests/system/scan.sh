#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# A known flow beside a scan: endless new 5-tuples through a filter that reads them, and once more through an ACL
# with a thousand rules, entries, meters, and sessions for which there soon is no room.
#
#	known (replay, so many a second) ---[     ]--- to1 (null)
#	scan (replay, ever new ports)    ---[ br0 ]--- to2 (null)
#
# What is lost by the clock depends on who else runs on the machine, too: 100,000 frames a second fill the ring of
# 1,024 when the worker does not get the processor for 10 ms. So the known flow gets slower until the machine has a second
# without loss; tests/core/switch/open_loop_model_test.c, which has a clock of its own, knows no such excuse.
. "$(dirname "$0")/lib.sh"

# captures: "known", a frame without ports (GRE), which vary leaves alone; "scan", a UDP frame.
python3 - "$work" <<'PYTHON'
import struct
import sys

def frame(source, to, proto):
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 46, 0, 0, 64, proto, 0, bytes([10, 0, 0, source]), bytes([10, 0, 0, to]))
    return bytes([2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, source, 8, 0]) + ip + struct.pack(">HHHH", 1, 1, 26, 0).ljust(26, b"\0")

for name, source, to, proto in ("known", 3, 1, 47), ("scan", 4, 2, 17):
    with open(f"{sys.argv[1]}/{name}.pcap", "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        f.write(struct.pack("<IIII", 0, 0, 60, 60) + frame(source, to, proto))
PYTHON

use_extensions tuple marker acl
daemon_start --extensions "$extensions"
ctl switch add br0
for n in 1 2; do
	ctl port add br0 "to$n" null
	ctl fdb add br0 "02:00:00:00:00:0$n" "to$n"
done

# A scan past addresses alone is one flow more, whatever its ports.
ctl port add br0 scan "replay:$work/scan.pcap,loop,vary"
eventually 30 "a hundred thousand frames" holds '.[] | select(.name == "to2").tx_frames > 100000' port list
at_most "decisions" "$(value '.[].decisions' switch list)" 4
at_most "flows" "$(value '.[].flows' switch list)" 1
ctl port remove scan

ctl extension attach br0 tuple
ctl port add br0 known "replay:$work/known.pcap,loop,pps=100000"
ctl port add br0 scan "replay:$work/scan.pcap,loop,vary"
eventually 60 "the scan has overflowed the flow table" holds '.[].decisions > 300000' switch list

# Nothing is missed for a second.
quiet_second() {
	local missed
	missed=$(port_value known rx_missed)
	sleep 1
	[ "$(port_value known rx_missed)" = "$missed" ]
}
try_rates() {
	local pps
	for pps in 100000 30000 10000 3000; do
		ctl port disconnect known
		ctl port connect known "replay:$work/known.pcap,loop,pps=$pps"
		for _ in 1 2 3 4; do
			if quiet_second; then
				say "nothing is lost of $pps frames a second"
				return 0
			fi
		done
	done
	return 1
}
try_rates || fail "the known flow is never without loss beside the scan"

# The known flow was never evicted: it counts all that came. (The scan's flows go first, so that the list is short.)
ctl port remove scan
eventually 20 "the scan's flows are gone" holds '.[].flows < 10' switch list
before=$(port_value known rx_frames)
frames=$(value '[.[] | select(.port == "known").frames] | add' flow list)
at_least "frames of the known flow" "$frames" "$before"

# A scan that comes in faster than flows can be decided: what is too much is shed, and known flows are not, also
# while the fields that they are known by change.
ctl port add br0 scan "replay:$work/scan.pcap,loop,vary,pps=20000000"
shed() { [ "$(dropped new-flow-shed)" -gt 10000 ]; }
eventually 60 "new flows are shed" shed
for _ in 1 2 3; do
	ctl extension attach br0 marker
	ctl extension detach br0 marker
done
try_rates || fail "the known flow is never without loss beside a scan that is shed"
ctl port disconnect scan
ctl port disconnect known
equal "drops of the known port" "$(port_value known dropped_frames)" 0
equal "what was shed" "$(value '[.[] | select(.reason == "new-flow-shed" and .port != null) | "\(.extension) \(.port) \(.stage)"] | unique | join(",")' \
	drop list)" "core scan ingress"
all_sent() {
	eventually 20 "all that came from the known port was sent" holds \
		"[.[] | select(.name == \"to1\").tx_frames] == [.[] | select(.name == \"known\").rx_frames]" port list
}
all_sent

# The same with ACLs on: on both ways of both flows a thousand rules of which none matches, entries that do, a meter;
# and every flow of the scan opens a session, until there is no room.
python3 - "$work" <<'PYTHON'
import json
import sys

def rule(i):
    return {"extension": "acl", "type": "rule", "id": f"r{i}", "body": {
        "direction": "BOTH", "action": ("ALLOW", "DENY")[i % 2], "weight": 1000 + i, "protocol": "tcp",
        "remote": f"10.{1 + i % 200}.{i // 200}.0/24", "remote_port": f"{i}-{i + 20}"}}

def entry(n, **body):
    return {"extension": "acl", "type": "acl", "id": n, "body": body}

policies = [rule(i) for i in range(1000)] + [
    entry("total", direction="BOTH", action="METER", remote="any"),
    entry("others", direction="BOTH", action="DENY", remote="any"),
    entry("net", direction="BOTH", action="ALLOW", remote="10.0.0.0/24")]
stateful = {"extension": "acl", "type": "rule", "id": "open", "body": {
    "direction": "OUT", "action": "ALLOW", "weight": 1, "protocol": "udp", "stateful": True}}
full = {"extension": "acl", "type": "settings", "id": "settings", "body": {"sessions_full": "WITHOUT"}}
json.dump({"weir": 1, "switches": [{"name": "br0", "extensions": [{"name": "acl"}], "ports": [
    {"name": "known", "nic": f"replay:{sys.argv[1]}/known.pcap,loop,pps=100000", "disconnected": True, "policies": policies},
    {"name": "scan", "nic": f"replay:{sys.argv[1]}/scan.pcap,loop,vary", "disconnected": True,
        "policies": policies + [stateful, full]},
    {"name": "to1", "nic": "null", "policies": policies},
    {"name": "to2", "nic": "null", "policies": policies}],
    "fdb": [{"mac": f"02:00:00:00:00:0{n}", "port": f"to{n}"} for n in (1, 2)]}]}, open(f"{sys.argv[1]}/acl.json", "w"))
PYTHON
ctl extension detach br0 tuple
for port in known scan to1 to2; do ctl port remove $port; done
ctl apply "$work/acl.json" >/dev/null
ctl port connect scan
eventually 60 "the scan has filled the sessions' table" holds '.[].sessions == .[].port_sessions_max' switch list
before=$(value '.[].decisions' switch list)
more() { [ "$(value '.[].decisions' switch list)" -gt $((before + 300000)) ]; }
eventually 60 "the scan has overflowed the flow table" more
ctl port connect known
try_rates || fail "the known flow is never without loss beside the scan through an ACL"
ctl port disconnect scan
ctl port disconnect known
equal "drops of the known port" "$(port_value known dropped_frames)" 0
all_sent
# What the known flow sent was let in and out, and counted at both ends.
equal "what was metered at both ends" "$(value '[.[] | select(.port == "known" or .port == "to1").frames] | unique | length' \
	meter list)" 1
equal "what was metered" "$(value '[.[] | select(.port == "to1").frames] | add' meter list)" "$(port_value known rx_frames)"
finish

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# The size of a switch's flow tables: its own or the daemon's, kept, exported, and not changed on the way.
. "$(dirname "$0")/lib.sh"

# refused SENTENCE COMMAND...
refused() {
	local sentence=$1 status=0
	shift
	ctl "$@" 2>"$work/sentence" || status=$?
	equal "exit status of $*" $status 1
	grep -qF -- "$sentence" "$work/sentence" || fail "$*: $(cat "$work/sentence"), without \"$sentence\""
}
sizes() { value 'map("\(.name) \(.worker_flows_max)") | join(", ")' switch list; }

daemon_start --flows 2048
ctl switch add br0
ctl switch add br1 --flows 4096
ctl switch add br2 --flows 4096 --dry-run
equal "sizes" "$(sizes)" "br0 2048, br1 4096"

refused '"0": must be 64 to 16777216 flows' switch add br2 --flows 0
refused '"63": must be 64 to 16777216 flows' switch add br2 --flows 63
refused '16777216' switch add br2 --flows 16777217
refused '--flows "4k": must be 64 to 16777216 flows' switch add br2 --flows 4k
refused '--flows "-1": must be 64 to 16777216 flows' switch add br2 --flows=-1
equal "sizes" "$(sizes)" "br0 2048, br1 4096"

# Only what was asked for is wanted: br0 has what the next daemon is told.
ctl export >"$work/site.json"
equal "the document" "$(jq -c '[.switches[] | {name, flows}]' "$work/site.json")" \
	'[{"name":"br0","flows":null},{"name":"br1","flows":4096}]'
daemon_stop
daemon_start --flows 1024
equal "sizes after a restart" "$(sizes)" "br0 1024, br1 4096"

equal "differences" "$(ctl apply "$work/site.json" --prune)" ""
jq '.switches[1].flows = 8192' "$work/site.json" >"$work/other.json"
refused 'flows 8192: switch "br1" has 4096, which only changes by removing and adding it' apply "$work/other.json"
jq '.switches[1].flows = 63' "$work/site.json" >"$work/other.json"
refused 'switches[1].flows: 63: must be 64 to 16777216' apply "$work/other.json"
ctl switch remove br1
ctl apply "$work/site.json" >/dev/null
equal "sizes after the document" "$(sizes)" "br0 1024, br1 4096"
finish

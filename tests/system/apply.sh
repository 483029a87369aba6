#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# Whole configurations: what is exported brings back what was removed; a dry run, a refusal and a client that
# is killed change nothing; ports that a document leaves alone lose no frame; who watches sees numbered events.
#
#	a 10.7.0.1 --- pa [ br0: no-telnet, probe-filter; p0, p1 ] pb --- b 10.7.0.2
. "$(dirname "$0")/lib.sh"
use_extensions no-telnet probe-filter
site=$work/site.json

# unchanged WHAT: the daemon wants what it wanted when it was exported.
unchanged() { ctl export | diff -u "$site" - >"$work/diff" || fail "$1: $(cat "$work/diff")"; }
# differences FILE OPTION...: a line each.
differences() { ctl apply "$@" -j | jq -r '.[] | "\(.action) \(.object) \(.name)"'; }
# edited FILTER: the site, changed by jq.
edited() { jq "$1" "$site" >"$work/edited.json"; }
# refused TEXT OPTION...: applying edited.json exits with 1, says exactly TEXT, and changes nothing.
refused() {
	local said status=0
	said=$(ctl apply "$work/edited.json" "${@:2}" 2>&1) || status=$?
	equal "exit status: $said" "$status" 1
	equal "what is said" "$said" "weirctl: $1"
	unchanged "after \"$1\""
}

daemon_start --extensions "$extensions"
ctl switch add br0
hosts_on_packet a b
ctl extension attach br0 no-telnet
ctl extension attach br0 probe-filter
ctl port add br0 p0 null --vlan 7 --mac 02:00:00:00:00:70
ctl port add br0 p1 null
ctl fdb add br0 02:00:00:00:00:07 p0 --vlan 7
ctl policy add p0 no-telnet port=80 port=443 action=count id=web >/dev/null
ctl policy add p1 no-telnet port=22 id=ssh >/dev/null
pings a 10.7.0.2
ctl export >"$site"

# What it writes, it takes, and an editor finds nothing wrong with it.
equal "differences to what is there" "$(differences "$site" --prune)" ""
if python3 -c 'import jsonschema' 2>/dev/null; then
	ctl apply --schema >"$work/schema.json"
	cat >"$work/validate.py" <<'PYTHON'
import json
import sys
import jsonschema
schema, *documents = [json.load(open(name)) for name in sys.argv[1:]]
validator = jsonschema.Draft202012Validator(schema)
validator.check_schema(schema)
print(*(sum(1 for _ in validator.iter_errors(document)) for document in documents))
PYTHON
	edited '.switches[0].ports[0].policies[0].body.action = "ignore" | .switches[0].colour = 1'
	equal "faults by the schema" "$(python3 "$work/validate.py" "$work/schema.json" "$site" "$work/edited.json")" "0 2"
else
	say "skipped: the JSON Schema: python3-jsonschema is not installed"
fi

# What is gone comes back, under traffic of others that does not notice.
at a ping -n -q -i 0.002 -c 2000 10.7.0.2 >"$work/ping" &
pinging=$!
pids+=("$pinging")
ctl port remove p0
ctl policy remove p1 no-telnet ssh
ctl port add br0 p2 null
wanted="add port p0
add policy p0 no-telnet.block web
add policy p1 no-telnet.block ssh
add fdb br0 02:00:00:00:00:07 vlan 7"
before=$(ctl export)
equal "what would be done" "$(differences "$site" --dry-run | sort)" "$(sort <<<"$wanted")"
equal "the state after a dry run" "$(ctl export)" "$before"
equal "what is done" "$(differences "$site" | sort)" "$(sort <<<"$wanted")"
equal "p2" "$(port_value p2 state)" connected
equal "what is pruned" "$(differences "$site" --prune)" "remove port p2"
unchanged "applied"
for vlan in 8 9 10 11; do
	edited ".switches[0].ports[0].vlan = \"$vlan\" | .switches[0].fdb[0].vlan = $vlan"
	ctl apply "$work/edited.json" >/dev/null
	equal "differences at once" "$(differences "$work/edited.json")" ""
	equal "the VLAN" "$(value '.switches[0].ports[0].vlan' export)" "$vlan"
	ctl apply "$site" --prune >/dev/null
done
unchanged "changed and changed back"
wait "$pinging" || fail "ping: $(cat "$work/ping")"
grep -q " 0% packet loss" "$work/ping" || fail "ping: $(cat "$work/ping")"

# Everything that can be wrong with a document is named by line or path, and changes nothing.
printf '{"weir": 1,\n "switches": [,]}' >"$work/edited.json"
refused "$work/edited.json:2:15: unexpected token near ','"
printf '{"weir": 1, "weir": 1}' >"$work/edited.json"
refused "$work/edited.json:1:18: duplicate object key near '\"weir\"'"
edited '.switches[0].ports[1].colour = 1'
refused 'switches[0].ports[1].colour: unknown key: the keys of a port are name, nic, vlan, mac, mtu, uplink, force, disconnected, policies'
edited '.switches[0].ports[0].policies[0].body.prot = 80'
refused 'switches[0].ports[0].policies[0].body.prot: unknown field: the fields of no_telnet.Block are port, action'
edited '.switches[0].ports += [{"name": "p0"}]'
refused 'switches[0].ports[4]: port "p0": is in the document already, as switches[0].ports[0]'
edited '.switches[0].ports |= map(select(.name != "p0"))'
refused 'switches[0].fdb[0].port: port "p0": there is none of this name in the document, which removes what it does not name' --prune
edited '.switches += [{name: "br1", ports: [.switches[0].ports[1]]}] | del(.switches[0].ports[1])'
refused 'switches[1].ports[0].name: port "p1": is on switch br0; apply moves it to br1, and removes its policies that the document does not name, with --prune only; without, remove it there first'
edited '.switches[0].extensions |= map(select(.name != "no-telnet"))'
refused 'switches[0].ports[0].policies[0].extension: extension "no-telnet": is not attached to switch br0 in the document, which removes what it does not name' --prune
edited '.switches[0].ports[0].policies[0].body.port = [70000] | .switches[0].ports[1].mtu = 9000'
refused 'switches[0].ports[0].policies[0].body.port[0] "70000": must be 1 to 65535'
edited '.switches[0].ports[0].vlan = "4095" | .switches[0].ports += [{"name": "p9", "nic": "null"}]'
refused 'switches[0].ports[0].vlan: vlan "4095": must be 1 to 4094'
edited '.switches[0].ports += [{"name": "p9", "nic": "null"}, {"name": "p10", "nic": "packet:eth7"}]'
refused 'switches[0].ports[5].nic: interface "eth7": there is none of that name'
edited '.switches[0].ports += [{"name": "p9", "nic": "null", "policies":
	[{"extension": "probe-filter", "type": "refuse", "id": "r", "body": {"why": "not today"}}]}]'
refused 'switches[0].ports[4].policies[0].why: not today'
edited 'del(.switches)'
refused 'switches: is missing: --prune would remove every switch; if that is meant, say "switches": []' --prune

# A client that dies on the way. Whether it had come to the end decides, and nothing else.
jq '.switches[0].ports += [range(100) as $p | {name: "big\($p)", nic: "null", policies:
	[range(200) as $k | {extension: "no-telnet", type: "block", id: "r\($k)", body: {port: [$k + 1], action: "drop"}}]}]' \
	"$site" >"$work/big.json"
nobody_connected() { ! at sw ss -Hx | grep -qF " $WEIR_SOCKET "; }
began=$(date +%s%N)
ctl apply "$work/big.json" >/dev/null
took_ns=$(($(date +%s%N) - began))
ctl apply "$site" --prune >/dev/null
killed=0
for percent in 5 30 45 55 65 80; do
	"$build/weirctl" apply "$work/big.json" >/dev/null 2>&1 &
	client=$!
	sleep "$(awk "BEGIN { print $took_ns * $percent / 1e11 }")"
	kill -KILL $client 2>/dev/null && killed=$((killed + 1))
	wait $client 2>/dev/null || true
	eventually 20 "the killed client's connection ends" nobody_connected
	ports=$(value length port list)
	case $ports in
	4) ;;
	104)
		equal "policies" "$(value length policy list)" $((2 + 100 * 200))
		ctl apply "$site" --prune >/dev/null
		;;
	*) fail "half of a document is there: $ports ports" ;;
	esac
done
at_least "killed clients" $killed 1
unchanged "killed clients"

# A NIC that is not there refuses the document, also in a dry run; or its port waits for it.
edited '.switches[0].ports += [{name: "late", nic: "packet:late"}]'
missing='switches[0].ports[4].nic: interface "late": there is none of that name'
refused "$missing" --dry-run
refused "$missing"
ctl apply "$work/edited.json" --lost-nics >/dev/null
equal "state of a port whose NIC is not there" "$(port_value late state)" nic-lost
at sw ip link add late type veth peer name late-peer
eventually 10 "the NIC comes" holds '.[] | select(.name == "late") | .state == "connected"' port list
ctl port remove late
unchanged "without the late port"

# Events are numbered; a reader that stands still learns how many it lost, and gets those after them.
"$build/weirctl" event watch -j >"$work/events" &
watcher=$!
pids+=("$watcher")
watches() { ctl port set p1 --mtu 1400 && ctl port set p1 --mtu 1500 && [ -s "$work/events" ]; }
eventually 10 "events come" watches
kill -STOP $watcher
jq '.switches[0].ports += [range(2000) as $p | {name: "port-with-a-long-name\($p)", nic: "null"}]' "$site" >"$work/many.json"
for _ in 1 2 3; do
	ctl apply "$work/many.json" >/dev/null
	ctl apply "$site" --prune >/dev/null
done
kill -CONT $watcher
sees_end() { ctl port set p1 --mtu 1400 && tail -n 1 "$work/events" | jq -e '.port == "p1" and .number > 12000'; }
eventually 20 "the events after the gap come" sees_end
end $watcher
# The last line may be cut.
grep '}$' "$work/events" | jq -s -r '
	"unordered \([range(1; length) as $i | select(.[$i].number != .[$i - 1].number + 1 + (.[$i].lost // 0))] | length)",
	"lost \(any(.[]; (.lost // 0) > 0))"' >"$work/order"
equal "the numbers of events" "$(paste -sd ' ' "$work/order")" "unordered 0 lost true"

# What an extension says about its targets.
equal "statuses" "$(value '[.[] | select(.type == "known").target] | sort | join(" ")' policy status probe-filter)" \
	"$(ctl port list -j | jq -r '[.[].name] + ["switch:br0"] | sort | join(" ")')"
equal "the status of a port" "$(value '.[].body | keys | join(" ")' policy status pa probe-filter.known)" port
finish

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# An ACL is replaced again and again under traffic, by two builds that save their state in different
# layouts, every tenth time by one that refuses: no ping is lost, the TCP connection goes on, meters and
# sessions count on. So it is while extensions come, go and change places, and policies change. A kill -9
# later the daemon comes back with the version that was there last.
#
#	a 10.7.0.1 --- pa [ br0: acl, marker ] pb --- b 10.7.0.2
. "$(dirname "$0")/lib.sh"
need iperf3
use_extensions acl-1 acl-2 acl-refuses marker

replace_by() { ctl extension replace acl --path "$extensions/acl-$1.so" "${@:2}"; }
loaded_from() { value '.[] | select(.name == "acl") | .path' extension list | xargs basename; }
events() { grep -c "\"kind\": *\"$1\"" "$work/events" || true; }
counted() { value ".[] | select(.id == \"$1\") | .frames" meter list; }
add() { ctl policy add "$@" >/dev/null; }

daemon_start --extensions "$extensions"
ctl switch add br0
hosts_on_packet a b
# Nothing but IP passes, so that meters and ports count the same.
at a ip neigh add 10.7.0.2 lladdr "$(mac_of b)" dev e nud permanent
at b ip neigh add 10.7.0.1 lladdr "$(mac_of a)" dev e nud permanent
ctl event watch -j >"$work/events" &
pids+=($!)
ctl extension load acl --path "$extensions/acl-1.so"
ctl extension attach br0 acl --order 20 --fail-open
for i in $(seq 200); do
	add pa acl.rule direction=out action=deny protocol=udp remote_port="$((20000 + i))" weight="$i" id="deny-$i"
done
add pa acl.rule direction=out action=allow weight=1000 stateful=true id=out
add pa acl.rule direction=in action=deny weight=1 id=closed
add pb acl direction=in action=meter remote=any id=in
pings a 10.7.0.2

# ---- Replaced under traffic
background b iperf3 -s -1 >/dev/null
eventually 10 "iperf3 listens" at b sh -c 'ss -tln | grep -q :5201'
metered=$(counted in) sent=$(port_value pb tx_frames)
background a iperf3 -c 10.7.0.2 -t 600 -b 50M -J >"$work/iperf"
stream=$background
at a ping -n -q -c 4000 -i 0.002 -W 5 10.7.0.2 >"$work/pings" 2>&1 &
pinging=$!
pids+=("$pinging")
version=1 refused=0 replaced=0
for round in $(seq 40); do
	if [ $((round % 10)) = 0 ]; then
		refusal=$(replace_by refuses 2>&1) && fail "a version that takes no state replaced one"
		grep -q "does not take the saved state of pa: this version takes no state" <<<"$refusal" ||
			fail "the refusal says: $refusal"
		refused=$((refused + 1))
	else
		version=$((3 - version))
		replace_by $version || fail "replacement $round"
		replaced=$((replaced + 1))
	fi
	equal "what is loaded after replacement $round" "$(loaded_from)" "acl-$version.so"
done
replace_by $((3 - version)) --dry-run || fail "a trial"
equal "what is loaded after a trial" "$(loaded_from)" "acl-$version.so"

# ---- Others come, go, change places; policies change
for round in $(seq 10); do
	ctl extension attach br0 marker --order $((round % 2 * 40))
	add pa acl.rule direction=out action=deny protocol=udp remote_port="$((30000 + round))" weight=2000 id=more
	ctl export >"$work/site.json"
	jq '(.switches[0].extensions[] | select(.name == "marker") | .order) = 30' "$work/site.json" \
		>"$work/other.json"
	ctl apply "$work/other.json" >/dev/null
	ctl policy remove pa acl.rule more
	ctl extension detach br0 marker
done
kill -0 "$stream" || fail "the connection through the closed port has ended"
wait "$pinging" || fail "pings: $(cat "$work/pings")"
grep -q " 0% packet loss" "$work/pings" || fail "pings: $(cat "$work/pings")"
end "$stream"

# ---- Nothing lost, nothing forgotten
equal "place in the stack" "$(value '.[] | select(.name == "acl") | "\(.order) \(.fail_open)"' extension list)" \
	"20 true"
equal "policies" "$(value length policy list)" 203
at_least "sessions" "$(value '[.[] | select(.extension == "acl")] | length' session list)" 1
equal "replacements told" "$(events extension-replaced)" "$replaced"
equal "refusals told" "$(events extension-not-replaced)" "$refused"
equal "frames lost" "$(dropped denied) $(dropped rule-denied) $(dropped tx-full) $(dropped unknown)" "0 0 0 0"
for name in a b; do at $name ip link set e down; done
eventually 10 "the switch is quiet" balanced
equal "what the meter counted" $(($(counted in) - metered)) $(($(port_value pb tx_frames) - sent))

# ---- What is there after a crash is what was there before
kill -9 "$daemon_pid"
wait "$daemon_pid" 2>/dev/null || true
daemon_start --extensions "$extensions"
equal "what is loaded after a crash" "$(loaded_from)" "acl-$version.so"
equal "policies after it" "$(value length policy list)" 203
for name in a b; do at $name ip link set e up; done
eventually 10 "pings after it" reaches a 10.7.0.2
finish

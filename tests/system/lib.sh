# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# What every system test starts with:
#
#	. "$(dirname "$0")/lib.sh"
#	daemon_start [OPTION...]
#	host a                  # a namespace with an interface "e", peer of "sa" beside the daemon
#	...
#	finish
#
# The daemon runs in a namespace of its own, so that a test sees no interface of the machine and the
# machine none of the test's. Everything made here carries a prefix of this run; the trap removes it
# and ends only processes started here. WEIR_BUILD names the build tree (build/dev by default).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$(cd "${WEIR_BUILD:-$top/build/dev}" && pwd)
script=$(basename "$0")
prefix=ws$$
work=$(mktemp -d "/tmp/$prefix.XXXXXX")
export WEIR_SOCKET=$work/weir.sock
# What the caller's supervisor told him is not for our daemon.
unset NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID STATE_DIRECTORY JOURNAL_STREAM
exec </dev/null

hosts=()
pids=()
daemon_pid=
finished=

# Sanitizers report into the daemon's log and end it, which daemon_stop() notices.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-suppressions=$top/tests/tsan.supp}

say() { echo "$script: $*" >&2; }

skip() {
	say "skipped: $*"
	exit 77
}

fail() {
	say "FAILED: $*"
	exit 1
}

need() {
	local command
	for command in "$@"; do
		command -v "$command" >/dev/null || skip "$command is not installed"
	done
}

need_tap() { [ -c /dev/net/tun ] || skip "there is no /dev/net/tun"; }

# Ends a process started here.
end() {
	kill "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

# What a sanitizer said first, and how often; else the last lines.
show_log() {
	[ -s "$work/log" ] || return
	say "the daemon's log:"
	if grep -q '^SUMMARY: ' "$work/log"; then
		grep -m 1 -A 40 'WARNING: \|ERROR: \|runtime error' "$work/log" >&2
		grep '^SUMMARY: ' "$work/log" | sort | uniq -c >&2
	else
		tail -n 25 "$work/log" >&2
	fi
}

cleanup() {
	local status=$? name pid
	trap - EXIT
	set +e
	if [ "$status" -ne 0 ] && [ "$status" -ne 77 ]; then
		show_log
		if [ -n "$daemon_pid" ] && kill -0 "$daemon_pid" 2>/dev/null; then
			timeout 10 "$build/weirctl" port list | head -n 20 >&2
			timeout 10 "$build/weirctl" drop list | head -n 20 >&2
		fi
	fi
	[ "$status" -eq 0 ] && [ -z "$finished" ] && { say "ended without finish"; status=1; }
	for pid in "${pids[@]}" $daemon_pid; do end "$pid"; done
	for name in "${hosts[@]}" sw; do ip netns delete "$prefix-$name" 2>/dev/null; done
	rm -rf "$work"
	exit "$status"
}

[ "$(id -u)" -eq 0 ] || { say "skipped: needs root"; exit 77; }
need ip jq python3 ping
[ -x "$build/weir-switchd" ] && [ -x "$build/weirctl" ] ||
	fail "$build has no weir-switchd or weirctl: build first, or set WEIR_BUILD"
trap cleanup EXIT
trap 'exit 143' INT TERM HUP

# at HOST COMMAND...: runs a command in a host's namespace; "sw" is the daemon's.
at() {
	local name=$1
	shift
	ip netns exec "$prefix-$name" "$@"
}

# background HOST COMMAND...: the same without waiting; $background is its process id.
background() {
	local name=$1
	shift
	ip netns exec "$prefix-$name" "$@" &
	background=$!
	pids+=("$background")
}

# eventually SECONDS WHAT COMMAND...: polls until the command succeeds.
eventually() {
	local limit=$1 what=$2 until_ns
	shift 2
	until_ns=$(($(date +%s%N) + limit * 1000000000))
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s%N)" -lt "$until_ns" ] || fail "$what: not within $limit s"
		sleep 0.02
	done
}

equal() { [ "$2" = "$3" ] || fail "$1: is \"$2\", expected \"$3\""; }
at_most() { [ "$2" -le "$3" ] || fail "$1: is $2, expected at most $3"; }
at_least() { [ "$2" -ge "$3" ] || fail "$1: is $2, expected at least $3"; }

ctl() { "$build/weirctl" "$@"; }
# value FILTER COMMAND...: what a jq filter says about a command's JSON.
value() {
	local filter=$1
	shift
	ctl "$@" -j | jq -r "$filter"
}
# holds FILTER COMMAND...: whether it says true, for eventually.
holds() { [ "$(value "$@")" = true ]; }
port_value() { value ".[] | select(.name == \"$1\") | .$2" port list; }
# Frames dropped under a reason, on all ports.
dropped() { value "[.[] | select(.reason == \"$1\") | .frames] | add // 0" drop list; }
workers_of() { value '[.[] | select(.frames > 0)] | length' worker list; }

namespace() {
	ip netns add "$prefix-$1"
	at "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	at "$1" ip link set lo up
}

# use_extensions NAME...: copies them, shipped or for tests alone, into $extensions, which is for the daemon's
# --extensions: it takes no file from a directory that somebody else could write, as a checkout's.
use_extensions() {
	local name file
	extensions=$work/extensions
	install -d -m 755 "$extensions"
	for name in "$@"; do
		file=$build/extensions/$name.so
		[ -e "$file" ] || file=$build/tests/extensions/modules/$name.so
		[ -e "$file" ] || fail "$name.so is not built in $build"
		install -m 755 "$file" "$extensions"
	done
}

# $switchd: another file than the build tree's.
daemon_start() {
	[ -e "/var/run/netns/$prefix-sw" ] || namespace sw
	ip netns exec "$prefix-sw" "${switchd:-$build/weir-switchd}" --foreground --socket "$WEIR_SOCKET" \
		--state "$work/state" "$@" 2>>"$work/log" &
	daemon_pid=$!
	eventually 20 "weir-switchd answers" ctl switch list
}

daemon_stop() {
	local status=0 pid=$daemon_pid
	daemon_pid=
	kill "$pid" 2>/dev/null || true
	wait "$pid" || status=$?
	equal "exit status of weir-switchd" "$status" 0
}

# The address of a host stays when its interface is made again.
mac_of() {
	local sum
	sum=$(cksum <<<"$1")
	printf '02:77:%02x:%02x:%02x:%02x' $((${sum%% *} >> 24 & 255)) $((${sum%% *} >> 16 & 255)) \
		$((${sum%% *} >> 8 & 255)) $((${sum%% *} & 255))
}

# link HOST: (again) the pair "e" in the host's namespace - "s$HOST" beside the daemon.
link() {
	ip link add "s$1" netns "$prefix-sw" type veth \
		peer name e address "$(mac_of "$1")" netns "$prefix-$1"
	if [ -n "${plain:-}" ]; then
		at "$1" ethtool -K e tx off tso off gso off >/dev/null
		at sw ethtool -K "s$1" tx off tso off gso off >/dev/null
	fi
	at "$1" ip link set e up
	at sw ip link set "s$1" up
}

# host NAME [ADDRESS/BITS]: with plain=1 without offloads.
host() {
	hosts+=("$1")
	namespace "$1"
	link "$1"
	[ -z "${2:-}" ] || at "$1" ip address add "$2" dev e
}

# hosts_on_packet NAME...: hosts 10.7.0.1, 10.7.0.2, ... on packet ports p$NAME of switch br0.
hosts_on_packet() {
	local name number=0
	for name in "$@"; do
		number=$((number + 1))
		host "$name" "10.7.0.$number/24"
		ctl port add br0 "p$name" "packet:s$name"
	done
}

# pings HOST ADDRESS [COUNT [INTERVAL]]: every single one must be answered. Behind the last one ping waits twice as
# long as answers took so far; the first one, which is decided about, may take longer, so the others come later.
pings() {
	local report
	report=$(at "$1" ping -n -q -c "${3:-3}" -i "${4:-0.1}" -W 2 "${@:5}" "$2" 2>&1) ||
		fail "ping from $1 to $2: $report"
	grep -q " 0% packet loss" <<<"$report" || fail "ping from $1 to $2: $report"
}
reaches() { at "$1" ping -n -q -c 1 -W 1 "$2" >/dev/null; }

frames() { python3 "$here/frames.py" "$prefix" "$@" || fail "frames $*"; }

# transfer FROM TO ADDRESS MEGABYTES: over TCP; the bytes must be the same at the other end.
transfer() {
	python3 "$here/transfer.py" "$prefix-$1" "$prefix-$2" "$3" "$4" ||
		fail "TCP transfer of $4 MB from $1 to $2"
}

# Nothing is lost without a reason: all that came in was sent, dropped under a reason, or consumed.
balance='.rx_frames + .originated_frames + .copied_frames -
	.tx_frames - .dropped_frames - .consumed_frames'
balanced() {
	holds "[.[] | $balance == 0 and .queued_frames == 0] | all" switch list
}
assert_conservation() {
	local unbalanced
	for _ in $(seq 100); do
		balanced && break
		sleep 0.05
	done
	unbalanced=$(value ".[] | select($balance != 0 or .queued_frames != 0) | tojson" switch list)
	[ -z "$unbalanced" ] || fail "frames are not conserved: $unbalanced"
	# What is dropped has a reason and a port.
	equal "dropped frames with a reason" "$(value '[.[].frames] | add // 0' drop list)" \
		"$(value '[.[].dropped_frames] | add // 0' switch list)"
}

# The end of every test: senders are silenced first, so that the counts stand still.
finish() {
	local name
	for name in "${hosts[@]}"; do at "$name" ip link set e down 2>/dev/null || true; done
	assert_conservation
	daemon_stop
	finished=1
}

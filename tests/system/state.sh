#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# The state directory: what is wrong with it is said, with the file and how to go on, and changes nothing.
#
#	no traffic; switch br0 with ports p0 and p1 on null NICs
. "$(dirname "$0")/lib.sh"
need sqlite3 mount
use_extensions no-telnet
state=$work/state
database=$state/state.db
namespace sw
mkdir "$state"
mount -t tmpfs -o size=8m,mode=700 weir-test "$state"
unmount() { umount "$state" 2>/dev/null || umount -l "$state" 2>/dev/null || true; }
trap 'unmount; cleanup' EXIT

# refuses_to_start TEXT...: the daemon exits with 1 and a sentence that holds every TEXT.
refuses_to_start() {
	local status=0 said text
	said=$(at sw timeout 20 "$build/weir-switchd" --foreground --socket "$work/other.sock" \
		--state "$state" 2>&1) || status=$?
	equal "exit status: $said" "$status" 1
	for text in "$@"; do
		grep -qF -- "$text" <<<"$said" || fail "the refusal lacks \"$text\": $said"
	done
}

# refused TEXT COMMAND...: weirctl exits with 1, says TEXT, and nothing has changed.
refused() {
	local text=$1 before said status=0
	shift
	before=$(ctl export)
	said=$(ctl "$@" 2>&1) || status=$?
	equal "exit status of weirctl $*: $said" "$status" 1
	grep -qF -- "$text" <<<"$said" || fail "weirctl $* says \"$said\", not \"$text\""
	equal "the state after weirctl $*" "$(ctl export)" "$before"
}

start_on_state() { daemon_start --state "$state" --extensions "$extensions"; }

start_on_state
ctl switch add br0
ctl extension attach br0 no-telnet
ctl port add br0 p0 null --vlan 7
ctl port add br0 p1 null
ctl fdb add br0 02:00:00:00:00:07 p0 --vlan 7
ctl policy add p1 no-telnet port=80 action=count id=web >/dev/null
ctl port disconnect p1
site=$(ctl export)

# Two daemons.
refuses_to_start "$state" "$daemon_pid"
equal "the first one's state" "$(ctl export)" "$site"

# A full disk: refused, nothing changed; with room again all goes on, and what was acknowledged stays.
dd if=/dev/zero of="$state/filler" bs=64k 2>/dev/null || true
refused "$state" port add br0 p2 null
refused "$state" policy add p1 no-telnet port=81 id=more
refused "$state" port remove p0
rm "$state/filler"
eventually 10 "changes are taken again" ctl port add br0 p2 null
site=$(ctl export)

# Killed and started again, everything is as it was.
kill -KILL "$daemon_pid"
wait "$daemon_pid" 2>/dev/null || true
start_on_state
equal "the state after a kill" "$(ctl export)" "$site"
equal "state of p1" "$(port_value p1 state)" disconnected
daemon_stop
cp "$database" "$work/good.db"
restore() {
	rm -f "$state"/state.db*
	cp "$work/good.db" "$database"
}

# Read-only.
mount -o remount,ro "$state"
refuses_to_start "$state" "Read-only file system"
mount -o remount,rw "$state"

# Damaged, cut short, empty, gone, foreign, of a newer version: named, and never taken for empty.
dd if=/dev/urandom of="$database" bs=4096 seek=2 count=8 conv=notrunc 2>/dev/null
sum=$(sha256sum "$database")
refuses_to_start "$database" "damaged"
equal "the damaged file" "$(sha256sum "$database")" "$sum"
restore
truncate -s -4096 "$database"
refuses_to_start "$database"
restore
: >"$database"
refuses_to_start "$database"
rm -f "$state"/state.db*
refuses_to_start "$state"
restore
sqlite3 "$database" 'PRAGMA application_id = 42'
refuses_to_start "$database"
restore
sqlite3 "$database" 'PRAGMA user_version = 1000'
refuses_to_start "$database" 1000
restore

# Somebody else could write it.
chmod 777 "$state"
refuses_to_start "$state"
chmod 700 "$state"

# After all that the good one is good.
start_on_state
equal "the state in the end" "$(ctl export)" "$site"
finish

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# Extensions that misbehave, under --strict: who breaks a promise is expelled, and says so in the list, in events
# and in the log; the ports of its switch are blocked or open as was asked for, others go on; a restart tries it
# again. A slow decision is named. 64 loaded extensions, and as many on one stack.
#
#	a 10.7.0.1 --- pa [ br0 ] pb --- b 10.7.0.2
. "$(dirname "$0")/lib.sh"
mapfile -t nothings < <(seq -f 'nothing-%.0f' 64)
use_extensions cheat-reads cheat-values slow "${nothings[@]}"

extension() { value ".[] | select(.name == \"$1\" and .switch == \"br0\") | .$2 // \"\"" extension list; }
has_state() { [ "$(extension "$1" state)" = "$2" ]; }
blocked() { [ "$(port_value pa blocked)" = "$1" ]; }
seen() { grep -q "$1" "$work/events"; }

daemon_start --extensions "$extensions" --strict
ctl switch add br0
hosts_on_packet a b
ctl event watch -j >"$work/events" &
pids+=($!)
# The subscription is in force when it tells of something.
touched() { ctl port set pa --mtu 1400 && ctl port set pa --mtu 1500 && seen port-changed; }
eventually 5 "events are watched" touched
pings a 10.7.0.2

# One that fails closed.
ctl extension attach br0 cheat-reads
reaches a 10.7.0.2 || true
eventually 20 "cheat-reads is expelled" has_state cheat-reads expelled
eventually 5 "pa is blocked" blocked true
reaches a 10.7.0.2 && fail "frames pass a switch whose filter was expelled"
reason=$(extension cheat-reads reason)
[[ $reason == "was expelled by strict mode: "*"depends on WEIR_FIELD_L4_DST, not declared"* ]] || fail "$reason"
at_least "impure decisions" "$(extension cheat-reads impure)" 1
for kind in rights-violated extension-expelled port-blocked; do
	eventually 5 "the event $kind" seen "\"$kind\""
	grep -q "warning: $kind: " "$work/log" || fail "$kind is not in the log"
done
ctl extension list | grep -q 'cheat-reads .* expelled .* was expelled by strict mode' ||
	fail "$(ctl extension list)"

# What was asked for is on disk: a restart tries it again, and expels it again.
daemon_stop
daemon_start --extensions "$extensions" --strict
reaches a 10.7.0.2 || true
eventually 20 "cheat-reads is expelled again" has_state cheat-reads expelled
eventually 5 "pa is blocked again" blocked true
# Without --strict it decides about zeros, and nobody minds.
daemon_stop
daemon_start --extensions "$extensions"
eventually 5 "pa passes frames" blocked false
pings a 10.7.0.2
equal "state" "$(extension cheat-reads state)" attached
ctl extension detach br0 cheat-reads

# One that fails open.
daemon_stop
daemon_start --extensions "$extensions" --strict
ctl extension attach br0 cheat-values --fail-open
reaches a 10.7.0.2 || true
eventually 20 "cheat-values is expelled" has_state cheat-values expelled
pings a 10.7.0.2
ctl extension detach br0 cheat-values
ctl extension unload cheat-values

# A slow one is named, also when it has gone.
ctl extension attach br0 slow
slow_named() { holds '[.[] | .slow_extension == "slow" and .slow_switch == "br0" and .slow_ms > 1] | any' worker list; }
offer() { reaches a 10.7.0.2; ctl flow flush br0; slow_named; }
eventually 20 "the slow extension is named" offer
ctl extension detach br0 slow
slow_named || fail "$(ctl worker list)"
ctl worker list | grep -q ' slow ' || fail "$(ctl worker list)"

# As many as a stack can have.
for name in "${nothings[@]}"; do ctl extension load "$name"; done
equal "loaded" "$(value '[.[] | select(.state == "loaded" and (.name | startswith("nothing-")))] | length' \
	extension list)" 64
for name in "${nothings[@]}"; do ctl extension attach br0 "$name"; done
equal "rows of the table" "$(ctl extension list br0 | grep -c '^nothing-.* attached ')" 64
status=0
said=$(ctl extension attach br0 cheat-values 2>&1) || status=$?
equal "$said" $status 1
[[ $said == *"has 64 extensions, the most allowed"* ]] || fail "$said"
pings a 10.7.0.2 50
equal "who decides" "$(value '[.[] | select(.decisions > 0)] | length' extension list br0)" 64
daemon_stop
daemon_start --extensions "$extensions" --strict
equal "on the stack after a restart" "$(value length extension list br0)" 64
pings a 10.7.0.2 50
finish

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# Every refused command exits 1, says in a sentence which value was wrong and what is allowed, and
# changes nothing. Wrong usage exits 2, no daemon 3.
#
#	a --- pa [ br0 ] pn (null)          b --- (no port)
. "$(dirname "$0")/lib.sh"
use_extensions no-telnet

# What the daemon would tell anybody who asks, without what counts.
state() {
	local object
	for object in switch port extension policy fdb; do
		ctl $object list -j | jq -S 'map(del(.rx_frames, .rx_bytes, .tx_frames, .tx_bytes,
			.dropped_frames, .flows, .decisions, .copied_frames, .age_s))'
	done
}

# refused STATUS VALUE ALLOWED COMMAND...: VALUE and ALLOWED are regular expressions that the
# sentence must match, the bad value and what would be right.
refused() {
	local expected=$1 value=$2 allowed=$3 before after status=0 sentence
	shift 3
	before=$(state)
	sentence=$(ctl "$@" 2>&1 >/dev/null) || status=$?
	after=$(state)
	[ $status -eq "$expected" ] || fault "exit status $status, expected $expected" "$@"
	grep -Eq -- "$value" <<<"$sentence" || fault "\"$sentence\" does not name $value" "$@"
	grep -Eq -- "$allowed" <<<"$sentence" || fault "\"$sentence\" does not say $allowed" "$@"
	[ "$before" = "$after" ] || fault "changed $(diff <(echo "$before") <(echo "$after"))" "$@"
	n_refused=$((n_refused + 1))
}
n_refused=0
n_faults=0
# All rows are tried before the test fails.
fault() {
	local what=$1
	shift
	say "weirctl $*: $what"
	n_faults=$((n_faults + 1))
}

daemon_start --extensions "$extensions"
ctl switch add br0
host a
host b
ctl port add br0 pa packet:sa --vlan 10
ctl port add br0 pn null

# Unknown and duplicate names.
refused 1 '"br9"' 'none of this name' port add br9 p1 null
refused 1 '"br9"' 'none of this name' switch remove br9
refused 1 '"br9"' 'none of this name' switch show br9
refused 1 '"p9"' 'none of this name' port remove p9
refused 1 '"p9"' 'none of this name' port show p9
refused 1 '"p9"' 'none of this name' port set p9 --mtu 1500
refused 1 '"br0"' 'already|of this name' switch add br0
refused 1 '"pa"' 'has one of this name' port add br0 pa null
refused 1 '"a/b"|"a b"' 'character|letters' switch add 'a b'
refused 1 '64 bytes' '1 to 63' switch add "$(printf 'n%.0s' {1..64})"

# NIC specs.
refused 1 '"nosuch"' 'none of that name' port add br0 p1 packet:nosuch
refused 1 '"carrier-pigeon"' 'tap, packet' port add br0 p1 carrier-pigeon:1
refused 1 'packet:' 'packet:IF' port add br0 p1 packet:
refused 1 '"?wings' 'ring=N|queues=N' port add br0 p1 packet:sb,wings=2
refused 1 'a-name-that-is-too-long' '1 to 15' port add br0 p1 tap:a-name-that-is-too-long
refused 1 'lo' 'tap' port add br0 p1 tap:lo
refused 1 '/nonexistent' 'readable file' port add br0 p1 replay:/nonexistent
refused 1 '"sa"|packet:sa' 'pa' port add br0 p1 packet:sa
refused 1 'connected' 'disconnect' port connect pn null

# Settings.
refused 1 '4095' '1 to 4094' port add br0 p1 null --vlan 4095
refused 1 '"?0"?' '1 to 4094' port add br0 p1 null --vlan 0
refused 1 '4095' '1 to 4094' port set pa --vlan trunk:1-4095
refused 1 '20-10' 'ascending|first|range|1 to 4094|smaller|below|greater' \
	port set pa --vlan trunk:20-10
refused 1 'zz' '02:00:00:00:00:01|six bytes' port set pa --mac zz
refused 1 '01:00:5e:00:00:01' "station's address|unicast" port set pa --mac 01:00:5e:00:00:01
refused 1 '99999' '0 to 65535 bytes' port set pn --mtu 99999
refused 1 '"?12x"?' '0 to 65535 bytes' port set pn --mtu 12x
refused 1 '99999999' '1000000' worker set --linger-us 99999999

# In the words of the command line, not of the protocol.
long=$(printf 'n%.0s' {1..64})
refused 1 '^weirctl: NAME: has 64 bytes' '1 to 63' port show "$long"
refused 1 '^weirctl: SWITCH: has 64 bytes' '1 to 63' port list "$long"
refused 1 '^weirctl: NIC: has 0 bytes' 'must have' port add br0 p1 ''
refused 1 '^weirctl: --path: has 0 bytes|--path ""' 'must have|No such' extension load acl --path ''

# Files that are none.
mkfifo "$work/fifo"
refused 1 "$work/fifo: is a pipe that nobody writes to" 'regular file' apply "$work/fifo"
refused 1 "$work/fifo: is a pipe that nobody writes to" 'regular file' trace pa --file "$work/fifo"
refused 1 '/dev/zero: is a device' 'regular file' apply /dev/zero
refused 1 "$work: is a directory" 'regular file' apply "$work"
refused 1 'fifo' 'regular file' port add br0 p1 "replay:$work/fifo"

# The FDB.
refused 1 '"br9"' 'none of this name' fdb add br9 02:00:00:00:00:01 pa
refused 1 '"p9"' 'none of this name|no port' fdb add br0 02:00:00:00:00:01 p9
refused 1 'ff:ff:ff:ff:ff:ff' "station's address|unicast" fdb add br0 ff:ff:ff:ff:ff:ff pa
refused 1 '4095' '4094' fdb add br0 02:00:00:00:00:01 pa --vlan 4095
refused 1 '02:00:00:00:00:42' 'none|no entry|not' fdb remove br0 02:00:00:00:00:42

# Extensions that are not there, or are no extensions.
refused 1 '"nope"' 'directories' extension attach br0 nope
refused 1 '"nope"' 'directories' extension load nope
refused 1 '"nope"' 'loaded|attached|none' extension detach br0 nope
refused 1 '"nope"' 'loaded|none' extension unload nope
refused 1 '"nope": is not loaded; none is' 'none' extension replace nope
refused 1 '"nope": is not loaded; none is' 'none' extension replace nope --path "$extensions/no-telnet.so"
refused 1 '"no-telnet": is not loaded' "would be loaded from $extensions/no-telnet.so" extension replace no-telnet
refused 1 '"nope"' 'name of a port.*extension' meter list nope
refused 1 '"nope": is not attached' 'br0, which has none' policy add pa nope a=1
refused 1 '"no-telnet": is not attached' 'br0, which has none' policy add pa no-telnet port=23
refused 1 '"no-telnet": is not attached' 'br0, which has none' policy add pa no-telnet prot=23 --dry-run
refused 1 '"nope": is not loaded, and' 'directories' policy schema nope
# Nor does a look at what it could be told load an extension.
before=$(state)
ctl policy schema no-telnet | grep -q '^no-telnet.block' || fault "no schema" policy schema no-telnet
equal "fields to complete" "$(ctl completion names field no-telnet | paste -sd ' ')" "port= action="
ctl extension attach br0 no-telnet --dry-run
jq -n '{weir: 1, switches: [{name: "br0", extensions: [{name: "no-telnet"}], ports: [{name: "pn", nic: "null",
	policies: [{extension: "no-telnet", id: "a", body: {port: [23]}}]}]}]}' >"$work/site.json"
ctl apply "$work/site.json" --dry-run >/dev/null
equal "what is loaded" "$(state)" "$before"
jq '.switches[0].ports[0].policies[0].body.port = [70000]' "$work/site.json" >"$work/wrong.json"
refused 1 '70000' '65535' apply "$work/wrong.json"
jq '.switches[0].ports[0].vlan = "4095"' "$work/site.json" >"$work/wrong.json"
refused 1 '4095' '4094' apply "$work/wrong.json"
echo "this is no ELF file" >"$work/text.so"
refused 1 'text.so|"text"' 'ELF' extension load text --path "$work/text.so"
refused 1 '"br9"' 'none of this name' extension attach br9 nope
cp "$extensions/no-telnet.so" "$work/open.so"
chmod o+w "$work/open.so"
refused 1 'open.so' 'writ' extension load no-telnet --path "$work/open.so"
head -c 2000 "$extensions/no-telnet.so" >"$work/short.so"
refused 1 'short.so' 'end|truncated|beyond|ELF|past' extension load no-telnet --path "$work/short.so"
refused 1 '"?telnet"?' 'no-telnet' extension load telnet --path "$extensions/no-telnet.so"
ctl extension attach br0 no-telnet
refused 1 'no-telnet' 'already|is loaded' extension load no-telnet
refused 1 'no-telnet' 'already|is attached' extension attach br0 no-telnet
refused 1 '"nope": is not loaded' 'there are no-telnet' extension replace nope
refused 1 '^weirctl: id=: has 0 bytes' '1 to 63' policy add pa no-telnet port=23 id=
refused 1 '^weirctl: --id: has 0 bytes' '1 to 63' policy add pa no-telnet port=23 --id=
refused 1 '^weirctl: TARGET: has 0 bytes' 'must have' policy add '' no-telnet port=23
refused 1 '/nowhere/x.so' 'No such file' extension replace no-telnet --path /nowhere/x.so
refused 1 'no-telnet' 'attached|detach' extension unload no-telnet
refused 1 '"?prot"?' 'port, action|port|fields' policy add pa no-telnet prot=23
refused 1 '99999' '65535' policy add pa no-telnet port=99999
refused 1 'seven' '0 to 65535' policy add pa no-telnet port=seven
refused 1 'explode' 'drop.*count|DROP.*COUNT' policy add pa no-telnet action=explode
refused 1 'type "wings"' 'must be block|one of' policy list no-telnet.wings
refused 1 '"?nn"?|wings' 'block' policy add pa no-telnet.wings port=23
refused 1 '"?web"?' 'none|no policy' policy remove pa no-telnet web
refused 1 '"?p9"?' 'none of this name' policy add p9 no-telnet port=23

# Without permission: another user may not write to the socket.
status=0
sentence=$(setpriv --reuid=65534 --regid=65534 --clear-groups "$build/weirctl" switch add br1 2>&1) ||
	status=$?
[ $status -ne 0 ] || fail "another user changed the switch"
grep -Eqi 'permission|not allowed|may' <<<"$sentence" || fail "another user is told \"$sentence\""

# Usage, and no daemon.
refused 2 '"frobnicate"' 'switch' frobnicate
refused 2 '"fly"' 'add' port fly
refused 2 'NAME' 'missing' switch add
refused 2 '--wings' 'option' port list --wings
status=0
ctl --socket "$work/nothing-here" switch list 2>"$work/sentence" || status=$?
equal "exit status without a daemon" $status 3
grep -q nothing-here "$work/sentence" || fail "$(cat "$work/sentence") does not name the socket"

# A dry run says the same and changes nothing, also when it would succeed.
before=$(state)
ctl port add br0 p1 null --dry-run
ctl switch add br1 --dry-run
refused 1 '4095' '1 to 4094' port add br0 p1 null --vlan 4095 --dry-run
equal "state after dry runs" "$(state)" "$before"
equal "faults in $n_refused rows" $n_faults 0
finish

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# What comes from outside and is wrong: files that are no extensions, names that are paths, files that are replaced
# while they are loaded, policies that make no sense, 10,000 policies of which one is wrong. Each is refused with
# a sentence, nothing changes, and no frame is lost meanwhile.
#
#	a 10.7.0.1 --- pa [ br0: no-telnet, probe-filter, acl; p1 ] pb --- b 10.7.0.2
. "$(dirname "$0")/lib.sh"
use_extensions no-telnet probe-filter nothing-1 acl

daemon_start --extensions "$extensions"
ctl switch add br0
hosts_on_packet a b
ctl port add br0 p1 null
for name in no-telnet probe-filter acl; do ctl extension attach br0 $name; done
ctl policy add p1 no-telnet port=80 action=count id=web >/dev/null
pings a 10.7.0.2
background a ping -n -q -i 0.01 -W 2 10.7.0.2 >"$work/ping"
pinging=$background

state() {
	ctl export
	ctl extension list -j | jq -S 'map({ name, path, switch, state })'
}
before=$(state)
# refused TEXT COMMAND...: exits with 1 within 10 s, says TEXT, and changes nothing.
refused() {
	local text=$1 said status=0
	shift
	said=$(timeout 10 "$build/weirctl" "$@" 2>&1) || status=$?
	equal "exit status of $*: $said" $status 1
	[[ $said == *"$text"* ]] || fail "$*: \"$said\" does not say \"$text\""
	[ "$(state)" = "$before" ] || fail "$*: $(diff <(echo "$before") <(state))"
}

# ---- Files that are no extensions. A name without --path is looked for in the directory of extensions.
bad=$work/bad
install -d -m 755 "$bad" "$bad/directory.so"
refused 'is a directory' extension load directory --path "$bad/directory.so"
mkfifo -m 644 "$bad/pipe.so" "$extensions/pipe.so"
refused 'must be a regular file' extension load pipe --path "$bad/pipe.so"
refused 'must be a regular file' extension load pipe
refused 'must be a regular file' extension attach br0 pipe
refused 'must be a regular file' extension load null --path /dev/null
refused 'No such file' extension load nothing --path "$bad/nothing.so"

# patch OFFSET BYTES: a copy of an extension with other bytes there.
patch() {
	install -m 644 "$extensions/nothing-1.so" "$bad/nothing-1.so"
	printf '%b' "$2" | dd of="$bad/nothing-1.so" bs=1 seek="$1" conv=notrunc status=none
}
load=(extension load nothing-1 --path "$bad/nothing-1.so")
patch 0 'MZ'
refused 'not an ELF' "${load[@]}"
# ELF header: e_machine, here AArch64 or, on such a machine, RISC-V; EI_CLASS; EI_DATA; e_type.
[ "$(uname -m)" = aarch64 ] && other='\xf3\0' number=243 || other='\xb7\0' number=183
patch 18 "$other"
refused "machine $number" "${load[@]}"
patch 4 '\x01'
refused 'class 1' "${load[@]}"
patch 5 '\x02'
refused 'byte order' "${load[@]}"
patch 16 '\x01\0'
refused 'type 1' "${load[@]}"
: >"$bad/nothing-1.so"
refused 'is empty' "${load[@]}"
for size in 1 63 64 1000 4096; do
	head -c $size "$extensions/nothing-1.so" >"$bad/nothing-1.so"
	refused '"' "${load[@]}"
done
install -m 644 "$build/weirctl" "$bad/nothing-1.so"
refused '"' "${load[@]}"
install -m 644 "$build/libweir.so.0" "$bad/nothing-1.so"
refused 'no Weir note' "${load[@]}"
# What is loaded is not replaced by such, either.
replace=(extension replace no-telnet --path)
refused 'is a directory' "${replace[@]}" "$bad/directory.so"
refused 'must be a regular file' "${replace[@]}" "$bad/pipe.so"
refused 'No such file' "${replace[@]}" "$bad/nothing.so"
refused 'no Weir note' "${replace[@]}" "$bad/nothing-1.so"
install -m 644 "$extensions/probe-filter.so" "$bad/nothing-1.so"
refused 'is the extension "probe-filter"; "no-telnet" was asked for' "${replace[@]}" "$bad/nothing-1.so"
head -c 4096 "$extensions/no-telnet.so" >"$bad/nothing-1.so"
refused '"' "${replace[@]}" "$bad/nothing-1.so"
# Any byte of the ELF header and of the note, one at a time. What still loads is unloaded.
python3 - "$extensions/nothing-1.so" "$bad" <<'PYTHON'
import random, sys
whole = open(sys.argv[1], "rb").read()
note = whole.index(b"Weir\0") - 12
for n, at in enumerate(random.Random(1).sample([*range(64), *range(note, note + 68)], 50)):
    data = bytearray(whole)
    data[at] ^= 1 << n % 8
    open(f"{sys.argv[2]}/{n}.so", "wb").write(data)
PYTHON
n_refused=0
for n in $(seq 0 49); do
	status=0
	said=$(ctl extension load nothing-1 --path "$bad/$n.so" 2>&1) || status=$?
	at_most "exit status of $n.so: $said" $status 1
	n_refused=$((n_refused + status))
	[ $status -eq 1 ] || ctl extension unload nothing-1
done
at_least "damaged files that are refused" $n_refused 30
equal "state after damaged files" "$(state)" "$before"

# ---- Names that are paths.
for name in ../no-telnet ./no-telnet "$extensions/no-telnet" "$extensions/no-telnet.so" no/telnet ..; do
	refused 'characters a-z, 0-9 and' extension load "$name"
	refused 'characters a-z, 0-9 and' extension load "$name" --path "$extensions/no-telnet.so"
	refused "\"$name\"" extension attach br0 "$name"
	refused "\"$name\"" extension detach br0 "$name"
	refused "\"$name\"" extension unload "$name"
	refused '"' policy add p1 "$name" port=1
done

# ---- Replaced while being loaded: by renaming, what is loaded is one or the other; by writing into it, that or a
# refusal.
install -d -m 755 "$work/moving"
for how in rename write; do
	(
		while :; do
			for size in 0 9000; do
				cp "$extensions/nothing-1.so" "$work/moving/next"
				head -c $size /dev/zero >>"$work/moving/next"
				if [ $how = rename ]; then mv "$work/moving/next" "$work/moving/nothing-1.so"
				else cat "$work/moving/next" >"$work/moving/nothing-1.so"; fi
			done
		done
	) &
	moving=$!
	pids+=("$moving")
	eventually 5 "the file is there" test -s "$work/moving/nothing-1.so"
	n_loaded=0
	for _ in $(seq 60); do
		status=0
		said=$(ctl extension load nothing-1 --path "$work/moving/nothing-1.so" 2>&1) || status=$?
		if [ $status -eq 0 ]; then
			n_loaded=$((n_loaded + 1))
			ctl extension unload nothing-1
		else
			[ $how = write ] || [[ $said == *"changed while it was read"* ]] || fail "$how: $said"
			[[ $said == *"nothing-1.so\" "* ]] || fail "$how: $said"
		fi
	done
	end $moving
	[ $how = write ] || at_least "loaded while it was renamed" $n_loaded 30
	kill -0 "$daemon_pid" || fail "$how ended the daemon"
done
equal "state after files that were replaced" "$(state)" "$before"

# ---- Policies that make no sense.
python3 "$here/bad_policies.py" "$WEIR_SOCKET" p1 || fail "bad policies were not refused as they should be"
equal "state after bad policies" "$(state)" "$before"

# ---- 10,000 policies, one of them wrong: none, and the sentence names it.
# many FILTER: a document with 10,000 entries for p1, changed by jq.
many() {
	ctl export | jq "(.switches[0].ports[] | select(.name == \"p1\")).policies +=
		[range(10000) | { extension: \"acl\", type: \"acl\", id: \"p\(.)\", body: {
			remote: \"10.\(. / 256 | floor).\(. % 256).0/24\", direction: \"in\", action: \"allow\" } }] |
		(.switches[0].ports[] | select(.name == \"p1\")).policies |=
			map(if .id == \"p7777\" then $1 else . end)" >"$work/many.json"
}
many '.body.remote = "10.0.300.0/24"'
refused 'p7777' apply "$work/many.json"
# What weirctl itself finds wrong with the document it names by the place in it, behind "web".
many '.body.wings = 2'
refused '.policies[7778].body.wings' apply "$work/many.json"
many '.type = "nothing"'
refused '.policies[7778].type' apply "$work/many.json"
many 'del(.body) | .body_base64 = "/////w=="'
refused '.policies[7778]: message: ends within a number' apply "$work/many.json"
# What only the daemon, or the extension, can find wrong.
many '.body.remote = "10.0.1.0/24"'
refused 'policy p7777: ' apply "$work/many.json"
many '.id = "p1"'
refused 'p1' apply "$work/many.json"
# All of them, when nothing is wrong.
many .
ctl apply "$work/many.json" >/dev/null
equal "policies" "$(value 'map(select(.extension == "acl")) | length' policy list p1)" 10000
before=$(state)
refused 'p7777' policy add p1 acl remote=10.30.97.0/24 direction=in action=deny id=again

kill -INT $pinging
wait $pinging 2>/dev/null || true
finish

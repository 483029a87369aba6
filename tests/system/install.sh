#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# What `cmake --install` puts into a directory works from there: the daemon finds the extensions
# installed beside it, weirctl has its completion and everybody his manual.
#
#	a --- pa [ br0, with an installed extension ] pb --- b
. "$(dirname "$0")/lib.sh"
need cmake

root=$work/root
built=$build
DESTDIR=$root cmake --install "$built" >"$work/installed" || fail "cmake --install: $(tail -n 3 "$work/installed")"

# installed PATTERN: the one installed file of that path; each must be there.
installed() {
	local found
	found=$(find "$root" -path "*/$1")
	[ "$(wc -w <<<"$found")" -eq 1 ] || fail "installed as $1: \"$found\", expected one file"
	echo "$found"
}
daemon=$(installed sbin/weir-switchd)
control=$(installed bin/weirctl)
unit=$(installed lib/systemd/system/weir-switchd.service)
for file in libweir.so.0 lib/sysusers.d/weir.conf include/weir/extension.h include/weir/embed.h; do
	installed "$file" >/dev/null
done
if command -v scdoc >/dev/null; then
	for page in man8/weir-switchd.8 man1/weirctl.1 man7/weir.7 man7/weir-extension.7; do
		installed "$page" >/dev/null
	done
fi
started=$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' "$unit")
equal "what the unit starts" "$root$started" "$daemon"

completion=$(installed bash-completion/completions/weirctl)
# shellcheck disable=SC2016 # it is for the other shell
words=$(PATH=$(dirname "$control"):$PATH bash --norc -c 'source "$1" && complete -p weirctl' - "$completion") ||
	fail "the completion cannot be sourced"
grep -q ' weirctl$' <<<"$words" || fail "the completion completes \"$words\""

# Every folder of extensions/ is shipped, and no extension of the tests.
for folder in "$top"/extensions/*/CMakeLists.txt; do
	[ -e "$folder" ] || continue
	name=$(basename "$(dirname "$folder")")
	installed "weir/extensions/$name.so" >/dev/null
done
equal "extensions of the tests that are installed" "$(find "$root" -name 'probe-*.so')" ""

# One that somebody puts there is found as well.
extensions=$(dirname "$(installed libweir.so.0)")/weir/extensions
install -D -m 755 "$built/tests/extensions/modules/nothing-1.so" "$extensions/nothing-1.so"

build=$work/bin
mkdir "$build"
ln -s "$daemon" "$control" "$build"
daemon_start
equal "version" "$("$daemon" --version)" "weir-switchd $(ctl --version | cut -d ' ' -f 2)"
ctl switch add br0
hosts_on_packet a b
ctl extension attach br0 nothing-1
equal "where the extension is from" "$(value '.[0].path' extension show nothing-1)" "$extensions/nothing-1.so"
pings a 10.7.0.2

# The module of the NIC kind dpdk stands beside the extensions.
if [ -e "$built/weir-dpdk.so" ]; then
	equal "where the module is" "$(installed weir/weir-dpdk.so)" "$(dirname "$extensions")/weir-dpdk.so"
	ctl port add br0 fast dpdk:net_null0,no-rx=1
	grep -q "/weir-dpdk.so" "/proc/$daemon_pid/maps" || fail "the module is not loaded"
	grep "/weir-dpdk.so" "/proc/$daemon_pid/maps" | grep -vF "$root" && fail "it is not the installed one"
fi
finish

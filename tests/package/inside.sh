#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# inside.sh PACKAGE...: what tests/package/run does in the clean root, as root, with those packages.
set -euo pipefail
cd /root
export LC_ALL=C.UTF-8
fail() { echo "inside.sh: FAILED: $*"; exit 1; }
quietly() { "$@" >log 2>&1 || { cat log; fail "$*"; }; }

# A program that embeds the switch, by pkg-config.
# shellcheck disable=SC2046 # words
quietly gcc -Wall -Werror -o embed embed.c $(pkg-config --cflags --libs weir)
quietly ./embed
grep -q '/libweir.so.0 ' <<<"$(ldd embed)" || fail "the program is not linked to libweir.so.0"
! ldd /usr/lib/*/weir/*.so /usr/lib/*/weir/*/*.so /usr/sbin/weir-switchd /usr/bin/weirctl | grep 'not found' ||
	fail "the packages do not depend on what is above"
getent group weir >/dev/null || fail "there is no group weir"

# The tutorial, as it is written.
# shellcheck source=/dev/null
source ./typing.bash
work=$PWD
type_document tutorial.md "$PWD/printed/tutorial.md"
[ "$n_commands" -ge 20 ] || fail "the tutorial has $n_commands commands"
diff -u <(stable tutorial.md) <(stable printed/tutorial.md) ||
	fail "the tutorial prints something else (- as written, + here)"
for _ in $(seq 100); do pidof weir-switchd >/dev/null || break && sleep 0.1; done
! pidof weir-switchd || fail "the tutorial leaves the daemon"

# Every class of extension is written, built and tested, and loads.
# shellcheck source=/dev/null
source /usr/share/bash-completion/completions/weirctl
read -ra classes <<<"$_weirctl_classes"
[ ${#classes[@]} -ge 4 ] || fail "there are only the classes ${classes[*]}"
weir-switchd --state none
weirctl switch add br0
for port in p0 p1; do weirctl port add br0 $port null; done
for class in "${classes[@]}"; do
	quietly weirctl extension new "own-$class" --class "$class"
	quietly cmake -S "own-$class" -B "own-$class/build"
	quietly cmake --build "own-$class/build"
	quietly ctest --test-dir "own-$class/build" --no-tests=error --output-on-failure
	quietly cmake --install "own-$class/build"
	quietly weirctl extension attach br0 "own-$class"
	quietly weirctl policy schema "own-$class"
done
lines=$(wc -l <own-filter/own_filter.c)
[ "$lines" -le 60 ] || fail "the filter has $lines lines"
quietly weirctl policy add p0 own-filter port=23
weirctl trace p0 'tcp 10.0.0.1:1 > 10.0.0.2:23 dst=02:00:00:00:00:02' >log
grep -q 'denied: a policy denies it' log || { cat log; fail "the filter does not decide"; }
loaded=$(weirctl extension list br0 | grep -c 'own-.*attached')
[ "$loaded" -eq ${#classes[@]} ] || fail "$loaded extensions are attached"
for name in acl guard; do quietly weirctl extension attach br0 $name; done
kill "$(pidof weir-switchd)"

# And the packages go without a trace.
rm -f /usr/lib/*/weir/extensions/own-*.so
DEBIAN_FRONTEND=noninteractive quietly apt-get purge -qy "$@"
left=$(find / -xdev \( -path /proc -o -path /dev -o -path /run -o -path /root -o -path /packages \) -prune -o -iname '*weir*' -print)
[ -z "$left" ] || fail "left behind: $left"
echo "$n_commands commands of the tutorial; ${#classes[@]} extensions built, tested and loaded"

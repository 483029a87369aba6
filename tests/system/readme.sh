#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# The commands in README.md, CONTRIBUTING.md and the extensions' own do what is printed there.
#
#	readme.sh [--write]	--write: puts what the commands print now into the documents
#
# A fenced block that begins with "console test" is typed line by line ("# " begins a command, ">"
# goes on with it) and its output compared, without what differs from run to run. A block "c FILE"
# or "diff FILE" becomes that file. The commands use the default socket and names that may be taken, so all of this
# runs in new namespaces for mounts, networks and processes, which take everything with them.
if [ "${1:-}" != inside ]; then
	unshare="unshare --mount --net --pid --fork --kill-child --mount-proc"
	if ! $unshare true 2>/dev/null; then
		echo "readme.sh: skipped: needs root and new namespaces" >&2
		exit 77
	fi
	exec $unshare "$0" inside "$@"
fi
. "$(dirname "$0")/lib.sh"
need cmake ctest diff gcc patch tshark
mount -t tmpfs tmpfs /run
ip link set lo up
unset WEIR_SOCKET

# Without this the hosts ask for each other's address again 5 s after the first frame.
calm_neighbours() {
	local name
	for name in $(ip netns list | cut -d ' ' -f 1); do
		ip netns exec "$name" sysctl -eqw net.ipv4.neigh.eth0.delay_first_probe_time=120
	done
}

# Runs the command collected in $command; what it prints goes to $printed.
run_command() {
	[ -n "$command" ] || return 0
	case $command in
	'weirctl switch remove '*)
		at_least "frames of the tour" "$(value '[.[].rx_frames] | add' switch list)" "$1"
		assert_conservation
		;;
	esac
	n_commands=$((n_commands + 1))
	eval "$command" >"$work/output" 2>&1 || true
	cat "$work/output" >>"$printed"
	command=
}

# run_document FILE LEAST_FRAMES: writes $printed, which is FILE with the output of this run.
run_document() {
	local line inside='' file=''
	command=
	n_commands=0
	printed=$work/printed/$1
	mkdir -p "${printed%/*}"
	: >"$printed"
	while IFS= read -r line <&3; do
		case $inside:$line in
		:'```console test') inside=console ;;
		:'```c '* | :'```diff '*) inside=file file=${line#* } && : >"$file" ;;
		console:'# '*) run_command "$2" && command=${line#\# } ;;
		console:'>'*) command+=$'\n'${line#>} ;;
		console:'```') run_command "$2" && calm_neighbours && inside='' ;;
		console:*) continue ;;
		file:'```') inside='' ;;
		file:*) printf '%s\n' "$line" >>"$file" ;;
		esac
		printf '%s\n' "$line" >>"$printed"
	done 3<"$top/$1"
	equal "$1: open block" "$inside" ""
}

# A document without times, dates, ephemeral ports, workers, what the sweep moves, sizes of files that
# name the machine, and widths.
stable() {
	sed -E 's/ time [0-9]+ms$/ time T/; s/^rtt .*/rtt T/
		s/^(flows|decisions|bytes) +[0-9]+$/\1 N/; s/l4_dst=[0-9]{5}/l4_dst=P/
		s/^(br0 +vm[0-9]) +[0-9]+ +([0-9]+ +[0-9]+) +[0-9]+/\1 W \2 AGE/
		s/^(br0 .*) [0-9]+ +no$/\1 AGE no/; s/[0-9]{4}(-[0-9]{2}){2} [0-9:]{8}/DATE/
		s/ +/ /g' "$1"
}

mkdir -p "$work/build" "$work/core"
ln -s "$build" "$work/build/release"
ln -s "$top/core/include" "$work/core/include"
# For the tutorial, what is installed with the SDK.
cmake -DBUILD="$build" -DPREFIX="$work/sdk" -P "$top/tests/sample/install_sdk.cmake"
export CMAKE_PREFIX_PATH=$work/sdk
cd "$work"
failed=
for document in README.md:8 CONTRIBUTING.md:0 extensions/README.md:0 extensions/acl/README.md:0 extensions/capture/README.md:0 extensions/guard/README.md:0; do
	run_document "${document%:*}" "${document#*:}"
	document=${document%:*}
	at_least "commands in $document" "$n_commands" 5
	eventually 10 "the commands of $document end the daemon" sh -c '! pidof weir-switchd'
	equal "namespaces left by $document" "$(ip netns list)" ""
	if [ "${2:-}" = --write ]; then
		cp "printed/$document" "$top/$document"
	elif ! diff -u <(stable "$top/$document") <(stable "printed/$document"); then
		failed+=" $document"
	fi
done
[ -z "$failed" ] || fail "other output than documented (- documented, + printed):$failed"
finished=1

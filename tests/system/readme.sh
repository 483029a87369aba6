#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# The commands in README.md, CONTRIBUTING.md and the extensions' own do what is printed there.
#
#	readme.sh [--write]	--write: puts what the commands print now into the documents
#
# Which blocks are typed, says typing.bash; their output is compared without what differs from run to run. The
# commands use the default socket and names that may be taken, so all of this runs in new namespaces for mounts,
# networks and processes, which take everything with them.
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

. "$here/typing.bash"
before_command() {
	case $1 in
	'weirctl switch remove '*)
		at_least "frames of the tour" "$(value '[.[].rx_frames] | add' switch list)" "$least_frames"
		assert_conservation
		;;
	esac
}
after_block() { calm_neighbours; }

mkdir -p "$work/build" "$work/core"
ln -s "$build" "$work/build/release"
ln -s "$top/core/include" "$work/core/include"
# For the tutorial, what is installed with the SDK.
cmake -DBUILD="$build" -DPREFIX="$work/sdk" -P "$top/tests/sample/install_sdk.cmake"
export CMAKE_PREFIX_PATH=$work/sdk
cd "$work"
failed=
for document in README.md:8 CONTRIBUTING.md:0 extensions/README.md:0 extensions/acl/README.md:0 extensions/capture/README.md:0 extensions/guard/README.md:0; do
	least_frames=${document#*:}
	document=${document%:*}
	type_document "$top/$document" "$work/printed/$document"
	equal "$document: open block" "$inside" ""
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

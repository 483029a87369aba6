# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# Types the commands of a document and writes down what they print, for readme.sh and for the clean root of
# tests/package. Sourced by bash; $work is a directory of the caller's.
#
# A fenced block that begins with "console test" is typed line by line ("# " begins a command, ">"
# goes on with it). A block "c FILE" or "diff FILE" becomes that file.
# shellcheck shell=bash disable=SC2154

# before_command COMMAND, after_block: what the caller does there besides.
before_command() { :; }
after_block() { :; }

run_command() {
	[ -n "$command" ] || return 0
	before_command "$command"
	n_commands=$((n_commands + 1))
	eval "$command" >"$work/output" 2>&1 || true
	cat "$work/output" >>"$printed"
	command=
}

# type_document FILE PRINTED: writes PRINTED, which is FILE with the output of this run, and counts in $n_commands.
# An open block is left in $inside.
type_document() {
	local line file=''
	inside=''
	command=
	n_commands=0
	printed=$2
	mkdir -p "${printed%/*}"
	: >"$printed"
	while IFS= read -r line <&3; do
		case $inside:$line in
		:'```console test') inside=console ;;
		:'```c '* | :'```diff '*) inside=file file=${line#* } && : >"$file" ;;
		console:'# '*) run_command && command=${line#\# } ;;
		console:'>'*) command+=$'\n'${line#>} ;;
		console:'```') run_command && after_block && inside='' ;;
		console:*) continue ;;
		file:'```') inside='' ;;
		file:*) printf '%s\n' "$line" >>"$file" ;;
		esac
		printf '%s\n' "$line" >>"$printed"
	done 3<"$1"
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

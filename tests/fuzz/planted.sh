#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# planted.sh COMPILER SOURCE_DIR WORK_DIR: is an over-read of one byte found by the corpus?
# Builds the replay of fuzz_parse with AddressSanitizer around copies of parse.c in each of which
# one bound is off by one, and expects every one of them to die of it; the unchanged one must pass.
# Exit code 77: the compiler has no AddressSanitizer.
set -u
compiler=$1 source=$2 work=$3
fuzz=$source/tests/fuzz

rm -rf "$work" && mkdir -p "$work" || exit 1
echo 'int main(void) { return 0; }' > "$work/empty.c"
if ! "$compiler" -fsanitize=address -o "$work/empty" "$work/empty.c" 2> "$work/empty.log"; then
	echo "skipped: $compiler cannot build with AddressSanitizer"
	exit 77
fi

build() { # name
	"$compiler" -std=gnu11 -D_GNU_SOURCE -O1 -g -fno-strict-aliasing -fsanitize=address \
		-I "$source/core/include" -I "$source/core" -I "$fuzz" -o "$work/$1" \
		-Wl,--gc-sections "$work/$1.c" "$work/key.o" "$work/session_frame.o" \
		"$work/session_key.o" "$work/fuzz_parse.o" "$work/replay.o" || exit 1
}

# What a session does with a frame is called by the target as far as it only reads the frame.
for file in "$source/core/datapath/key.c" "$source/core/datapath/session_frame.c" \
	"$source/core/datapath/session_key.c" "$fuzz/fuzz_parse.c" "$fuzz/replay.c"; do
	"$compiler" -std=gnu11 -D_GNU_SOURCE -O1 -g -fno-strict-aliasing -fsanitize=address \
		-ffunction-sections \
		-I "$source/core/include" -I "$source/core" -I "$fuzz" -c \
		-o "$work/$(basename "$file" .c).o" "$file" || exit 1
done

cp "$source/core/datapath/parse.c" "$work/right.c"
build right
if ! "$work/right" "$fuzz/corpus/parse" > "$work/right.log" 2>&1; then
	echo "the unchanged parser fails:"
	cat "$work/right.log"
	exit 1
fi

failed=0
plant() { # name, sed expression
	sed "$2" "$source/core/datapath/parse.c" > "$work/$1.c"
	if cmp -s "$source/core/datapath/parse.c" "$work/$1.c"; then
		echo "$1: nothing was planted: the expression fits no line of parse.c any more"
		failed=1
		return
	fi
	build "$1"
	if "$work/$1" "$fuzz/corpus/parse" > "$work/$1.log" 2>&1; then
		echo "$1: planted, and not found"
		failed=1
	elif ! grep -q '^READ of size' "$work/$1.log" ||
		! grep -q 'located 0 bytes \(to the right of\|after\)' "$work/$1.log"; then
		echo "$1: ended by something else:"
		cat "$work/$1.log"
		failed=1
	else
		echo "$1: found"
	fi
}

plant ethernet 's/frame->linear < ETH_HEADER/frame->linear + 1 < ETH_HEADER/'
plant tag 's/c->end - c->at < TAG_SIZE/c->end - c->at + 1 < TAG_SIZE/'
plant arp 's/c->end - arp < ARP_HEADER/c->end - arp + 1 < ARP_HEADER/'
plant ipv4-length 's/left < IPV4_HEADER/left < 3/'
plant ipv6 's/left < IPV6_HEADER/left + 1 < IPV6_HEADER/'
plant ipv6-options '0,/left < 8/s//left < 1/'
plant tcp-offset 's/left < need/left < 12/'
exit $failed

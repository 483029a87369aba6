#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# Addresses are learned, move, are flushed and age; static entries stay.
#
#	a --- pa [ br0 ] pb --- b
#	         [     ] pc --- c
. "$(dirname "$0")/lib.sh"

station=02:00:00:00:00:99
other=02:00:00:00:00:77

port_of() { value "[.[] | select(.mac == \"$1\") | .port] | join(\",\")" fdb list; }
is_at() { [ "$(port_of "$1")" = "$2" ]; }
# others HOST: the two beside it, separated by commas.
others() { case $1 in a) echo b,c ;; b) echo a,c ;; c) echo a,b ;; esac; }
# speaks_at HOST: the station sends a broadcast from there.
speaks_at() { frames "$1" $station ff:ff:ff:ff:ff:ff --among a,b,c --to "$(others "$1")"; }
# reached_at HOST: what is sent to the station from the two other hosts arrives there, only there.
reached_at() {
	local from number=0
	for from in a b c; do
		number=$((number + 1))
		[ "$from" = "$1" ] || frames $from 02:00:00:00:01:0$number $station --count 10 \
			--among a,b,c --to "$1"
	done
}

# begin [OPTION...]: a daemon with the three ports.
begin() {
	local name
	daemon_start "$@"
	ctl switch add br0
	for name in a b c; do ctl port add br0 p$name packet:s$name; done
}

namespace sw
for name in a b c; do host $name; done
begin

# Unknown: to everybody but the sender. Known: to its port alone.
frames a $other $station --count 10 --among a,b,c --to b,c
# (other is behind a since the frames before.)
frames b $station $other --among a,b,c --to a
reached_at b

# It moves a -> b -> a -> c; flows of both senders are cached at every step, and none goes on to the
# old place.
for place in a b a c a; do
	speaks_at $place
	reached_at $place
	equal "port of $station" "$(port_of $station)" p$place
done

# Flushed: flooded again until it speaks.
ctl fdb flush br0 --port pa
equal "port after the flush" "$(port_of $station)" ""
frames b $other $station --count 3 --among a,b,c --to a,c
speaks_at a

# Static: does not age, and does not move when another port shows the address.
ctl fdb add br0 $station pc
equal "static" "$(value ".[] | select(.mac == \"$station\") | .static" fdb list)" true
speaks_at a
equal "port of the static entry" "$(port_of $station)" pc
reached_at c
ctl fdb flush br0
equal "the static entry after a flush" "$(port_of $station)" pc
ctl fdb remove br0 $station
equal "the static entry after its removal" "$(port_of $station)" ""

# A port that goes takes its addresses along.
speaks_at b
equal "learned" "$(port_of $station)" pb
ctl port remove pb
equal "after the port" "$(port_of $station)" ""

# Aged: silent for four seconds and forgotten, and frames to it are flooded, cached flow or not.
assert_conservation
daemon_stop
rm -rf "$work/state"
begin --fdb-ageing-s 4
speaks_at a
frames b $other $station --count 3 --among a,b,c --to a
aged() { is_at $station ""; }
eventually 15 "the address ages" aged
frames b $other $station --count 3 --among a,b,c --to a,c
finish

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# Two workers: ports are served by both, frames pass from one to the other in order.
#
#	a 10.7.0.1 --- pa [     ] pb --- b 10.7.0.2
#	c 10.7.0.3 --- pc [ br0 ] pd --- d 10.7.0.4
. "$(dirname "$0")/lib.sh"

daemon_start --workers 2
ctl switch add br0
hosts_on_packet a b c d
equal "workers" "$(value length worker list)" 2
pings a 10.7.0.2 100
pings c 10.7.0.4 100

transfer a b 10.7.0.2 50 &
first=$!
transfer d c 10.7.0.3 50 &
second=$!
pids+=($first $second)
wait $first
wait $second
transfer a d 10.7.0.4 20
equal "workers that received frames" "$(workers_of)" 2
equal "flows' workers" "$(value '[.[].worker] | unique | length' flow list)" 2
equal "frames of the workers" "$(value '[.[].frames] | add > 0' worker list)" true

# A change reaches the flows of both.
ctl flow flush br0
pings a 10.7.0.2 100
pings c 10.7.0.4 100
ctl port remove pd
reaches c 10.7.0.4 && fail "a removed port still passes frames"
pings c 10.7.0.1 50
finish

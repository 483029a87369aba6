#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# NICs of the kind dpdk on interfaces of the kernel's: every pair of them reaches each other, with tags and
# without, and TCP arrives byte for byte. The interface of net_tap is the daemon's own side's.
#
#	a 10.7.0.1 --- net_af_xdp [ br0 ] net_tap --- dtap0 10.7.0.2, beside the daemon
#	c 10.7.0.3 --- net_af_packet [ br0 ] packet --- d 10.7.0.4
. "$(dirname "$0")/lib.sh"
need_tap
[ -e "$build/weir-dpdk.so" ] || skip "built without DPDK"

daemon_start --state none --workers 1 --dpdk "--no-pci --no-huge --no-shconf --no-telemetry -m 64" --dpdk-mbufs 8192
ctl switch add br0
plain=1 # neither af_xdp nor af_packet takes over unfinished checksums
for name in a c d; do host $name; done
address() { at "$1" ip address add "10.7.0.$3/24" dev "$2"; }
address a e 1
address c e 3
address d e 4

# take PORT NIC: or the kernel has no such thing.
take() {
	local sentence
	sentence=$(ctl port add br0 "$1" "$2" 2>&1) && return
	grep -q "$3" <<<"$sentence" || fail "$2: $sentence"
	skip "$sentence"
}
take pa dpdk:net_af_xdp0,iface=sa 'Driver cannot attach\|xsk_configure\|queues cannot be set up'
take pb dpdk:net_tap0,iface=dtap0 'TAP\|Driver cannot attach'
take pc dpdk:net_af_packet0,iface=sc 'Driver cannot attach'
ctl port add br0 pd packet:sd
at sw ip address add 10.7.0.2/24 dev dtap0

# One by one: after its first answer ping waits for the others twice as long as that one took, and no longer,
# which is not enough beside a worker that polls.
pairs() {
	local from to
	for from in a sw c d; do
		for to in 1 2 3 4; do
			case $from$to in a1 | sw2 | c3 | d4) continue ;; esac
			at "$from" ping -n -q -c 1 -W 5 "$1.$to" >/dev/null || fail "$from does not reach $1.$to"
		done
	done
}
pairs 10.7.0

# A tag is in the frame, also where the kernel has it beside.
broadcast=ff:ff:ff:ff:ff:ff
frames a "$(mac_of a)" $broadcast --tag 7 --count 5 --among c,d --to c:7,d:7
frames c "$(mac_of c)" $broadcast --tag 7 --tag 8 --among a,d --to a:7:8,d:7:8
frames d "$(mac_of d)" $broadcast --tag 7 --among a,c --to a:7,c:7

transfer a sw 10.7.0.2 2
transfer sw a 10.7.0.1 2
transfer c sw 10.7.0.2 2
transfer d a 10.7.0.1 2
# What a kernel leaves unfinished, net_tap finishes: these bytes pass only with the right checksums.
equal "who makes checksums" "$(value .nic_details port show pb | grep -o 'checksums=[a-z]*')" checksums=device
at d ethtool -K e tx on tso on gso on >/dev/null
transfer d sw 10.7.0.2 2

# What is given back can be had again, by the same name. (net_af_xdp of DPDK 22.11 keeps its interface's queue,
# and its buffers, until the process ends: see weir-switchd(8).)
for port in pa pb pc; do ctl port remove $port; done
at sw ip link show dtap0 >/dev/null 2>&1 && fail "dtap0 is left over"
take pb dpdk:net_tap0,iface=dtap0 "nothing may be in the way"
take pc dpdk:net_af_packet0,iface=sc "nothing may be in the way"
at sw ip address add 10.7.0.2/24 dev dtap0
at c ip neigh flush dev e # dtap0 has another address
at c ping -n -q -c 1 -W 5 10.7.0.2 >/dev/null || fail "c does not reach dtap0 when both were opened again"
finish

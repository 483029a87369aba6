#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# NICs of the kind dpdk: frames come byte for byte from a capture and go into one that tshark reads,
# across devices of DPDK's and to NICs of other kinds; a port comes, goes and comes again; at full
# rate every frame is accounted for. What cannot be had is refused with DPDK's own reason, and the
# daemon and its other ports go on. Without hugepages, and with them where there are some.
#
#	in.pcap --- in [ br0 ] out --- out.pcap		(net_pcap)
. "$(dirname "$0")/lib.sh"
need tshark

small="--no-pci --no-huge --no-shconf --no-telemetry -m 64"

# refused WHAT TEXT SPECIFICATION: no port is made, and a sentence with the text says why.
refused() {
	local what=$1 text=$2 specification=$3 sentence status=0
	sentence=$(ctl port add br0 px "$specification" 2>&1) || status=$?
	equal "$what: exit status" $status 1
	grep -qF -- "$text" <<<"$sentence" || fail "$what: \"$sentence\" does not say \"$text\""
	goes_on "$what"
}

# The daemon answers, and the ports that it had move frames.
goes_on() {
	equal "$1: state of the other port" "$(port_value other state)" connected
	ctl port remove px 2>/dev/null && fail "$1: the port was made"
	ctl port add br0 px "replay:$work/in.pcap"
	eventually 5 "$1: frames from another NIC" holds ".[] | select(.name == \"px\") | .rx_frames == $n_in" \
		port list
	ctl port remove px
}

details() { value .nic_details port show "$1" | tr ',' '\n' | sed -n "s/^ *$2=//p"; }

# switch_start OPTION...: a daemon, a switch, and a port that has nothing to do with DPDK.
switch_start() {
	daemon_start --state none --workers 1 "$@"
	ctl switch add br0
	ctl port add br0 other null
}

python3 - "$work/in.pcap" "$work/large.pcap" <<'END'
import struct, sys

def frame(i):  # UDP in IPv4, every third one tagged
    payload = bytes(i * k & 255 for k in range(18 + 29 * i))
    udp = struct.pack("!HHHH", 1000 + i, 53, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), i, 0, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    tag = b"\x81\0\0\7" if i % 3 == 0 else b""
    return b"\2\0\0\0\0\2\2\0\0\0\0\1" + tag + b"\x08\0" + ip + udp

def write(path, frames):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for f in frames:
            file.write(struct.pack("<IIII", 0, 0, len(f), len(f)) + f)

write(sys.argv[1], [frame(i) for i in range(50)])
write(sys.argv[2], [frame(0)] * 4000)
END
n_in=50

bytes_of() { tshark -r "$1" -T fields -e frame.len -e eth.dst -e eth.src -e vlan.id -e udp.srcport -e udp.payload; }

# Without the module: a tree that was moved as a whole, but for it.
mkdir "$work/moved"
cp "$build/weir-switchd" "$work/moved/"
module=$build/weir-dpdk.so
if [ ! -e "$module" ]; then
	switch_start
	refused "built without DPDK" "not built in" dpdk:net_null0
	finish
	exit 0
fi
switchd=$work/moved/weir-switchd switch_start
refused "no module" "weir-dpdk.so is not installed" dpdk:net_null0
echo "no shared object" >"$work/moved/weir-dpdk.so" # It is looked for anew.
refused "no module, but a file" "cannot be loaded" dpdk:net_null0
cp "$module" "$work/moved/.new"
mv "$work/moved/.new" "$work/moved/weir-dpdk.so"
ctl port add br0 px dpdk:net_null0,no-rx=1
ctl port remove px
daemon_stop

# EAL that does not start, tried once.
switch_start --dpdk "--no-pci --nonsense"
refused "wrong arguments" "EAL: Invalid 'command line' arguments" dpdk:net_null0
refused "the second time" "not tried again in this process" dpdk:net_null0
daemon_stop
switch_start --dpdk "--in-memory --no-huge"
refused "which arguments" "arguments, after EAL: Option --legacy-mem is not compatible with --in-memory" \
	dpdk:net_null0
daemon_stop
switch_start --dpdk "--help"
refused "EAL's help" "\"--help\" would end the process" dpdk:net_null0
daemon_stop
switch_start --dpdk "--no-pci --no-huge --no-shconf --no-telemetry -m 4"
refused "too little memory" "no memory for" dpdk:net_null0
daemon_stop

# Wrong devices, and one that is used.
switch_start --dpdk "$small" --dpdk-mbufs 4096
refused "form" "must begin with a device's name" dpdk:,x
refused "unknown device" 'failed to parse device "nosuch0"' dpdk:nosuch0
at sw ip link add eth7 type veth peer name eth8
refused "an interface" "eth7 is an interface of the kernel's: name a device of DPDK's on it, as dpdk:net_af_packet0,iface=eth7" dpdk:eth7
at sw ip link delete eth7
refused "unknown option" "Driver cannot attach the device (net_null0)" dpdk:net_null0,bogus=1
refused "no file" "Couldn't open /nonexistent" dpdk:net_pcap0,rx_pcap=/nonexistent
refused "no PCI" "with --no-pci (see weir-switchd --dpdk): EAL: Cannot find device (0000:00:1f.7)" dpdk:0000:00:1f.7
refused "larger than the pool" "capture's 4000 frames and 1024 more, but of the pool's 4096 only 4096" \
	"dpdk:net_pcap0,rx_pcap=$work/large.pcap,infinite_rx=1"
ctl port add br0 p1 dpdk:net_null0,copy=0,no-rx=1
refused "used" "port p1 of switch br0 has the device net_null0" dpdk:net_null0
refused "used, for a bond" "its device net_null0 is used by the NIC dpdk:net_null0,copy=0,no-rx=1" \
	dpdk:net_bonding0,mode=1,slave=net_null0
ctl port add br0 p2 dpdk:net_null0 --dry-run 2>/dev/null && fail "a dry run takes a device that is used"
ctl port remove p1

# EAL pins its own thread, and no other.
allowed() { sed -n 's/^Cpus_allowed_list:\t//p' "$1/status"; }
n_workers=0
for task in "/proc/$daemon_pid/task"/*; do
	case $(cat "$task/comm") in
	weir-worker-*) n_workers=$((n_workers + 1)) ;;
	weir-switchd) ;;
	*) continue ;;
	esac
	equal "CPUs of $(cat "$task/comm")" "$(allowed "$task")" "$(allowed /proc/self)"
done
equal "workers" $n_workers 1

sent_all() { [ "$(port_value out tx_frames)" = $n_in ]; }

# What goes in comes out. The port is removed and added again, by the same name.
for round in 1 2; do
	ctl port add br0 out "dpdk:net_pcap1,tx_pcap=$work/out.pcap"
	ctl port add br0 in "dpdk:net_pcap0,rx_pcap=$work/in.pcap"
	eventually 5 "frames in, round $round" sent_all
	equal "frames received" "$(port_value in rx_frames)" $n_in
	ctl port remove in
	ctl port remove out
	diff <(bytes_of "$work/in.pcap") <(bytes_of "$work/out.pcap") || fail "round $round: other frames came out"
done

# A wire from one switch to another.
ctl switch add br1
socket=socket=$work/memif.sock,socket-abstract=no
ctl port add br0 m0 "dpdk:net_memif0,role=server,id=0,$socket"
ctl port add br1 m1 "dpdk:net_memif1,role=client,id=0,$socket"
ctl port add br1 out "dpdk:net_pcap1,tx_pcap=$work/out.pcap"
link_up() { [ "$(details m0 link)$(details m1 link)" = upup ]; }
eventually 5 "the link of the wire" link_up
ctl port add br0 in "replay:$work/in.pcap"
eventually 5 "frames over the wire" sent_all
ctl port remove in
ctl port remove out
diff <(bytes_of "$work/in.pcap") <(bytes_of "$work/out.pcap") || fail "the wire: other frames came out"
ctl port remove m0
ctl port remove m1
# A device goes from one port to another, and has other arguments, in one change.
ctl port add br0 p1 dpdk:net_null0,no-rx=1
ctl port add br0 p2 null
ctl export >"$work/before.json"
edit() { jq "$1" "$work/before.json" >"$work/after.json"; }
edit '(.switches[0].ports[] | select(.name == "p1")).nic = "null" |
	(.switches[0].ports[] | select(.name == "p2")).nic = "dpdk:vdev:net_null0,no-rx=1,size=80"'
ctl apply "$work/after.json" --dry-run >/dev/null
ctl apply "$work/after.json" >/dev/null
moved() { [ "$(port_value p1 state)$(port_value p2 state)" = connectedconnected ]; }
eventually 5 "the device at its other port" moved
equal "what the port has" "$(details p2 device)" vdev:net_null0
edit '(.switches[0].ports[] | select(.name == "p1" or .name == "p2")).nic = "dpdk:net_null0,no-rx=1"'
sentence=$(ctl apply "$work/after.json" 2>&1) && fail "two ports get one device"
grep -qF 'port p1 of switch br0 has the device net_null0' <<<"$sentence" || fail "two ports: $sentence"
ctl port remove p1
ctl port remove p2

ctl port add br0 last dpdk:net_null0,no-rx=1
equal "mbufs free in the end" "$(details last mbufs_free)" 4096
assert_conservation
daemon_stop

# A device that could not be had is still its port's.
cp "$work/in.pcap" "$work/gone.pcap"
daemon_start --workers 1 --dpdk "$small"
ctl switch add br0
ctl port add br0 other null
ctl port add br0 p1 "dpdk:net_pcap3,rx_pcap=$work/gone.pcap"
daemon_stop
rm "$work/gone.pcap"
daemon_start --workers 1 --dpdk "$small"
equal "a port without its device" "$(port_value p1 state)" nic-lost
refused "lost" "port p1 of switch br0 has the device net_pcap3" "dpdk:net_pcap3,rx_pcap=$work/in.pcap"
daemon_stop

# At full rate, with the pool as large as it likes to be, with and without hugepages.
full_rate() {
	ctl port add br0 out dpdk:net_null2,copy=0,no-rx=1
	ctl port add br0 in "dpdk:net_pcap1,rx_pcap=$work/in.pcap,infinite_rx=1"
	eventually 10 "100000 frames" holds '.[] | select(.name == "out") | .tx_frames >= 100000' port list
	ctl port remove in
	equal "$1: lost" "$(value '[.[] | .dropped_frames] | add' port list)" 0
	equal "$1: mbufs free" "$(details out mbufs_free)" "$(details out mbufs)"
}
switch_start --dpdk "$small"
full_rate "without hugepages"
if [ "$(awk '/HugePages_Free/ { print $2 }' /proc/meminfo)" -ge 100 ]; then
	assert_conservation
	daemon_stop
	switch_start --dpdk-mbufs 8192
	refused "no PCI device" "Cannot find device (0000:00:1f.7)" dpdk:0000:00:1f.7
	grep -q "Probe PCI driver" "$work/log" && fail "a PCI device is taken that no port has"
	full_rate "with hugepages"
else
	say "there are no 100 free hugepages: only tested without"
fi
finish

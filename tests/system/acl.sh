#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# ACLs meet real traffic: prefixes, rules for ports, a port that denies what it has not asked for, path
# MTU discovery through it, a policer, and meters that agree with the port's own counts.
#
#	a 10.7.0.1 --- pa [ br0: acl ] pb --- b 10.7.0.2, 10.6.0.1 === MTU 1300 === c 10.6.0.2
. "$(dirname "$0")/lib.sh"
need nc iperf3 ethtool
use_extensions acl

# tries FROM ADDRESS PORT: whether a TCP connection comes about.
tries() { at "$1" nc -z -w 1 "$2" "$3" 2>/dev/null; }
passes() { tries "$1" "$2" "$3" || fail "$1 does not reach $2 port $3 $4"; }
blocked() { tries "$1" "$2" "$3" && fail "$1 reaches $2 port $3 $4"; true; }
cut_off() { reaches "$1" "$2" && fail "$1 reaches $2 $3"; true; }
add() { ctl policy add "$@" >/dev/null; }
listen() {
	background "$1" nc -lk "$2"
	eventually 10 "$1 listens on $2" at "$1" nc -z 127.0.0.1 "$2"
}

daemon_start --extensions "$extensions"
ctl switch add br0
hosts_on_packet a b
hosts+=(c)
namespace c
ip link add in netns "$prefix-c" type veth peer name out netns "$prefix-b"
at c ip address add 10.6.0.2/24 dev in
at b ip address add 10.6.0.1/24 dev out
at c ip link set in up
at b ip link set out mtu 1300 up # and c does not know
at b sysctl -qw net.ipv4.ip_forward=1
at a ip route add 10.6.0.0/24 via 10.7.0.2
at c ip route add default via 10.6.0.1
# Nothing but IP passes, so that meters and ports count the same.
at a ip neigh add 10.7.0.2 lladdr "$(mac_of b)" dev e nud permanent
at b ip neigh add 10.7.0.1 lladdr "$(mac_of a)" dev e nud permanent
for port in 25 80; do listen b $port; done
listen a 80
pings a 10.7.0.2
ctl extension attach br0 acl
pings a 10.7.0.2

# ---- The port ACL: the longest prefix, at once, in either direction
add pa acl direction=out action=deny remote=10.0.0.0/8 id=ten
cut_off a 10.7.0.2 "which is denied"
equal "whose drops" "$(value '[.[] | select(.reason == "denied") | .port + " " + .stage] | unique | join(",")' \
	drop list)" "pa ingress"
add pa acl direction=out action=allow remote=10.7.0.0/24 id=net
pings a 10.7.0.2
cut_off a 10.6.0.2 "which is not in the net"
ctl policy remove pa acl ten
pings a 10.6.0.2
add pb acl direction=in action=deny remote=10.7.0.1 id=not-a
cut_off a 10.7.0.2 "whose port denies it"
ctl policy remove pb acl not-a
ctl policy remove pa acl net
pings a 10.7.0.2

# ---- The extended ACL: ports
add pa acl.rule direction=out action=deny protocol=tcp remote_port=20-30 weight=10 id=smtp
blocked a 10.7.0.2 25 "with a rule against it"
passes a 10.7.0.2 80 "with a rule for others"
add pa acl.rule direction=out action=allow protocol=tcp remote=10.7.0.2 remote_port=25 weight=11 id=but
passes a 10.7.0.2 25 "with a rule of greater weight"
if sentence=$(ctl policy remove pa acl but 2>&1); then fail "a rule was removed as an entry"; fi
grep -q 'but.*is one of acl.rule, not of acl.acl: write acl.rule' <<<"$sentence" ||
	fail "the refusal to remove a rule as an entry: $sentence"
ctl policy remove pa acl.rule but
blocked a 10.7.0.2 25 "when that is gone"
ctl policy remove pa acl.rule smtp

# ---- Fragments: of a datagram of 4000 bytes the first of three alone has ports
add pa acl.rule direction=out action=allow protocol=udp remote_port=53 weight=12 id=dns
add pa acl.rule direction=out action=allow protocol=icmp icmp_type=8 weight=11 id=echo
add pa acl.rule direction=out action=deny weight=10 id=rest
add pa acl direction=out action=meter remote=any id=sent
at b timeout 30 python3 -c 'import socket
s = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
s[0].bind(("10.7.0.2", 53))
s[1].bind(("10.7.0.2", 54))
print("ready", flush=True)
for _ in range(20):
    datagram, sender = s[0].recvfrom(65536)
    assert len(datagram) == 4000
    s[0].sendto(b"whole", sender)
s[1].settimeout(0)
try:
    s[1].recv(65536)
except BlockingIOError:
    print("as allowed", flush=True)' >"$work/received" &
receiver=$!
eventually 10 "b receives" grep -q ready "$work/received"
dropped_before=$(dropped rule-denied)
# One after the other, with the same addresses.
at a python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(10)
for _ in range(20):
    s.sendto(b"x" * 4000, ("10.7.0.2", 54))
    s.sendto(b"x" * 4000, ("10.7.0.2", 53))
    assert s.recv(16) == b"whole"' || fail "b did not receive what is allowed, whole"
wait "$receiver" || fail "b received something else"
grep -q "as allowed" "$work/received" || fail "b received what is denied"
equal "denied fragments" "$(($(dropped rule-denied) - dropped_before))" 60
equal "metered fragments" "$(value '.[] | select(.id == "sent") | .frames' meter list)" 60
at a ping -n -q -c 3 -i 0.01 -s 4000 10.7.0.2 >/dev/null || fail "a ping in fragments, allowed by its type"
equal "fragments that were forgotten" "$(value '.[0].fragments_forgotten' switch list)" 0
# Another one is not of any of those; why, the trace says.
later="$(mac_of b | tr -d :)$(mac_of a | tr -d :)0800450000240009000340110000 0a0700010a070002"
trace=$(ctl trace pa "hex ${later// /}00000000000000000000000000000000")
for text in "a later fragment: as its first one, or else drop" "follow-first or drop rule-denied"; do
	grep -q "$text" <<<"$trace" || fail "the trace of a later fragment has no \"$text\": $trace"
done
for id in dns echo rest; do ctl policy remove pa acl.rule $id; done
ctl policy remove pa acl sent

# ---- A port that denies what it has not asked for
add pa acl.rule direction=out action=allow weight=10 stateful=true id=out
add pa acl.rule direction=in action=deny weight=1 id=closed
passes a 10.7.0.2 80 "from behind a closed port"
blocked b 10.7.0.1 80 "behind a closed port"
pings a 10.7.0.2
cut_off b 10.7.0.1 "behind a closed port"
at_least "sessions" "$(value length session list)" 2
equal "whose sessions" "$(value '[.[].extension] | unique | join(",")' session list)" acl
# Of a packet in fragments the first alone is the session's.
pings a 10.7.0.2 4 0.01 -s 4000
eventually 5 "7 pings are counted" holds '.[] | select(.key == "icmp 10.7.0.1 > 10.7.0.2 type 8") |
	.frames == 7 and .reverse_frames == 7' session list
background b iperf3 -s -1
eventually 10 "iperf3 listens" at b sh -c 'ss -tln | grep -q :5201'
at a iperf3 -c 10.7.0.2 -t 1 -J >"$work/iperf" || fail "iperf3: $(cat "$work/iperf")"
at_least "bytes through the closed port" "$(jq '.end.sum_received.bytes' "$work/iperf")" 1000000

# Path MTU discovery: what b says about too large packets is about a session.
report=$(at a ping -n -c 2 -i 0.2 -M do -s 1400 10.6.0.2 2>&1) && fail "a ping of 1400 bytes passed a link of 1300"
grep -q "mtu = 1300" <<<"$report" || fail "a was not told of the MTU: $report"
at a ip route flush cache
at a ip tcp_metrics flush all 2>/dev/null || true
transfer a c 10.6.0.2 4
grep -q "mtu 1300" <<<"$(at a ip route get 10.6.0.2)" || fail "a knows of no MTU: $(at a ip route get 10.6.0.2)"
equal "unrelated errors" "$(dropped unrelated)" 0
# And one about nothing that a said does not pass.
at b python3 - <<'END'
import socket, struct
def checksum(data):
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff
quoted = struct.pack(">BBHHHBBH4s4sHHHH", 0x45, 0, 1400, 1, 0x4000, 64, 17, 0, socket.inet_aton("10.7.0.1"),
                     socket.inet_aton("10.6.0.2"), 4444, 5555, 1380, 0)
icmp = struct.pack(">BBHHH", 3, 4, 0, 0, 600) + quoted
icmp = icmp[:2] + struct.pack(">H", checksum(icmp)) + icmp[4:]
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.sendto(icmp, ("10.7.0.1", 0))
END
eventually 10 "a forged error is dropped" sh -c "[ \"\$('$build/weirctl' drop list -j |
	jq '[.[] | select(.reason == \"unrelated\") | .frames] | add // 0')\" = 1 ]"
ctl policy remove pa acl.rule closed
passes b 10.7.0.1 80 "behind a port that is open again"
ctl policy remove pa acl.rule out

# ---- Meters agree with the port, whatever comes and goes
counted() { value ".[] | select(.id == \"$1\") | .$2" meter list; }
add pb acl direction=in action=meter remote=any id=in
add pb acl direction=out action=meter remote=any id=out
for id in in out; do equal "$id begins with" "$(counted $id frames)" 0; done
frames_before=$(port_value pb tx_frames) bytes_before=$(port_value pb tx_bytes)
pings a 10.7.0.2 200 0.002
transfer a b 10.7.0.2 8
add pb acl direction=in action=meter remote=10.7.0.0/24 id=more
transfer b a 10.7.0.1 8
ctl policy remove pb acl more
agree() {
	[ "$(counted in frames)" = $(($(port_value pb tx_frames) - frames_before)) ] &&
		[ "$(counted in bytes)" = $(($(port_value pb tx_bytes) - bytes_before)) ]
}
eventually 10 "the meter counts what the port sends" agree
at_least "metered bytes" "$(counted in bytes)" 8000000
ctl extension detach br0 acl
pings a 10.7.0.2
ctl extension attach br0 acl
add pb acl direction=in action=meter remote=any id=in
at_least "a meter that came back" "$(counted in bytes)" 8000000
all=$(ctl meter list --reset -j | jq '.[] | select(.id == "in") | .frames')
at_least "frames that were read" "$all" 400
equal "frames after the reset" "$(counted in frames)" 0
ctl policy remove pb acl in

# ---- A policer
add pb acl direction=in action=police remote=any rate=8mbit burst=64K id=slow
background b iperf3 -s -1
eventually 10 "iperf3 listens" at b sh -c 'ss -tln | grep -q :5201'
at a iperf3 -c 10.7.0.2 -t 3 -J >"$work/iperf" || fail "iperf3: $(cat "$work/iperf")"
at_most "bits per second" "$(jq '.end.sum_received.bits_per_second | floor' "$work/iperf")" 10000000
at_least "frames over the rate" "$(dropped over-rate)" 1
equal "whose they are" "$(value '.[] | select(.reason == "over-rate") |
	"\(.port) \(.policers[0].policer) \(.frames == .policers[0].frames)"' drop list)" "pb acl slow true"
# Programs and traces name it, and what later fragments pay to.
add pa acl.rule direction=out action=police rate=8mbit protocol=udp remote_port=99 weight=20 id=capped
trace=$(ctl trace pa "udp 10.7.0.1:1 > 10.7.0.2:99 fragment=first src=$(mac_of a) dst=$(mac_of b)")
for text in "passed by policer capped" "police capped" "remember police capped" "police slow, output pb"; do
	grep -q "$text" <<<"$trace" || fail "the trace has no \"$text\": $trace"
done
finish

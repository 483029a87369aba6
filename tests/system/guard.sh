#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# A guarded guest with real servers and made frames: what is its own passes, what is not is dropped
# under its reason. Each server is seen to reach the client once its guard is gone.
#
#	a 10.7.0.1, rogue servers ----- pa [          ]
#	s 10.7.0.2, the site's servers - ps [ br0: guard ] pc --- c, a client
. "$(dirname "$0")/lib.sh"
need dnsmasq radvd arping dhclient
/usr/bin/python3 -c 'import scapy.all' 2>/dev/null || skip "scapy is not installed"
use_extensions guard

# hear HOST: its interface takes part in IPv6.
hear() {
	at "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.e.disable_ipv6=0 \
		net.ipv6.conf.e.accept_ra="$2" net.ipv6.conf.all.forwarding="$3"
}
# serve_dhcp HOST FIRST LAST: dnsmasq there; $background.
serve_dhcp() {
	background "$1" dnsmasq --no-daemon --conf-file=/dev/null --port=0 --interface=e --bind-interfaces \
		--dhcp-authoritative --no-ping --user=root --pid-file= --dhcp-leasefile="$work/$1.leases" \
		--dhcp-range="$2,$3,255.255.255.0,1h" --log-facility="$work/$1.dnsmasq"
}
# advertise HOST PREFIX: radvd there; $background.
advertise() {
	cat >"$work/$1.radvd" <<-END
		interface e {
			AdvSendAdvert on;
			MinRtrAdvInterval 3;
			MaxRtrAdvInterval 4;
			prefix $2 { };
		};
	END
	background "$1" radvd -n -C "$work/$1.radvd" -p "$work/$1.radvd.pid" -m logfile -l "$work/$1.radvd.log"
}
# ask: the client asks for an address until it has one; $background.
ask() {
	rm -f "$work/lease"
	background c dhclient -4 -d -1 -cf /dev/null -sf /bin/true -lf "$work/lease" -pf "$work/dhclient.pid" e \
		2>>"$work/dhclient"
}
leased() { grep -q "fixed-address 10\.7\.0\.$1" "$work/lease"; }
has_address() { at c ip -6 address show dev e | grep -q "inet6 $1"; }
asked() { grep -q DHCPDISCOVER "$work/dhclient"; }
# at_least_dropped REASON COUNT
at_least_dropped() { [ "$(dropped "$1")" -ge "$2" ]; }
# refused KIND REASON: five such frames are dropped for it, and no others.
refused() {
	local before
	before=$(dropped "$2")
	"$here/guard_frames.py" "$prefix-a" "$1" "$(mac_of a)" 5 || fail "cannot send $1"
	eventually 10 "$1 is dropped as $2" at_least_dropped "$2" $((before + 5))
	equal "drops of $1" "$(dropped "$2")" $((before + 5))
}

daemon_start --extensions "$extensions"
ctl switch add br0
hosts_on_packet a s c
hear a 0 1
hear s 0 1
hear c 2 0
at a ip address add 2001:db8:7::1/64 dev e nodad
at c ip address flush dev e
at c ip link set e up
ctl extension attach br0 guard
ctl port set pa --mac "$(mac_of a)"
ctl policy add pa guard.mac >/dev/null
ctl policy add pa guard.ip address=10.7.0.1,2001:db8:7::/64 --id own >/dev/null
ctl policy add pa guard.dhcp --id dhcp >/dev/null
ctl policy add pa guard.router --id router >/dev/null
pings a 10.7.0.2

# DHCP: the site's server answers, the guest's is not heard.
serve_dhcp a 10.7.0.66 10.7.0.67
rogue=$background
eventually 10 "the guest serves" test -s "$work/a.dnsmasq"
ask
client=$background
eventually 10 "the client asks" asked
eventually 20 "the guest's offers are dropped" at_least_dropped dhcp-server 1
serve_dhcp s 10.7.0.100 10.7.0.101
site=$background
eventually 30 "the client has the site's address" leased 10
leased 6 && fail "the client has the guest's address"
end "$client"
end "$site"
ctl policy remove pa guard.dhcp dhcp
ask
client=$background
eventually 30 "without its guard, the guest serves" leased 6
end "$client"
end "$rogue"
ctl policy add pa guard.dhcp --id dhcp >/dev/null

# Routers.
advertise a 2001:db8:66::/64
rogue=$background
eventually 20 "the guest's advertisements are dropped" at_least_dropped router-advertisement 2
advertise s 2001:db8:77::/64
eventually 20 "the client has an address of the site" has_address 2001:db8:77:
has_address 2001:db8:66: && fail "the client has an address of the guest's"
ctl policy remove pa guard.router router
eventually 20 "without its guard, the guest advertises" has_address 2001:db8:66:
ctl policy add pa guard.router --id router >/dev/null
end "$rogue"

# Spoofing. (10.7.0.66 was the guest's to give, and is nobody's.)
before=$(dropped arp-spoof)
at a arping -q -c 3 -W 0.01 -i e -S 10.7.0.66 10.7.0.2 && fail "a spoofed ARP request is answered"
eventually 10 "spoofed ARP is dropped" at_least_dropped arp-spoof $((before + 3))
refused mac mac-spoof
refused ip ip-spoof
refused arp arp-spoof
refused arp-mac arp-spoof
refused na-mac nd-spoof
refused na-fragment nd-fragment
refused ra router-advertisement
refused ra-options router-advertisement
refused ra-tags router-advertisement
refused ra-fragment header-chain
refused ra-hidden hidden
refused redirect redirect
refused dhcp dhcp-server
refused dhcp6 dhcp-server
ctl policy add pa guard.ip address=10.7.0.1,2001:db8:7::1 --id own >/dev/null
refused ip6 ip-spoof
refused na nd-spoof
pings a 10.7.0.2
at a arping -q -c 1 -W 1 -i e 10.7.0.2 || fail "a guarded guest cannot ask for addresses"

# Storms: a second's worth passes at once, and what the seconds bring. The dead bands are wide: other
# frames of the guest are of the same kinds.
ctl policy add pa guard.storm broadcast=100 multicast=100 unknown_unicast=100 --id storm >/dev/null
for kind in broadcast multicast unknown; do
	reason=$kind-storm
	[ $kind = unknown ] && reason=unknown-unicast-storm
	began=$(date +%s)
	"$here/guard_frames.py" "$prefix-a" $kind "$(mac_of a)" 1000
	eventually 10 "$kind is limited" at_least_dropped "$reason" 500
	took=$(($(date +%s) - began + 2))
	at_most "$kind frames dropped" "$(dropped "$reason")" 1000
	at_least "$kind frames dropped in $took s" "$(dropped "$reason")" $((1000 - 125 - 100 * took))
done
pings a 10.7.0.2

# Learning.
ctl policy add pc guard.learn max=3 >/dev/null
at c ip link set e address 02:66:00:00:01:00
"$here/guard_frames.py" "$prefix-c" stations "$(mac_of c)" 1
eventually 10 "addresses are learned" holds 'map(select(.port == "pc")) | length == 3' fdb list

finish

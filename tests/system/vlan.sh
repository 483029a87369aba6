#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# VLANs keep hosts apart: access, trunk with an allowed list, native VLAN, and no VLAN.
#
#	a access 10 ---+          +--- t trunk 10,20,native 30
#	b access 10 ---+          +--- u trunk 20
#	c access 20 ---+-- br0 ---+--- n access 30
#	                          +--- o without VLANs (br1 of its own: o, p)
. "$(dirname "$0")/lib.sh"

broadcast=ff:ff:ff:ff:ff:ff
# sees FROM DST TAGS EXPECTED: what the hosts of br0 get of a frame.
sees() {
	frames "$1" "$(mac_of "$1")" "$2" $3 --count 5 --among a,b,c,t,u,n --to "$4"
}

daemon_start
ctl switch add br0
ctl switch add br1
for name in a b c t u n o p; do host $name; done
ctl port add br0 pa packet:sa --vlan 10
ctl port add br0 pb packet:sb --vlan 10
ctl port add br0 pc packet:sc --vlan 20
ctl port add br0 pt packet:st --vlan trunk:10,20,native:30
ctl port add br0 pu packet:su --vlan trunk:20
ctl port add br0 pn packet:sn --vlan 30

# Broadcasts stay in their VLAN; the trunks that allow it see them tagged.
sees a $broadcast "" b,t:10
sees c $broadcast "" t:20,u:20
sees n $broadcast "" t
sees t $broadcast "" n
sees t $broadcast "--tag 10" a,b
sees t $broadcast "--tag 20" c,u:20
sees u $broadcast "--tag 20" c,t:20
# Outside the allowed list, and without a native VLAN.
sees u $broadcast "--tag 10" ""
sees u $broadcast "" ""
sees t $broadcast "--tag 40" ""
# The native VLAN is sent untagged; a tag of it is accepted as the same VLAN.
sees t $broadcast "--tag 30" n

# What was learned in one VLAN is not known in another.
sees t "$(mac_of a)" "--tag 10" a
sees t "$(mac_of a)" "--tag 20" c,u:20
equal "VLANs in the FDB" "$(value '[.[] | select(.switch == "br0") | .vlan] | unique | tojson' \
	fdb list)" "[10,20,30]"

# A station on an access port may give a priority, but name no VLAN, not even its own.
sees a $broadcast "--tag 0" b,t:10
sees a $broadcast "--tag 20" ""
sees a $broadcast "--tag 10" ""

# Without VLANs frames pass as they are, tagged or not, the tag's priority too.
ctl port add br1 po packet:so
ctl port add br1 pp packet:sp
frames o 02:00:00:00:00:01 $broadcast --among p --to p
frames o 02:00:00:00:00:01 $broadcast --tag 77 --among p --to p:77
frames o 02:00:00:00:00:01 $broadcast --tag 77 --tag 78 --among p --to p:77:78

# A changed VLAN holds at once.
ctl port set pb --vlan 20
sees a $broadcast "" t:10
sees c $broadcast "" b,t:20,u:20

# Reserved addresses never leave the switch.
for last in 00 02 03 0e; do
	frames o 02:00:00:00:00:01 01:80:c2:00:00:$last --among p --to ""
done
equal "reserved-address" "$(dropped reserved-address)" 4
equal "vlan-not-allowed" "$(dropped vlan-not-allowed)" 10
equal "untagged-on-trunk" "$(dropped untagged-on-trunk)" 5
equal "tag-on-access-port" "$(dropped tag-on-access-port)" 10
finish

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# The daemon works with what its systemd unit leaves it: the capabilities, no memory that is both
# written and executed, no system call that the unit's filter lacks.
#
#	a --- pa [ br0, with an extension and a tap ] pb --- b
. "$(dirname "$0")/lib.sh"
need setpriv strace systemd-analyze
[ -z "${WEIR_SANITIZED:-}" ] || skip "a sanitizer is no daemon that the unit is for"

built=$build
unit=$build/core/switchd/weir-switchd.service
setting() { sed -n "s/^$1=//p" "$unit"; }
use_extensions nothing-1 no-telnet

# The kernel's own form of MemoryDenyWriteExecute=, PR_SET_MDWE of prctl(2), goes on to what is
# executed; older kernels do not have it.
cat >"$work/deny_wx.py" <<'PYTHON'
import ctypes, errno, os, sys
if ctypes.CDLL(None, use_errno=True).prctl(65, 1, 0, 0, 0) < 0 and ctypes.get_errno() != errno.EINVAL:
    sys.exit("prctl: " + os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[1], sys.argv[1:])
PYTHON
wx='import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)'
if python3 "$work/deny_wx.py" python3 -c "$wx" 2>/dev/null; then
	say "this kernel does not deny memory that is written and executed: not tested"
fi
# "CAP_NET_ADMIN CAP_CHOWN" becomes "-all,+net_admin,+chown".
bounds=-all$(setting CapabilityBoundingSet | tr ' ' '\n' | sed 's/^CAP_/,+/' | tr -d '\n' | tr '[:upper:]' '[:lower:]')
[ "$bounds" != -all ] || fail "the unit bounds no capabilities"

# What lib.sh takes for the daemon. strace -D stays behind it, so that the process is the daemon's.
mkdir "$work/bin"
cat >"$work/bin/weir-switchd" <<WRAPPER
#!/bin/sh
exec setpriv --no-new-privs --inh-caps=-all --bounding-set=$bounds python3 "$work/deny_wx.py" \\
	strace -D -f -c -U name -o "$work/calls" "$build/weir-switchd" "\$@"
WRAPPER
chmod 755 "$work/bin/weir-switchd"
ln -s "$build/weirctl" "$work/bin"
build=$work/bin

daemon_start --extensions "$extensions" --workers 2
# Not those of the test: seen to be without them.
bounded=$(awk '/^CapBnd/ { print $2 }' "/proc/$daemon_pid/status")
equal "capabilities" "$(awk '/^CapEff/ { print $2 }' "/proc/$daemon_pid/status")" "$bounded"
[ "$((16#$bounded & 1 << 21))" -eq 0 ] || fail "the daemon has CAP_SYS_ADMIN"

ctl switch add br0
hosts_on_packet a b
if [ -c /dev/net/tun ]; then
	ctl port add br0 tap tap:weirtap
	equal "the tap" "$(port_value tap state)" connected
fi
if [ -e "$built/weir-dpdk.so" ]; then
	ctl port add br0 fast dpdk:net_null0,no-rx=1
	ctl port add br0 ring dpdk:net_ring0
	equal "the dpdk NIC" "$(port_value fast state)" connected
	ctl port remove fast
	ctl port remove ring
fi
ctl extension attach br0 nothing-1
ctl extension attach br0 no-telnet
ctl policy add pa no-telnet port=80 action=count id=web
ctl fdb add br0 02:00:00:00:00:77 pb
pings a 10.7.0.2 10
transfer a b 10.7.0.2 1
for list in 'switch list' 'port list' 'flow list' 'meter list' 'drop list' 'fdb list' 'worker list'; do
	# shellcheck disable=SC2086 # two words
	ctl $list >/dev/null
done
ctl port remove pb
ctl policy remove pa no-telnet web
ctl extension detach br0 no-telnet
ctl extension unload no-telnet
finish
# An end of the daemon is no end of what is kept.
equal "switches removed in the log" "$(grep -c switch-removed "$work/log" || true)" 0

# expand SET: the system calls of one of systemd's sets, which may have others in it.
expand() {
	local word
	for word in $(systemd-analyze syscall-filter "$1" | sed -n 's/^    \([^#].*\)/\1/p'); do
		case $word in @*) expand "$word" ;; *) echo "$word" ;; esac
	done
}
for word in $(setting SystemCallFilter); do
	case $word in @*) expand "$word" ;; *) echo "$word" ;; esac
done | sort -u >"$work/allowed"
at_least "system calls allowed" "$(wc -l <"$work/allowed")" 200
eventually 20 "strace has counted" grep -q total "$work/calls"
awk 'NR > 2 && $1 ~ /^[a-z]/ && $1 != "total" { print $1 }' "$work/calls" | sort -u >"$work/made"
# DPDK's virtio driver asks for I/O ports as it is loaded; without CAP_SYS_RAWIO it goes without.
sed -i '/^iopl$/d' "$work/made"
at_least "different system calls made" "$(wc -l <"$work/made")" 30
equal "system calls that the unit forbids" "$(comm -23 "$work/made" "$work/allowed" | tr '\n' ' ')" ""

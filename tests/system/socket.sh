#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
#
# Whatever comes over the control socket, the daemon answers others meanwhile and loses no frame:
# garbage, truncated and oversized messages, clients that say nothing and clients that never read,
# descriptors that nobody asked for, documents that nobody applies. It keeps nothing of them. One client
# more than it takes is told so.
#
#	a 10.7.0.1 --- pa [ br0 ] pb --- b 10.7.0.2
. "$(dirname "$0")/lib.sh"

descriptors() { ls "/proc/$daemon_pid/fd" | wc -l; }

daemon_start
ctl switch add br0
hosts_on_packet a b
pings a 10.7.0.2
before=$(descriptors)

background a ping -n -q -i 0.001 -c 4000 -W 2 10.7.0.2 >"$work/ping"
ping=$background
python3 "$here/hostile_clients.py" "$WEIR_SOCKET" &
clients=$!
pids+=($clients)
asked=0
while kill -0 $clients 2>/dev/null; do
	ctl --timeout 5 port add br0 extra null
	ctl --timeout 5 port remove extra
	asked=$((asked + 1))
done
wait $clients || fail "the hostile clients were not turned away as expected"
wait $ping || fail "$(cat "$work/ping")"
grep -q "4000 received, 0% packet loss" "$work/ping" || fail "$(cat "$work/ping")"
at_least "honest changes meanwhile" $asked 3

closed() { [ "$(descriptors)" -le "$before" ]; }
eventually 10 "the connections are closed" closed
pings a 10.7.0.2 50

# As many clients as it takes, and one.
most=$(value .clients_max daemon show)
python3 - "$WEIR_SOCKET" "$most" "$work/connected" <<'PYTHON' &
import resource, signal, socket, sys
path, most, ready = sys.argv[1], int(sys.argv[2]), sys.argv[3]
resource.setrlimit(resource.RLIMIT_NOFILE, (most + 64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
clients = []
for _ in range(most):
    clients.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    clients[-1].connect(path)
open(ready, "w").close()
signal.pause()
PYTHON
clients=$!
pids+=($clients)
eventually 20 "the clients are there" test -e "$work/connected"
for _ in $(seq 20); do
	status=0
	said=$(ctl switch list 2>&1) || status=$?
	equal "exit status of one too many: $said" $status 1
	equal "what it is told" "$said" "weirctl: there are already $most clients, and no more are allowed"
done
end $clients
eventually 10 "the connections are closed" closed
equal "clients" "$(value .clients daemon show)" 1
finish

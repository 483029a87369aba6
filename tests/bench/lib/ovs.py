# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""OVS-DPDK as an instance of its own, so that the host's is not touched: database, sockets and logs in a directory, and
the taps that it makes (br0, ovs-netdev) in a network namespace that ends with it."""
import json
import os
import re
import socket

from lib.counts import Counts
from lib.processes import Process, run, wait_for
from lib.testpmd import EAL, devices

BINARY = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
MOST_FRAMES = 200000  # its pool has at most 262,144 buffers, which the capture is kept in


def parse_ports(text, received_by, sent_by):
    """(received, sent) from `dpctl/show -s`"""
    ports = {}
    for name, rx, tx in re.findall(r"port \d+: (\S+).*?RX packets:(\d+).*?TX packets:(\d+)", text, re.S):
        ports[name] = int(rx), int(tx)
    try:
        return ports[received_by][0], ports[sent_by][1]
    except KeyError as missing:
        raise RuntimeError(f"OVS: no statistics of port {missing} in: {text.strip()[-500:]}") from None


def parse_pmd(text):
    """{what: number} from `dpif-netdev/pmd-stats-show`, the first polling thread's"""
    own = text.split("main thread")[0]
    return {key: float(value) for key, value in re.findall(r"^\s+([a-z][^:\n]*): ([0-9.]+)", own, re.M)}


class Control:
    """Its control socket: JSON-RPC, one object each way, which is faster than a process of ovs-appctl."""

    def __init__(self, path):
        self.path = path

    def __call__(self, method, *params):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(self.path)
            connection.sendall(json.dumps({"id": 1, "method": method, "params": params}).encode())
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
                try:
                    answer = json.loads(answer)
                    break
                except ValueError:
                    continue
        if not isinstance(answer, dict) or answer.get("error"):
            raise RuntimeError(f"OVS {method}: {answer}")
        return answer["result"]


class Ovs:
    name = "ovs"

    def __init__(self, cores, directory, addresses):
        self.cores, self.addresses = cores, addresses
        self.directory = f"{directory}/ovs"
        self.processes = []

    def start(self, captures, n_mbufs):
        del n_mbufs  # OVS has as many as it wants
        os.makedirs(self.directory, exist_ok=True)
        env = {f"OVS_{kind}DIR": self.directory for kind in ("RUN", "DB", "LOG", "SYSCONF")}
        database, remote, log = f"{self.directory}/conf.db", f"unix:{self.directory}/db.sock", f"{self.directory}/log"
        if os.path.exists(database):
            os.remove(database)
        run("ovsdb-tool", "create", database, SCHEMA)
        self.processes.append(Process("ovsdb-server", database, f"--remote=p{remote}", "--pidfile",
                                      f"--unixctl={self.directory}/db.ctl", log=log, env=env))
        wait_for("ovsdb-server", 10, lambda: os.path.exists(f"{self.directory}/db.sock"))
        control = ("ovs-vsctl", "--timeout=60", f"--db={remote}")
        run(*control, "--no-wait", "init")
        run(*control, "--no-wait", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true",
            f"other_config:dpdk-lcore-mask={1 << self.cores.control:#x}",
            f"other_config:pmd-cpu-mask={1 << self.cores.polling[0]:#x}",
            f"other_config:dpdk-extra={' '.join(EAL)}")
        self.processes.append(Process("unshare", "--net", BINARY, remote, "--pidfile",
                                      f"--unixctl={self.directory}/ctl", log=log, env=env))
        self.control = Control(f"{self.directory}/ctl")
        inward, outward = devices(captures[0], 0)
        run(*control, "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=standalone",
            "--", "add-port", "br0", "in", "--", "set", "Interface", "in", "type=dpdk",
            f"options:dpdk-devargs=\"{inward}\"",
            "--", "add-port", "br0", "out", "--", "set", "Interface", "out", "type=dpdk",
            f"options:dpdk-devargs=\"{outward}\"")
        for port in ("in", "out"):
            error = run(*control, "get", "Interface", port, "error").strip()
            if error != "[]":
                raise RuntimeError(f"OVS: port {port}: {error}: {self.processes[-1].tail()}")
        self.threads = self.processes[-1].threads("pmd-c")
        for address in self.addresses:
            self.control("fdb/add", "br0", "out", "0", address)

    def counts(self):
        cpu_s = self.processes[-1].cpu_s(self.threads)
        return Counts(cpu_s, *parse_ports(self.control("dpctl/show", "-s", "netdev@ovs-netdev"), "in", "out"))

    def begin(self):
        self.control("dpif-netdev/pmd-stats-clear")

    def own_cycles(self):
        return parse_pmd(self.control("dpif-netdev/pmd-stats-show")).get("avg cycles per packet")

    def pause(self):
        self.processes[-1].pause()

    def resume(self):
        self.processes[-1].resume()

    def stop(self):
        for process in reversed(self.processes):
            process.stop()
        self.processes = []

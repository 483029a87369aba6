# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""OVS-DPDK as an instance of its own, so that the host's is not touched: database, sockets and logs in a directory, and
the taps that it makes (br0, ovs-netdev) in a network namespace that ends with it."""
import json
import os
import re
import socket

from lib import acl
from lib.counts import Switched
from lib.processes import Process, run, wait_for
from lib.testpmd import EAL, devices

BINARY = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
MOST_FRAMES = 200000  # its pool has at most 262,144 buffers, which the capture is kept in
EMC_FLOWS = 8192      # of its exact-match cache
# What its Documentation/topics/dpdk/bridge.rst advises where there are many more flows than that: no exact-match cache,
# which they would only thrash, and the signature match cache, which has a million places. (The AVX-512 parts that it
# names, too, are not in Debian's binary.)
MANY_FLOWS = ("other_config:emc-insert-inv-prob=0", "other_config:smc-enable=true")


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


class Ovs(Switched):
    def __init__(self, cores, directory, addresses, settings=(), name="ovs", rules=0):
        self.cores, self.addresses, self.settings, self.name = cores, addresses, settings, name
        self.rules = rules  # so many of lib/acl.py
        self.directory = f"{directory}/{name}"
        self.database = None
        self.cached = 0  # share of the frames for which the caches had the flow, when last asked

    def start(self, captures, n_mbufs):
        del n_mbufs  # OVS has as many as it wants
        os.makedirs(self.directory, exist_ok=True)
        env = {f"OVS_{kind}DIR": self.directory for kind in ("RUN", "DB", "LOG", "SYSCONF")}
        database, remote, log = f"{self.directory}/conf.db", f"unix:{self.directory}/db.sock", f"{self.directory}/log"
        if os.path.exists(database):
            os.remove(database)
        run("ovsdb-tool", "create", database, SCHEMA)
        self.database = Process("ovsdb-server", database, f"--remote=p{remote}", "--pidfile",
                                f"--unixctl={self.directory}/db.ctl", log=log, env=env)
        wait_for("ovsdb-server", 10, lambda: os.path.exists(f"{self.directory}/db.sock"))
        control = ("ovs-vsctl", "--timeout=60", f"--db={remote}")
        run(*control, "--no-wait", "init")
        run(*control, "--no-wait", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true",
            f"other_config:dpdk-lcore-mask={1 << self.cores.control:#x}",
            f"other_config:pmd-cpu-mask={1 << self.cores.polling[0]:#x}",
            f"other_config:dpdk-extra={' '.join(EAL)}", *self.settings)
        self.process = Process("unshare", "--net", BINARY, remote, "--pidfile",
                               f"--unixctl={self.directory}/ctl", log=log, env=env)
        self.control = Control(f"{self.directory}/ctl")
        inward, outward = devices(captures[0], 0)
        run(*control, "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=standalone",
            "protocols=OpenFlow13",
            "--", "add-port", "br0", "in", "--", "set", "Interface", "in", "type=dpdk",
            f"options:dpdk-devargs=\"{inward}\"",
            "--", "add-port", "br0", "out", "--", "set", "Interface", "out", "type=dpdk",
            f"options:dpdk-devargs=\"{outward}\"")
        for port in ("in", "out"):
            error = run(*control, "get", "Interface", port, "error").strip()
            if error != "[]":
                raise RuntimeError(f"OVS: port {port}: {error}: {self.process.tail()}")
        self.threads = self.process.threads("pmd-c")
        self.process.prefer_others(self.threads)
        for address in self.addresses:
            self.control("fdb/add", "br0", "out", "0", address)
        if self.rules:
            self.add_rules()

    def add_rules(self):
        openflow = ("ovs-ofctl", "-O", "OpenFlow13")
        bridge, path = f"unix:{self.directory}/br0.mgmt", f"{self.directory}/rules"
        with open(path, "w") as file:
            file.write(acl.openflow(acl.rules(self.rules)))
        run(*openflow, "add-meter", bridge, acl.METER)
        run(*openflow, "del-flows", bridge)
        run(*openflow, "add-flows", bridge, path)

    def count(self):
        return parse_ports(self.control("dpctl/show", "-s", "netdev@ovs-netdev"), "in", "out")

    def settled(self):
        """Its caches hold the flows as far as they will: the share of frames that they serve does not change.
        By default each frame that the exact-match cache does not know gets its flow in at a chance of 1 in 100."""
        before, pmd = self.cached, self.pmd()
        self.begin()
        self.cached = (pmd["emc hits"] + pmd["smc hits"]) / max(pmd["packets received"], 1)
        return abs(self.cached - before) < 0.01

    def denies(self):
        return self.rules > 0

    def begin(self):
        self.control("dpif-netdev/pmd-stats-clear")

    def pmd(self):
        return parse_pmd(self.control("dpif-netdev/pmd-stats-show"))

    def own_cycles(self):
        return self.pmd().get("avg cycles per packet")

    def stop(self):
        super().stop()
        if self.database:
            self.database.stop()
        self.process = self.database = None

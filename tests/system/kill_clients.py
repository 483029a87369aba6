#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""kill_clients.py BUILD DIRECTORY EXTENSIONS ROUNDS [SEED]

Runs a daemon on one state directory and kills it with SIGKILL at ROUNDS random moments, while clients
change what is theirs and frames pass a meter. Every client keeps a model of what was acknowledged.
After each restart:
- what was acknowledged is there, and nothing else of the client's but, perhaps, the one change that
  was not answered, and that one whole;
- the twelve policies that a transaction gives one value have one value;
- the meter has lost at most what it counted in the last second.
"""
import os
import random
import subprocess
import sys
import threading
import time

from protocol import Client, Gone, Refused, field, message, singular

BUILD, DIRECTORY, EXTENSIONS, ROUNDS = sys.argv[1:4] + [int(sys.argv[4])]
SEED = int(sys.argv[5]) if len(sys.argv) > 5 else random.randrange(1 << 32)
SOCKET = f"{DIRECTORY}/kill.sock"
N_CLIENTS, PPS, BATCH = 4, 20000, 12
START_LIMIT_S = 60


def block(port, count=False):
    return field(1, port) + (field(2, 1) if count else b"")


def export(client):
    """Everything that is wanted: name -> value."""
    items = {}
    for row in client.ask("export"):
        (kind, body), = singular(row).items()
        item = singular(body)
        if kind == 3:
            name, value = ("port", item[2]), (item.get(4), item.get(6, 0), item.get(9, 0))
        elif kind == 4:
            name, value = ("policy", item[1], item[4]), item.get(5, b"")
        elif kind == 5:
            name, value = ("fdb", item[2]), item[3]
        else:
            continue
        items[name] = value
    return items


class Changer:
    """One client: one change at a time, each acknowledged before the next."""

    def __init__(self, number):
        self.random = random.Random(f"{SEED}/{number}")
        self.prefix = f"c{number}-"
        self.number = number
        self.wanted = {}
        self.doubt = None  # the model after the change that was not answered
        self.acknowledged = self.values = 0

    def is_mine(self, name):
        key = name[1].decode()
        return key.startswith(self.prefix) or key.startswith(f"02:00:00:00:{self.number:02x}:")

    def ports(self):
        return [name[1] for name in self.wanted if name[0] == "port"]

    def choose(self):
        """A random change: (request, body) pairs of one transaction, and the model after it."""
        after = dict(self.wanted)
        ports, kind = self.ports(), self.random.randrange(10)
        port = self.random.choice(ports) if ports else None
        self.values += 1
        if port is None or kind == 0 and len(ports) < 6:
            name = f"{self.prefix}{self.random.randrange(1000)}".encode()
            if ("port", name) in after:
                return None
            after["port", name] = (None, 0, 0)
            return [("port_add", message("br0", name, "null"))], after
        if kind == 1 and len(ports) > 3:
            for name in [name for name in after if name[1] == port or after[name] == port]:
                del after[name]
            return [("port_remove", message(port))], after
        vlan, mtu, off = after["port", port]
        if kind == 2:
            vlan = str(self.random.randrange(1, 4095)).encode()
            after["port", port] = (vlan, mtu, off)
            return [("port_set", message(port, vlan))], after
        if kind == 3:
            mtu = self.random.randrange(100, 9000)
            after["port", port] = (vlan, mtu, off)
            return [("port_set", field(1, port) + field(4, mtu))], after
        if kind == 4:
            after["port", port] = (vlan, mtu, 1 - off)
            return [("port_connect" if off else "port_disconnect", message(port))], after
        if kind == 5:
            mac = f"02:00:00:00:{self.number:02x}:{self.random.randrange(8):02x}".encode()
            if ("fdb", mac) in after:
                del after["fdb", mac]
                return [("fdb_remove", message("br0", mac))], after
            after["fdb", mac] = port
            return [("fdb_add", message("br0", mac, port))], after
        if kind == 6:
            items = b""
            for i in range(BATCH):
                body = block(1 + self.values % 65535)
                after["policy", port, b"t%d" % i] = body
                items += field(1, field(4, message(port, "no-telnet", "block", b"t%d" % i, body)))
            return [("apply_add", items), ("apply_commit", b"")], after
        name = ("policy", port, b"p%d" % self.random.randrange(6))
        if name in after and kind == 7:
            del after[name]
            return [("policy_remove", message(port, "no-telnet", None, name[2]))], after
        after[name] = block(1 + self.values % 65535)
        return [("policy_add", message(port, "no-telnet", None, name[2], after[name]))], after

    def run(self):
        """Until the daemon goes away."""
        try:
            client = Client(SOCKET)
            while True:
                change = self.choose()
                if not change:
                    continue
                requests, self.doubt = change
                for request, body in requests:
                    client.ask(request, body)
                self.wanted, self.doubt = self.doubt, None
                self.acknowledged += 1
        except Gone:
            pass

    def check(self, there):
        mine = {name: value for name, value in there.items() if self.is_mine(name)}
        if mine == self.doubt:
            self.wanted = self.doubt
        self.doubt = None
        if mine != self.wanted:
            lost = {n: v for n, v in self.wanted.items() if mine.get(n) != v}
            more = {n: v for n, v in mine.items() if self.wanted.get(n) != v}
            raise SystemExit(f"client {self.number}: acknowledged and not there: {lost}; there: {more}")
        for port in self.ports():
            values = {mine.get(("policy", port, b"t%d" % i)) for i in range(BATCH)}
            if len(values) != 1:
                raise SystemExit(f"half a transaction on {port}: {values}")


class Meter:
    """What the meter said, and when."""

    def __init__(self):
        self.samples = []

    def read(self, client):
        for row in client.ask("meter_list"):
            meter = singular(row)
            if meter.get(4) == b"traffic":
                return meter.get(5, 0)
        return None

    def run(self):
        try:
            client = Client(SOCKET)
            while True:
                asked = time.monotonic()
                self.samples.append((asked, self.read(client)))
                time.sleep(0.02)
        except Gone:
            pass

    def check(self, client, killed_at):
        restored = self.read(client)
        if restored is None:
            raise SystemExit("the meter is not there")
        # What was counted in the second before the end may be gone; what was counted before may not.
        last = self.samples[-1] if self.samples else None
        self.samples = [sample for sample in self.samples if sample[0] <= killed_at - 1]
        least = max((frames for _, frames in self.samples), default=0)
        if restored < least:
            raise SystemExit(f"the meter has {restored} frames, and had {least} a second before the end")
        if last and restored > last[1] + int((killed_at - last[0] + 1) * PPS * 2):
            raise SystemExit(f"the meter has {restored} frames, and can only have had some {last[1]}")
        self.samples.append((time.monotonic(), restored))


def start():
    return subprocess.Popen(
        [f"{BUILD}/weir-switchd", "--foreground", "--socket", SOCKET, "--state", f"{DIRECTORY}/state",
         "--extensions", EXTENSIONS], stderr=open(f"{DIRECTORY}/log", "a", encoding="utf-8"))


def connect(daemon):
    end = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end:
        if daemon.poll() is not None:
            raise SystemExit(f"the daemon does not start: exit status {daemon.returncode}")
        try:
            return Client(SOCKET)
        except Gone:
            time.sleep(0.002)
    raise SystemExit("the daemon does not answer")


def make_world(client):
    client.ask("switch_add", message("br0"))
    client.ask("extension_attach", message("br0", "no-telnet"))
    client.ask("port_add", message("br0", "out", "null"))
    client.ask("fdb_add", message("br0", "02:00:00:00:ff:02", "out"))
    client.ask("port_add", message("br0", "in", f"replay:{DIRECTORY}/traffic.pcap,loop,pps={PPS}"))
    client.ask("policy_add", message("in", "no-telnet", None, "traffic", block(80, True)))


def main():
    print(f"seed {SEED}", flush=True)
    moments = random.Random(SEED)
    changers = [Changer(number) for number in range(N_CLIENTS)]
    meter = Meter()
    early = 0
    daemon = start()
    try:
        make_world(connect(daemon))
        for number in range(ROUNDS):
            threads = [threading.Thread(target=one.run, daemon=True) for one in [*changers, meter]]
            for thread in threads:
                thread.start()
            # Now and then a life long enough for the meter's second to matter.
            time.sleep(moments.uniform(1.2, 2.2) if number % 12 == 5 else moments.uniform(0, 0.25))
            daemon.kill()
            killed_at = time.monotonic()
            daemon.wait()
            for thread in threads:
                thread.join(START_LIMIT_S)
            daemon = start()
            # Some die again while they restore; what they restore from is the same.
            while moments.random() < 0.2:
                time.sleep(moments.uniform(0, 0.06))
                daemon.kill()
                daemon.wait()
                early += 1
                daemon = start()
            client = connect(daemon)
            meter.check(client, killed_at)
            there = export(client)
            client.close()
            for one in changers:
                one.check(there)
    finally:
        daemon.terminate()
        status = daemon.wait()
    if status:
        raise SystemExit(f"exit status {status} at the end")
    done = sum(one.acknowledged for one in changers)
    if done < ROUNDS:
        raise SystemExit(f"only {done} changes were acknowledged in {ROUNDS} rounds: nothing is shown")
    print(f"{ROUNDS} kills and {early} during a restart; {done} acknowledged changes, none lost")


try:
    main()
except Refused as refusal:
    raise SystemExit(f"refused: {refusal}") from refusal

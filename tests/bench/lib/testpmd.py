# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""DPDK's testpmd in io mode: it looks at no byte of a frame, and so is the limit for a switch."""
import re

from lib.counts import Switched
from lib.processes import Dialogue

BINARY = "dpdk-testpmd"
# No telemetry: its socket is shared by all, and starting beside a stopped process would wait for that for ever.
EAL = ("--no-pci", "--in-memory", "--no-telemetry")
WORKERS = ("rte-worker", "dpdk-worker", "lcore-worker")  # as releases of DPDK name them
BURST = 64      # frames at once, as many as Weir takes: a limit that takes 32, its default, is no limit for it
RESERVE = 8192  # mbufs beside those that hold the capture: bursts and the pool's caches


def devices(capture, pair):
    """In and out, the same for every system: a capture that repeats without end, and nowhere."""
    return f"net_pcap{2 * pair},rx_pcap={capture},infinite_rx=1", f"net_null{2 * pair + 1},copy=0,no-rx=1"


def parse_stats(text):
    """(received by even ports, sent by odd ones) from `show port stats all`"""
    received = sent = None
    ports = re.findall(r"statistics for port (\d+).*?RX-packets: (\d+).*?TX-packets: (\d+)", text, re.S)
    for port, rx, tx in ports:
        if int(port) % 2 == 0:
            received = (received or 0) + int(rx)
        else:
            sent = (sent or 0) + int(tx)
    if received is None or sent is None:
        raise RuntimeError(f"testpmd: no statistics of ports in: {text.strip()[-500:]}")
    return received, sent


def parse_cycles(text):
    """Cycles per packet by --record-core-cycles, which leaves the loop around the ports out."""
    match = re.search(r"CPU cycles/packet=([0-9.]+)", text)
    return float(match[1]) if match else None


class Testpmd(Switched):
    def __init__(self, cores, directory, name="testpmd"):
        self.cores, self.directory, self.name = cores, directory, name

    def start(self, captures, n_mbufs):
        cores = (self.cores.control, *self.cores.polling[:len(captures)])
        lcores = ",".join(f"{i}@{core}" for i, core in enumerate(cores))
        vdevs = [f"--vdev={device}" for pair, path in enumerate(captures) for device in devices(path, pair)]
        self.process = Dialogue(
            "stdbuf", "-oL", BINARY, "--lcores", lcores, *EAL, *vdevs, "--", "-i", f"--nb-cores={len(captures)}",
            "--forward-mode=io", f"--burst={BURST}", f"--total-num-mbufs={n_mbufs + RESERVE}",
            "--record-core-cycles", "--auto-start", "--stats-period=0", "--no-flush-rx", prompt="testpmd> ",
            log=f"{self.directory}/{self.name}.log")
        self.process.read_prompt(120)
        self.threads = self.process.threads(WORKERS)
        self.process.prefer_others(self.threads)

    def count(self):
        return parse_stats(self.process.ask("show port stats all"))

    def begin(self):
        self.process.ask("clear fwd stats all")

    def own_cycles(self):
        return parse_cycles(self.process.ask("show fwd stats all"))

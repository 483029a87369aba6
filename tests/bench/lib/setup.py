# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""How fast Weir decides flows that it has never seen: a capture in which every frame is one, once, native replay."""
import dataclasses

from lib.captures import Shape
from lib.processes import wait_for
from lib.weir import READS, Variant, Weir

VARIANT = Variant("setup", dpdk=False, policies=READS, loop=False)


@dataclasses.dataclass(frozen=True)
class Setup:
    flows: int
    decided: int           # the others were shed
    per_second: float
    drops: dict            # {reason: frames}


def rate(samples):
    """Decisions per second in the middle of [(CPU seconds, decisions)], where it neither begins nor ends."""
    most = samples[-1][1]
    inner = [(when, n) for when, n in samples if 0.1 * most <= n <= 0.9 * most]
    if len(inner) < 2:
        raise RuntimeError(f"only {len(inner)} samples of {most} decisions: the capture is too short")
    (began, first), (ended, last) = inner[0], inner[-1]
    return (last - first) / (ended - began)


def once(build, cores, directory, files, n_flows):
    shape = Shape(n_flows, shuffled=True)
    system = Weir(VARIANT, build, cores, directory, (shape,))
    samples = []

    def ended():
        cpu_s = system.process.cpu_s(system.threads)
        row = system.ask("switch", "show", "br0")
        samples.append((cpu_s, row["decisions"]))
        return row["rx_frames"] >= n_flows

    try:
        system.start([files.path(shape)], 0)
        wait_for(f"{n_flows} new flows", 60, ended)
        drops = {row["reason"]: row["frames"] for row in system.ask("drop", "list") if row["frames"]}
    finally:
        system.stop()
    return Setup(n_flows, samples[-1][1], rate(samples), drops)

# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""Several systems side by side: all are started, then one at a time runs for a moment while the others are
stopped (SIGSTOP), in turn, round after round. So all have the same core, and what else the machine does
hits all of them."""
import contextlib
import dataclasses
import os
import time

from lib import captures
from lib.counts import measure

MOST_LOST = 0.001  # of the frames; more is told, since a frame thrown away is cheaper than one forwarded
# Each system runs alone for as long before the first round, and longer until it says that it is as it will be.
SETTLE_S, SETTLE_STEP_S, MOST_SETTLE_S = 1.0, 0.2, 90


@dataclasses.dataclass(frozen=True)
class Entry:
    """A system, what feeds it (a capture for each of its pairs of ports), and on how many cores."""
    system: object
    shapes: tuple

    def n_frames(self):
        return sum(shape.n_frames() for shape in self.shapes)

    def denied(self):
        """The share of the frames that this system's rules deny."""
        return self.shapes[0].denied() if self.system.denies() else 0.0


@dataclasses.dataclass
class Rounds:
    """What a system showed in all rounds of a case."""
    name: str
    n_cores: int
    windows: list = dataclasses.field(default_factory=list)
    note: str = ""
    denied: float = 0.0  # share of the frames that rules deny

    def cycles(self, hz):
        return [window.cycles(hz) for window in self.windows]

    def rates(self):
        return [window.rate(self.n_cores) for window in self.windows]

    def own(self):
        return [window.own_cycles for window in self.windows]

    def not_sent(self):
        """Share of the frames, those that rules deny included."""
        return sum(w.received - w.sent for w in self.windows) / sum(w.received for w in self.windows)


class Captures:
    """Files of shapes, made when they are first asked for."""

    def __init__(self, directory):
        self.directory = directory

    def path(self, shape):
        path = f"{self.directory}/{shape.name()}.pcap"
        if not os.path.exists(path):
            captures.write(path, shape)
        return path

    def forget(self, shape):
        path = f"{self.directory}/{shape.name()}.pcap"
        if os.path.exists(path):
            os.remove(path)


def settle(system):
    system.resume()
    began = time.monotonic()
    while True:
        time.sleep(SETTLE_STEP_S)
        settled, ran_s = system.settled(), time.monotonic() - began
        if ran_s > MOST_SETTLE_S or (settled and ran_s >= SETTLE_S):
            break
    system.pause()


def begin(entry, files):
    entry.system.start([files.path(shape) for shape in entry.shapes], entry.n_frames())
    entry.system.pause()
    settle(entry.system)


def note(system):
    system.resume()
    try:
        return system.note()
    finally:
        system.pause()


def compare(entries, files, n_rounds, window_s):
    """[Rounds], one for each of the entries, in their order."""
    rounds = [Rounds(entry.system.name, len(entry.shapes), denied=entry.denied()) for entry in entries]
    with contextlib.ExitStack() as stack:
        for entry in entries:
            stack.callback(entry.system.stop)
            begin(entry, files)
        for i in range(n_rounds):
            for j in range(len(entries)):  # each is first once
                turn = (i + j) % len(entries)
                rounds[turn].windows.append(measure(entries[turn].system, window_s))
        for entry, result in zip(entries, rounds):
            result.note = note(entry.system)
            lost = result.not_sent() - entry.denied()
            if abs(lost) > MOST_LOST:
                result.note = f"{result.note} {lost:.1%} of the frames lost".strip()
    return rounds

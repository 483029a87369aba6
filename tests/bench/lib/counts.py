# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""What is asked of every system in the same way: how many frames went in and out, and when."""
import dataclasses
import time

WARM_S = 0.15  # after a pause: the caches are another system's


@dataclasses.dataclass
class Counts:
    time: float    # s, monotonic
    received: int  # frames, from the devices in front
    sent: int      # frames, to the devices behind


@dataclasses.dataclass
class Window:
    """One measurement."""
    seconds: float
    received: int
    sent: int
    own_cycles: float | None  # what the system itself says, where it does

    def cycles(self, tsc_hz, n_cores=1):
        """Cycles of all polling cores per frame: they are never idle, so that all of them count."""
        return n_cores * tsc_hz * self.seconds / self.received

    def lost(self):
        return 1 - self.sent / self.received


def measure(system, seconds):
    system.resume()
    try:
        time.sleep(WARM_S)
        system.begin()
        before = system.counts()
        time.sleep(seconds)
        after = system.counts()
        window = Window(after.time - before.time, after.received - before.received, after.sent - before.sent,
                        system.own_cycles())
    finally:
        system.pause()
    if window.received <= 0:
        raise RuntimeError(f"{system.name}: no frame within {seconds} s")
    return window

# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""What is asked of every system in the same way: how many frames went in and out, and for how long its polling threads
had a core. They are never idle, so that all of this time counts; that of other programs on the same core does not."""
import dataclasses
import time

WARM_S = 0.15  # after a pause: the caches are another system's


@dataclasses.dataclass
class Counts:
    cpu_s: float   # of all polling threads, when the frames were counted
    received: int  # frames, from the devices in front
    sent: int      # frames, to the devices behind


@dataclasses.dataclass
class Window:
    """One measurement."""
    cpu_s: float
    received: int
    sent: int
    own_cycles: float | None  # what the system itself says, where it does

    def cycles(self, tsc_hz):
        """Per frame."""
        return tsc_hz * self.cpu_s / self.received

    def rate(self, n_cores):
        """Frames per second when nothing else uses the cores."""
        return n_cores * self.received / self.cpu_s


class Switched:
    """All systems, as they are asked and told. `process` is what is paused, `threads` are those that poll."""
    process = None
    threads = ()

    def count(self):
        """(received, sent), as the system itself counts"""
        raise NotImplementedError

    def counts(self):
        """The answer takes a moment, longer where a polling thread shares the core of whoever answers: what the threads
        have had by then is taken for half of what they had meanwhile."""
        before = self.process.cpu_s(self.threads)
        received, sent = self.count()
        return Counts((before + self.process.cpu_s(self.threads)) / 2, received, sent)

    def settled(self):
        """Whether it is as it will be: asked again and again while it runs, SETTLE_STEP_S apart."""
        return True

    def denies(self):
        """Whether it has rules that deny some of the frames."""
        return False

    def begin(self):
        """A turn begins."""

    def own_cycles(self):
        """Per frame of this turn by its own account; None: it has none."""
        return None

    def note(self):
        """What the numbers do not tell; it is not paused."""
        return ""

    def pause(self):
        self.process.pause()

    def resume(self):
        self.process.resume()

    def stop(self):
        if self.process:
            self.process.stop()


def measure(system, seconds):
    system.resume()
    try:
        time.sleep(WARM_S)
        system.begin()
        before = system.counts()
        time.sleep(seconds)
        after = system.counts()
        window = Window(after.cpu_s - before.cpu_s, after.received - before.received, after.sent - before.sent,
                        system.own_cycles())
    finally:
        system.pause()
    if window.received <= 0 or window.cpu_s <= 0:
        raise RuntimeError(f"{system.name}: {window.received} frames in {window.cpu_s} s")
    return window

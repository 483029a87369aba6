# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""Processes that are started, paused, and always ended, each by its own pid."""
import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
NICE_OF_CONTROL = -20
LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getpriority(os.PRIO_PROCESS, 0) < 0:  # ours is not theirs
        os.setpriority(os.PRIO_PROCESS, 0, 0)


def run(*command, timeout=60, **options):
    """A command's output; what it said when it fails."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {done.returncode}: {done.stdout.strip()[-2000:]}")
    return done.stdout


def wait_for(what, seconds, condition):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {seconds} s")
        time.sleep(0.01)


class Process:
    """A program in a session of its own, so that Ctrl-C reaches it only through stop(). It does not outlive us."""

    def __init__(self, *command, log, env=None, interactive=False):
        self.log = log
        with open(log, "ab") as file:
            self.popen = subprocess.Popen(
                [str(word) for word in command], start_new_session=True, preexec_fn=die_with_parent,
                env=None if env is None else os.environ | env,
                stdin=subprocess.PIPE if interactive else subprocess.DEVNULL,
                stdout=subprocess.PIPE if interactive else file, stderr=file)
        self.pid = self.popen.pid
        self.paused = False

    def check(self):
        if self.popen.poll() is not None:
            raise RuntimeError(f"{self.popen.args[0]} ended with {self.popen.returncode}: {self.tail()}")

    def tail(self):
        with open(self.log, errors="replace") as file:
            return file.read()[-2000:].strip()

    def pause(self):
        self.popen.send_signal(signal.SIGSTOP)
        self.paused = True

    def resume(self):
        self.check()
        self.popen.send_signal(signal.SIGCONT)
        self.paused = False

    def threads(self, prefixes):
        """Ids of the threads whose names begin with one of these, in the order of the names. At least one."""
        names = {}
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{thread}/comm") as file:
                names[int(thread)] = file.read().strip()
        found = sorted((thread for thread in names if names[thread].startswith(prefixes)), key=names.get)
        if not found:
            raise RuntimeError(f"{self.popen.args[0]}: of its threads ({', '.join(names.values())}) "
                               f"none is one of {prefixes}")
        return found

    def cpu_s(self, threads):
        """Seconds that threads have been on a CPU so far, exact to the kernel's tick."""
        total = 0
        for thread in threads:
            with open(f"/proc/{self.pid}/task/{thread}/schedstat") as file:
                total += int(file.read().split()[0])
        return total / 1e9

    def prefer_others(self, polling):
        """Has all other threads run at once when they want to: they answer, while those that poll never rest."""
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            if int(thread) not in polling:
                with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                    os.setpriority(os.PRIO_PROCESS, int(thread), NICE_OF_CONTROL)

    def stop(self):
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGCONT)
            self.popen.terminate()
            try:
                self.popen.wait(10)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        for end in (self.popen.stdin, self.popen.stdout):
            if end:
                try:
                    end.close()
                except BrokenPipeError:
                    pass


class Dialogue(Process):
    """An interactive program with a prompt."""

    def __init__(self, *command, prompt, log):
        super().__init__(*command, log=log, interactive=True)
        self.prompt = prompt.encode()
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.popen.stdout, selectors.EVENT_READ)
        self.pending = b""

    def read_prompt(self, seconds):
        """What it says up to its prompt."""
        end = time.monotonic() + seconds
        while self.prompt not in self.pending:
            left = end - time.monotonic()
            if left <= 0 or not self.selector.select(left):
                raise RuntimeError(f"{self.popen.args[0]}: no prompt within {seconds} s: {self.text()[-2000:]}")
            piece = os.read(self.popen.stdout.fileno(), 65536)
            if not piece:
                self.popen.wait()
                raise RuntimeError(f"{self.popen.args[0]} ended with {self.popen.returncode}: "
                                   f"{self.text()[-2000:]} {self.tail()}")
            self.pending += piece
        said, self.pending = self.pending.split(self.prompt, 1)
        return said.decode(errors="replace")

    def text(self):
        return self.pending.decode(errors="replace").strip()

    def ask(self, line, seconds=10):
        self.popen.stdin.write(f"{line}\n".encode())
        self.popen.stdin.flush()
        return self.read_prompt(seconds)

    def stop(self):
        self.selector.close()
        super().stop()

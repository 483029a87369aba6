# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""The machine: its description, cores, hugepages, and the packages that the peers come from."""
import dataclasses
import os
import re
import shutil
import sys
import time

from lib import ovs, testpmd
from lib.processes import run

PACKAGES = {"dpdk": testpmd.BINARY, "openvswitch-switch-dpdk": ovs.BINARY}
NR_HUGEPAGES = "/proc/sys/vm/nr_hugepages"


@dataclasses.dataclass(frozen=True)
class Cores:
    control: int    # everything else, this program too
    polling: tuple  # the first for what is measured on one core


def choose_cores(wanted):
    """From `--cores 0,1[,2]`: control, polling, a second polling core. With two, control shares with the second."""
    there = sorted(os.sched_getaffinity(0))
    try:
        cores = [int(word) for word in wanted.split(",")] if wanted else there[:3]
    except ValueError:
        sys.exit(f"--cores \"{wanted}\": must be CONTROL,POLLING[,SECOND], such as 0,1")
    missing = [core for core in cores if core not in there]
    if missing or len(cores) < 2 or len(set(cores)) < len(cores):
        sys.exit(f"--cores {wanted or cores}: two or three different ones of {', '.join(map(str, there))} are needed")
    return Cores(cores[0], (cores[1], cores[2] if len(cores) > 2 else cores[0]))


def missing_packages():
    return [package for package, program in PACKAGES.items() if not shutil.which(program)]


def install():
    missing = missing_packages()
    if missing:
        run("apt-get", "update", "-q", timeout=600)
        run("apt-get", "install", "-q", "-y", "--no-install-recommends", *missing, timeout=1800,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})


def tsc_hz():
    """Linux computes BogoMIPS from the rate of the TSC: two per cycle. None where there is no such counter."""
    with open("/proc/cpuinfo") as file:
        info = file.read()
    match = re.search(r"^bogomips\s*: ([0-9.]+)", info, re.M)
    return float(match[1]) / 2 * 1e6 if match and "constant_tsc" in info else None


def version(*command):
    match = re.search(r"\d+\.\d+[-.\w]*", run(*command))
    return match[0] if match else "unknown"


def package_version(package):
    return run("dpkg-query", "-W", "-f", "${Version}", package).strip()


def describe(build, hz):
    with open("/proc/cpuinfo") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    with open("/proc/meminfo") as file:
        memory = int(re.search(r"MemTotal:\s*(\d+)", file.read())[1])
    return {
        "cpu": model[1].strip() if model else os.uname().machine,
        "cores": os.cpu_count(),
        "tsc_mhz": round(hz / 1e6),
        "memory_gib": round(memory / 2**20, 1),
        "kernel": re.match(r"[\d.]+", os.uname().release)[0],
        "weir": version(f"{build}/weir-switchd", "--version"),
        **{package: package_version(package) for package in PACKAGES if package not in missing_packages()},
        "date": time.strftime("%Y-%m-%d"),
    }


def meminfo(key):
    with open("/proc/meminfo") as file:
        return int(re.search(rf"^{key}:\s*(\d+)", file.read(), re.M)[1])


class Hugepages:
    """Reserves what is missing; gives it back at the end."""

    def __init__(self):
        self.before = 0
        if os.path.exists(NR_HUGEPAGES):  # else the kernel has none
            with open(NR_HUGEPAGES) as file:
                self.before = int(file.read())

    def free_mib(self):
        if not os.path.exists(NR_HUGEPAGES):
            return 0
        return meminfo("HugePages_Free") * meminfo("Hugepagesize") // 1024

    def set(self, pages):
        with open(NR_HUGEPAGES, "w") as file:
            file.write(str(pages))

    def need(self, mib):
        """Whether there are so many free ones now. Never takes more than half of the memory that is available."""
        missing = mib - self.free_mib()
        if os.path.exists(NR_HUGEPAGES) and 0 < missing < meminfo("MemAvailable") // 2048:
            self.set(meminfo("HugePages_Total") + -(-missing * 1024 // meminfo("Hugepagesize")))
        return self.free_mib() >= mib

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if os.path.exists(NR_HUGEPAGES) and meminfo("HugePages_Total") != self.before:
            self.set(self.before)

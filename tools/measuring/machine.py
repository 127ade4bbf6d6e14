# SPDX-License-Identifier: Apache-2.0
"""The machine: processors, hugepages of our own, what it is called in a result."""

import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from testing.interruption import held

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build-fast"  # of tools/build, as the package is built
PAGES = Path("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")
PAGE_MB = 2


class BenchError(Exception):
    """Something could not be set up or run; the message says what to do."""


def processors() -> tuple:
    """Of the device under test and of the generator: two different ones."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise BenchError("two processors are needed, one for each side; this process may use "
                         f"{len(allowed)} (taskset -cp $$)")
    return allowed[-1], allowed[0]


def worker_processors(count: int) -> list:
    """For so many workers beside the generator."""
    free = sorted(os.sched_getaffinity(0))[1:]
    if len(free) < count:
        raise BenchError(f"{count} workers and the generator need {count + 1} processors")
    return free[::-1][:count]


def described() -> dict:
    model = ""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return {"processor": model, "processors": os.cpu_count(), "kernel": platform.release(),
            "load_average": os.getloadavg()[0],
            "time": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())}


class Hugepages:
    """So many more 2 MB pages, in a mount of our own; leaving gives back both."""

    def __init__(self, megabytes: int):
        self.wanted = (megabytes + PAGE_MB - 1) // PAGE_MB
        self.taken = 0  # pages
        self.folder = None
        self.before = None

    def __enter__(self) -> "Hugepages":
        self.before = int(PAGES.read_text())
        try:
            PAGES.write_text(str(self.before + self.wanted))
            self.taken = self.more_than_before()
            if self.taken < self.wanted:
                raise BenchError(f"the kernel gave {self.taken * PAGE_MB} MB of {self.wanted * PAGE_MB} MB "
                                 "in hugepages; free memory, or echo 1 > /proc/sys/vm/compact_memory")
            with held():
                self._mount()
        except BaseException:
            with held():
                # Whoever is interrupted while the kernel looks for pages has some of them.
                self.taken = self.taken or min(self.wanted, self.more_than_before())
                self.close()
            raise
        return self

    def _mount(self) -> None:
        folder = tempfile.mkdtemp(prefix="linehunt-huge-")
        told = subprocess.run(["mount", "-t", "hugetlbfs", "-o", "pagesize=2M", "none", folder],
                              capture_output=True, text=True)
        if told.returncode != 0:
            os.rmdir(folder)
            raise BenchError(f"hugetlbfs cannot be mounted: {told.stderr.strip()}")
        self.folder = folder

    def more_than_before(self) -> int:
        return max(0, int(PAGES.read_text()) - self.before)

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        with held():
            try:
                self._unmount()
            finally:
                self._give_back()

    def _unmount(self) -> None:
        if self.folder:
            # Even where somebody still looks into it: the pages below must be given back.
            if subprocess.run(["umount", self.folder], capture_output=True).returncode != 0:
                subprocess.run(["umount", "-l", self.folder], capture_output=True)
            try:
                os.rmdir(self.folder)
            except OSError as failure:
                print(f"tools/bench: left behind: {failure}", file=sys.stderr)
            self.folder = None

    def _give_back(self) -> None:
        if self.before is not None:
            # Relative, since somebody else may have taken some meanwhile.
            PAGES.write_text(str(max(0, int(PAGES.read_text()) - self.taken)))
            self.before = None


class SysctlAtLeast:
    """A limit of the kernel raised to that value; leaving puts back what it was."""

    def __init__(self, name: str, least: int):
        self.file = Path("/proc/sys") / name.replace(".", "/")
        self.least = least

    def __enter__(self) -> None:
        self.before = self.file.read_text()
        if int(self.before) < self.least:
            self.file.write_text(str(self.least))

    def __exit__(self, *_) -> None:
        self.file.write_text(self.before)


def stop(process: subprocess.Popen, limit_s: float = 20) -> int:
    """Ends a process that we started, in whatever state it is. By SIGINT: at SIGTERM linehunt would
    wait for the calls that it holds."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def wait_for(what, limit_s: float, failure: str) -> None:
    deadline = time.monotonic() + limit_s
    while not what():
        if time.monotonic() > deadline:
            raise BenchError(failure)
        time.sleep(0.05)


def descendants(pid: int) -> list:
    """The process and its children, as far down as they go."""
    found = [pid]
    for each in found:
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            try:
                found += [int(child) for child in task.read_text().split()]
            except OSError:
                pass
    return found


def cpu_seconds(pids: list) -> tuple:
    """Of all threads of these processes: in their own code, and in the kernel's for them."""
    own = kernel = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        own += int(fields[11])
        kernel += int(fields[12])
    ticks = os.sysconf("SC_CLK_TCK")
    return own / ticks, kernel / ticks


class Stopwatch(threading.Thread):
    """Reads the processor time of processes now and then, so that it can be told afterwards for a
    time that only then is known."""

    INTERVAL_S = 0.2

    def __init__(self, pids: list):
        super().__init__(daemon=True)
        self.pids = pids
        self.readings = []  # (monotonic time, own, kernel)
        self.ending = threading.Event()

    def run(self) -> None:
        while True:
            self.readings.append((time.monotonic(), *cpu_seconds(self.pids)))
            if self.ending.wait(self.INTERVAL_S):
                return

    def __enter__(self) -> "Stopwatch":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.ending.set()
        self.join()

    def between(self, begin: float, end: float) -> tuple:
        """(elapsed, own, kernel) seconds between the first and the last reading in that time."""
        inside = [each for each in self.readings if begin <= each[0] <= end]
        if len(inside) < 2:
            raise BenchError(f"no processor times between {begin:.2f} and {end:.2f} s")
        return tuple(last - first for first, last in zip(inside[0], inside[-1]))


def memory_mb(pid: int) -> float:
    """What the process has in memory, its hugepages included."""
    total = 0
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(("VmRSS:", "HugetlbPages:")):
            total += int(line.split()[1])
    return total / 1024


def preemptions(pid: int) -> int:
    """How often the threads of the process were put off their processor against their will."""
    count = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("nonvoluntary_ctxt_switches:"):
                count += int(line.split()[1])
    return count

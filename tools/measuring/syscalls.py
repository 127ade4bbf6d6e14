# SPDX-License-Identifier: Apache-2.0
"""System calls and allocations of a packet worker while calls go through it: none. Watched from
outside: strace counts for the worker's thread, and a preloaded library counts the allocations of
each thread. The control thread, which has both, shows that either would have been seen."""

import re
import signal
import struct
import subprocess
from functools import partial
from pathlib import Path

from .calls import ENDED
from .machine import BUILD, BenchError, stop, wait_for
from .programs import Cast, Device, generate, linehunt_says, start_linehunt, temporary_folder
from .results import Results, figure
from .trust import TRIES, spoilt_by, tried, wrong_in

COUNTER = BUILD / "tests/bench/libcount_allocations.so"
RATE, HELD = 10_000, 10_000


class Strace:
    """Counts the system calls of one thread from __enter__ to __exit__."""

    def __init__(self, thread: int, file: Path):
        self.thread, self.file = thread, file
        self.by_name = {}

    def __enter__(self) -> "Strace":
        self.process = subprocess.Popen(["strace", "-c", "-o", str(self.file), "-p", str(self.thread)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        status = Path(f"/proc/{self.thread}/status")
        try:
            wait_for(lambda: self.process.poll() is not None
                     or f"TracerPid:\t{self.process.pid}\n" in status.read_text(), 10,
                     f"strace did not attach to thread {self.thread}")
            if self.process.poll() is not None:
                raise BenchError(f"strace: {self.process.stderr.read().strip()}")
        except BaseException:
            stop(self.process)
            raise
        return self

    def __exit__(self, *_) -> None:
        self.process.send_signal(signal.SIGINT)
        stop(self.process)
        self.process.stderr.close()
        # "% time  seconds  usecs/call  calls  [errors]  syscall"; nothing where there were none.
        for line in self.file.read_text().splitlines():
            row = re.fullmatch(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)(?:\s+\d+)?\s+(\w+)", line)
            if row and row[2] != "total":
                self.by_name[row[2]] = int(row[1])


def allocations(file: Path) -> dict:
    """Thread -> allocations and releases so far."""
    pairs = struct.iter_unpack("=QQ", file.read_bytes())
    return {thread: count for thread, count in pairs if thread}


def threads(device: Device) -> tuple:
    """The control thread and the worker's."""
    pid = device.process.pid
    workers = [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()
               if "worker" in (task / "comm").read_text()]
    if len(workers) != 1:
        raise BenchError(f"linehunt has {len(workers)} threads that are called workers, not one")
    return pid, workers[0]


def received(folder) -> int:
    """Packets that linehunt's workers have had from their devices."""
    return linehunt_says(folder, "stats")["linehunt:rx_packets"]


def observed(cast: Cast, seconds: float) -> dict:
    """Calls through a linehunt of their own, and what its two threads did meanwhile."""
    with temporary_folder() as folder:
        counts = folder.path / "allocations"
        environment = ("env", f"LD_PRELOAD={COUNTER}", f"ALLOCATION_COUNTS={counts}")
        with start_linehunt(folder, folder.memif("server"), cast, HELD + ENDED,
                            prefix=environment) as device:
            control, worker = threads(device)
            with Strace(control, folder.path / "control.strace") as of_control, \
                    Strace(worker, folder.path / "worker.strace") as of_worker:
                before, packets = allocations(counts), received(folder)
                linehunt_says(folder, "list")
                told = generate(folder, folder.memif("client"), cast,
                                ["--rate", str(RATE), "--held", str(HELD), "--seconds", str(seconds),
                                 "--lossy"])
                linehunt_says(folder, "list")
                after, packets = allocations(counts), received(folder) - packets
            device.must_run()
    allocated = {thread: after[thread] - before.get(thread, 0) for thread in after}
    return {"told": told, "packets": packets, "control thread": of_control.by_name,
            "worker": of_worker.by_name,
            "allocations": {"worker": allocated.get(worker, 0),
                            "control thread": allocated.get(control, 0)}}


def spoilt(found: dict) -> str:
    """What went wrong with the calls, in the step or around it."""
    told = found["told"]
    if told["went_through"]:
        return ""
    step = told["steps"][0]
    return (spoilt_by(step) if not step["passed"] else "") or \
        f"not all went well while filling and winding up: {wrong_in(told['outside']) or 'calls were left'}"


def run(results: Results, quick: bool) -> None:
    found, why = tried(partial(observed, Cast(), 3 if quick else 10), spoilt, TRIES, "syscalls")
    if why:
        raise BenchError(f"the calls went wrong, so the counts are of something else: {why}")
    allocated = found["allocations"]
    if not found["control thread"] or not allocated["control thread"]:
        raise BenchError("nothing was counted of the control thread either, so the counts are worth "
                         f"nothing: {found['control thread']}, {allocated}")
    results.add(
        figure("syscalls: messages through the worker meanwhile", [found["packets"]], ""),
        figure("syscalls: system calls of the worker", [sum(found["worker"].values())], "", "lower"),
        figure("syscalls: allocations of the worker", [allocated["worker"]], "", "lower"))
    results.details["syscalls"] = {name: found[name] for name in
                                   ("worker", "control thread", "allocations", "packets")}

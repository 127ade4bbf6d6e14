# SPDX-License-Identifier: Apache-2.0
"""The programs of a measurement: linehunt as the device under test, testpmd as the ceiling, and the
generator."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from testing.interruption import held

from .machine import (BUILD, BenchError, Hugepages, descendants, memory_mb, preemptions,
                      processors, stop, wait_for, worker_processors)

LINEHUNT = BUILD / "control/linehunt"
CONTROL = BUILD / "tools/linehuntctl"
PKTGEN = BUILD / "tools/pktgen/linehunt-pktgen"
DPDK_FOLDERS = Path("/var/run/dpdk")
NETWORK = "10.9.0"
DEVICE = f"{NETWORK}.1"
CALLERS = (f"{NETWORK}.10", f"{NETWORK}.11")
FIRST_BOX = 21
MEMIF_SLOTS = 10  # 1024 buffers each way, as many as rx_descriptors has by default
LINES = 2_000_000_000
# Of linehunt: as much as any of the measurements needs.
LIMITS = {"transactions_per_worker": 100_000, "destinations": 16_384, "slots": 40_000}
FULL = 0.99  # of the calls that are to be held; the generator's own limit
KINDS = {"pstn": "4930#######", "vm": "VM_#######"}


@dataclass
class Cast:
    """Who takes calls: `boxes` addresses with `ports` destinations each, and what they offer."""

    boxes: int = 4
    ports: int = 1

    def offers(self, box: int) -> list:
        # All kinds at every second box, else one of them in turn.
        return list(KINDS) if box % 2 else [list(KINDS)[box // 2 % len(KINDS)]]

    def destinations(self) -> list:
        """(address, port, resources)"""
        return [(f"{NETWORK}.{FIRST_BOX + box}", 5060 + port, self.offers(box))
                for box in range(self.boxes) for port in range(self.ports)]

    def generator_words(self) -> list:
        words = []
        for caller in CALLERS:
            words += ["--caller", f"{caller}:5060"]
        for name, user in KINDS.items():
            words += ["--call", f"{name}={user}"]
        for box in range(self.boxes):
            words += ["--destination", f"{NETWORK}.{FIRST_BOX + box}:5060-{5059 + self.ports}="
                                       f"{','.join(self.offers(box))}"]
        return words


@dataclass
class Folder:
    """Sockets and files of one measurement."""

    path: Path

    @property
    def socket(self) -> Path:
        return self.path / "memif.sock"

    def memif(self, role: str) -> str:
        return (f"net_memif0,role={role},id=0,socket={self.socket},socket-abstract=no,"
                f"rsize={MEMIF_SLOTS},bsize=2048")


class temporary_folder:
    def __enter__(self) -> Folder:
        self._folder = tempfile.TemporaryDirectory(prefix="linehunt-bench-")
        return Folder(Path(self._folder.name))

    def __exit__(self, *_) -> None:
        self._folder.cleanup()


def own_prefix(program: str) -> str:
    """What DPDK calls the files of a program that we start."""
    return f"{program}-bench-{os.getpid()}"


def forget(prefix: str) -> None:
    """Removes what DPDK leaves of a program that has ended."""
    shutil.rmtree(DPDK_FOLDERS / prefix, ignore_errors=True)


@dataclass
class Device:
    """Something under test that runs. `close` ends it."""

    name: str
    process: subprocess.Popen
    log: Path
    memory: Hugepages = None
    target: str = f"{DEVICE}:5060"
    extra: dict = field(default_factory=dict)
    prefix: str = ""  # of DPDK, which leaves a folder of that name

    def pids(self) -> list:
        return descendants(self.process.pid)

    def memory_mb(self) -> float:
        return sum(memory_mb(pid) for pid in self.pids())

    def preemptions(self) -> int:
        return sum(preemptions(pid) for pid in self.pids())

    def workers(self) -> list:
        """The threads that have the packets, by their numbers."""
        self.must_run()
        return [int(task.name) for task in Path(f"/proc/{self.process.pid}/task").iterdir()
                if "worker" in (task / "comm").read_text(encoding="utf-8")]

    def must_run(self) -> None:
        if self.process.poll() is not None:
            raise BenchError(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")

    def tail(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def close(self) -> None:
        """Each of these, whatever becomes of the others."""
        with held(), ExitStack() as ending:
            if self.prefix:
                ending.callback(forget, self.prefix)
            if self.memory:
                ending.callback(self.memory.close)
            ending.callback(stop, self.process)

    def __enter__(self) -> "Device":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def linehunt_text(device: str, cast: Cast, calls: int, workers: int, memory: Hugepages,
                  folder: Folder, memory_mb_wanted: int, mbufs: int, limits: dict) -> str:
    _, generator_core = processors()
    # Over memif it has a processor to itself; over veth the kernel needs some of it.
    idle = "false" if "memif" in device else "true"
    lines = [
        "[runtime]", f"workers = {workers}", f"cores = {json.dumps(worker_processors(workers))}",
        f"control_core = {generator_core}", f'file_prefix = "{own_prefix("linehunt")}"',
        f"memory_mb = {memory_mb_wanted}", f"mbufs = {mbufs}", 'log_level = "warn"',
        f"yield_when_idle = {idle}",
    ]
    if memory:
        lines += ["hugepages = true", f'eal_arguments = ["--huge-dir", "{memory.folder}"]']
    lines += [
        "[limits]", f"calls_per_worker = {calls}",
        *(f"{name} = {value}" for name, value in {**LIMITS, **limits}.items()),
        "[timers]", "ack_wait_ms = 2000",
        "[[port]]", 'name = "bench"', f'device = "{device}"', f'addresses = ["{DEVICE}/24"]',
        "[[listen]]", f'address = "{DEVICE}"',
        # No HTTP: its port is another linehunt's, where one runs on this machine.
        "[admin]", f'socket = "{folder.path}/linehunt.sock"', 'http = ""',
    ]
    for number, (address, port, offers) in enumerate(cast.destinations(), 1):
        resources = ";".join(f"{name}={LINES}" for name in offers)
        lines += ["[[destination]]", f"id = {number}", "group = 1",
                  f'uri = "sip:{address}:{port}"', f'resources = "{resources}"']
    for pattern, name in (("^VM_", "vm"), ("^[0-9]+$", "pstn")):
        lines += ["[[rule]]", f"match = {{ user = '{pattern}' }}", "balance = 1",
                  f'resources = "{name}"']
    return "\n".join(lines) + "\n"


def start_linehunt(folder: Folder, device: str, cast: Cast, calls: int, *, workers: int = 1,
                   hugepages: bool = True, mbufs: int = 16_384, limits: dict = None,
                   prefix: tuple = ()) -> Device:
    """Ready when it returns. `calls`: how many its table holds; `limits`: what [limits] has other
    than LIMITS."""
    # 420 bytes a call by its README; the rest is for packets, rings and transactions.
    table_mb = calls * 440 // 2**20 + 700
    memory = Hugepages(table_mb + 64).__enter__() if hugepages else None
    file, log = folder.path / "linehunt.toml", folder.path / "linehunt.log"
    try:
        file.write_text(linehunt_text(device, cast, calls, workers, memory, folder,
                                      table_mb if memory else 256, mbufs, limits or {}),
                        encoding="utf-8")
        with open(log, "wb") as output:
            process = subprocess.Popen([*prefix, str(LINEHUNT), "-c", str(file)], cwd=folder.path,
                                       stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    except BaseException:
        if memory:
            memory.close()
        raise
    started = Device("linehunt", process, log, memory, prefix=own_prefix("linehunt"))

    def ready() -> bool:
        started.must_run()
        return "ready" in log.read_text(errors="replace")

    try:
        wait_for(ready, 90, "linehunt was not ready after 90 s")
        # Its first thread only serves operators; on the generator's processor it gives way.
        os.setpriority(os.PRIO_PROCESS, process.pid, 19)
    except BaseException:
        started.close()
        raise
    return started


def linehunt_says(folder: Folder, *words: str):
    told = subprocess.run([str(CONTROL), "--socket", f"{folder.path}/linehunt.sock", "--json",
                           *words], capture_output=True, text=True, timeout=30)
    if told.returncode != 0:
        raise BenchError(f"linehuntctl {' '.join(words)}: {told.stderr.strip()}")
    return json.loads(told.stdout)


class Work:
    """How long linehunt's only worker has had packets at hand, its idle polling left out. The loop
    counts time stamp cycles; all of them together say how many there are in a second."""

    def __init__(self, folder: Folder):
        self.folder = folder
        self.before = self.read()

    def read(self) -> tuple:
        stats = linehunt_says(self.folder, "stats")
        return (time.monotonic(), stats["worker0:busy_cycles"], stats["worker0:total_cycles"],
                stats["load_balancer:calls_ended"])

    def us_per_call(self) -> float:
        seconds, busy, total, calls = (later - earlier for later, earlier in zip(self.read(), self.before))
        return busy / (total / seconds) * 1e6 / calls if total and calls else 0.0


def start_testpmd(folder: Folder, device: str = "", prefix: tuple = ()) -> Device:
    """Sends every packet back with MAC and IP addresses and ports swapped. On memif, or another
    device."""
    if not shutil.which("dpdk-testpmd"):
        raise BenchError("dpdk-testpmd is not there; run tools/install")
    core, generator_core = processors()
    memory = Hugepages(384).__enter__()
    log = folder.path / "testpmd.log"
    # Line by line, since what it says tells when it is ready.
    words = [*prefix, "stdbuf", "-oL", "dpdk-testpmd",
             "--lcores", f"0@{generator_core},1@{core}", "--huge-dir", memory.folder, "-m", "320",
             "--no-pci", "--file-prefix", own_prefix("testpmd"),
             "--vdev", device or folder.memif("server"), "--", "--forward-mode=5tswap",
             "--nb-cores=1", "--auto-start", "--total-num-mbufs=16384", "--burst=32"]
    try:
        with open(log, "wb") as output:
            # It stops when its input ends, hence the pipe.
            process = subprocess.Popen(words, cwd=folder.path, stdin=subprocess.PIPE,
                                       stdout=output, stderr=output)
    except BaseException:
        memory.close()
        raise
    started = Device("testpmd", process, log, memory, prefix=own_prefix("testpmd"))

    def ready() -> bool:
        started.must_run()
        # The generator awaits the link of a memif.
        said = "packet forwarding" in log.read_text(errors="replace")
        return said if device else folder.socket.exists()

    try:
        wait_for(ready, 60, "testpmd was not ready after 60 s")
    except BaseException:
        started.close()
        raise
    return started


def generate(folder: Folder, device: str, cast: Cast, words: list, *, prefix: tuple = (),
             limit_s: float = 900, hugepages_mb: int = 0, mbufs: int = 16384) -> dict:
    """Runs the generator and gives its result. Its exit status is part of that: a step that failed
    is a result as well. Not one for which too few calls were held."""
    _, core = processors()
    file = folder.path / "pktgen.json"
    file.unlink(missing_ok=True)
    line = [*prefix, str(PKTGEN), "--device", device, "--target", f"{DEVICE}:5060",
            *cast.generator_words(), "--core", str(core), "--quiet", "--json", str(file),
            "--mbufs", str(mbufs), "--memory-mb", "256", "--file-prefix", own_prefix("pktgen"), *words]
    try:
        told = subprocess.run(line, cwd=folder.path, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=limit_s)
    finally:
        forget(own_prefix("pktgen"))
    if told.returncode not in (0, 1) or not file.exists():
        raise BenchError(f"linehunt-pktgen ended with {told.returncode}: "
                         f"{(told.stderr or told.stdout).strip()[-2000:]}\n  {' '.join(line)}")
    result = json.loads(file.read_text(encoding="utf-8"))
    result["text"] = told.stdout
    result["went_through"] = told.returncode == 0
    must_be_full(result)
    return result


def must_be_full(result: dict) -> None:
    """What is measured with fewer calls held is another load. A filling may stand still, and is given up."""
    wanted = result["held_wanted"]
    held = min((step["held"] for step in result["steps"]), default=wanted)
    if held < FULL * wanted:
        raise BenchError(f"{held:,} calls were held, where {wanted:,} should be\n{result['text']}")


def highest(result: dict) -> dict:
    """The step of a search with the highest rate that passed."""
    passed = [step for step in result["steps"] if step["passed"]]
    if not passed:
        raise BenchError("no rate passed without loss; is the machine busy with something else?\n"
                         + result["text"])
    return max(passed, key=lambda step: step["rate_from"])

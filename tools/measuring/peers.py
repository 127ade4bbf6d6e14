# SPDX-License-Identifier: Apache-2.0
"""The same generator over the same veth against linehunt on af_xdp and af_packet, and against
Kamailio with its dispatcher."""

import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from testing.interruption import held

from .calls import ENDED, search_words
from .kamailio import RECEIVE_BUFFER, start_kamailio, unpacked_kamailio
from .machine import BenchError, Stopwatch, SysctlAtLeast, processors
from .programs import (DEVICE, Cast, Work, generate, highest, start_linehunt, start_testpmd,
                       temporary_folder)
from .results import Results, figure
from .trust import credible_ceiling, credible_search, step_that_passed

HELD = 5000
LEAST_PACKETS = 20_000  # a second, of 5tswap; where its search begins
DEVICES = {name: f"net_{name}0,iface=eth0" for name in ("af_xdp", "af_packet")}
QUIET_OFFLOADS = ("tx", "off", "tso", "off", "gso", "off", "gro", "off")


def command(*words: str) -> None:
    told = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if told.returncode != 0:
        raise BenchError(f"{' '.join(words)}: {told.stderr.strip() or told.stdout.strip()}")


class Cable:
    """Two namespaces and a veth between them: the device under test's end and the generator's."""

    def __init__(self):
        self.names = [f"lhb{os.getpid()}-{side}" for side in ("dut", "gen")]

    def __enter__(self) -> "Cable":
        try:
            for name in self.names:
                command("ip", "netns", "add", name)
            command("ip", "link", "add", "name", "eth0", "netns", self.names[0], "type", "veth",
                    "peer", "name", "eth0", "netns", self.names[1])
            for name in self.names:
                command("ip", "netns", "exec", name, "ethtool", "-K", "eth0", *QUIET_OFFLOADS)
                command("ip", "netns", "exec", name, "sysctl", "-qw",
                        "net.ipv6.conf.eth0.disable_ipv6=1")
                command("ip", "-n", name, "link", "set", "eth0", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        with held():
            for name in self.names:
                subprocess.run(["ip", "netns", "del", name], capture_output=True)

    def prefix(self, side: int) -> tuple:
        return ("nsenter", f"--net=/run/netns/{self.names[side]}", "--")

    def give_address(self) -> None:
        """For a device that uses the kernel's own stack."""
        command("ip", "-n", self.names[0], "addr", "add", f"{DEVICE}/24", "dev", "eth0")


GENERATOR_DEVICE = "net_af_packet0,iface=eth0,blocksz=65536,framesz=2048,framecnt=4096"


@dataclass
class Contender:
    name: str
    start: object  # (folder, cable, cast) -> Device


def linehunt_on(device: str):
    def start(folder, cable: Cable, cast: Cast):
        return start_linehunt(folder, device, cast, HELD + ENDED, hugepages=False,
                              prefix=cable.prefix(0))
    return start


def kamailio_with(allocator: str, program: Path):
    def start(folder, cable: Cable, cast: Cast):
        cable.give_address()
        core, _ = processors()
        return start_kamailio(folder, program, cast, allocator,
                              (*cable.prefix(0), "taskset", "-c", str(core)))
    return start


@contextmanager
def running(contender: "Contender", cast: Cast):
    """(folder, prefix of the generator's side, device). Each time a new one: what a search has left of
    calls is ended half a minute later, with BYEs that the next generator knows nothing of."""
    with SysctlAtLeast("net.core.rmem_max", RECEIVE_BUFFER), Cable() as cable, \
            temporary_folder() as folder, contender.start(folder, cable, cast) as device:
        yield folder, cable.prefix(1), device


def at_ease(contender: "Contender", cast: Cast, rate: float, seconds: float) -> dict:
    """A step, and the processor time that was spent meanwhile."""
    with running(contender, cast) as (folder, side, device):
        work = Work(folder) if device.name == "linehunt" else None
        with Stopwatch(device.pids()) as watch:
            told = generate(folder, GENERATOR_DEVICE, cast, prefix=side,
                            words=["--rate", f"{rate:g}", "--held", str(HELD), "--seconds",
                                   f"{seconds:g}"])
        device.must_run()
        return {**told["steps"][0], "monotonic_s": told["monotonic_s"], "watch": watch,
                "work_us": work.us_per_call() if work else 0}


def costs(step: dict) -> dict:
    """Of a call, in that step."""
    begin = step["monotonic_s"] + step["began_s"]
    elapsed, own, kernel = step["watch"].between(begin, begin + step["seconds"])
    calls = step["window"]["calls_completed"] / step["seconds"] * elapsed
    if not calls or own + kernel <= 0:
        raise BenchError(f"no call went through at {step['rate_from']:.0f} a second")
    return {"cpu_us": (own + kernel) * 1e6 / calls, "work_us": step["work_us"],
            "in_kernel": kernel / (own + kernel)}


def search(contender: Contender, cast: Cast, seconds: float, low: float) -> dict:
    with running(contender, cast) as (folder, side, _):
        return highest(generate(folder, GENERATOR_DEVICE, cast, prefix=side,
                                words=search_words(low, 300_000, seconds, HELD)))


def measure(contender: Contender, cast: Cast, seconds: float, low: float) -> dict:
    """The highest rate without loss; then, at four fifths of it, what a call costs."""
    found = credible_search(partial(search, contender, cast, seconds, low), low,
                            f"peers: {contender.name}")
    rate = found["rate_from"] * 0.8
    step, spoilt = step_that_passed(partial(at_ease, contender, cast, rate, 3 * seconds),
                                    f"peers: {contender.name} at 80 %")
    if spoilt:
        raise BenchError(f"{rate:.0f} calls a second, 80 % of the highest rate, did not pass: {spoilt}")
    return {"rate": found["window"]["calls_begun_per_s"], "messages": found["window"]["sent_per_s"],
            "busy": found["generator_busy_share"], **costs(step), "latency": step["latency"]["all"],
            "post_dial_delay": step["post_dial_delay"]}


def search_of_ceiling(device: str, cast: Cast, seconds: float) -> dict:
    with Cable() as cable, temporary_folder() as folder, \
            start_testpmd(folder, device, cable.prefix(0)):
        return highest(generate(folder, GENERATOR_DEVICE, cast, prefix=cable.prefix(1),
                                words=["--raw", *search_words(LEAST_PACKETS, 4e6, seconds, 0)]))


def ceiling(device: str, cast: Cast, seconds: float, **doubts) -> dict:
    """Packets a second without loss that testpmd sends back over this veth: what the kernel lets
    through. And how busy the generator was."""
    search = partial(search_of_ceiling, device, cast, seconds)
    best = credible_ceiling(search, LEAST_PACKETS, **doubts)
    return {"packets": best["window"]["sent_per_s"], "busy": best["generator_busy_share"]}


def contenders_of(results: Results, quick: bool) -> list:
    """Without Kamailio where its package is not to be had."""
    ours = [Contender(f"linehunt {name}", linehunt_on(device)) for name, device in DEVICES.items()]
    program = attempted(results, "Kamailio", unpacked_kamailio)
    if not program:
        return ours
    allocators = {"Kamailio": "fm"}
    if not quick:
        allocators |= {"Kamailio q_malloc": "qm", "Kamailio tlsf_malloc": "tlsf"}
    return ours + [Contender(name, kamailio_with(allocator, program))
                   for name, allocator in allocators.items()]


def attempted(results: Results, name: str, measuring):
    """What one contender cannot does not keep the others from it."""
    try:
        return measuring()
    except Exception as failure:
        results.fail(f"peers: {name}", failure)
        return None


def busy_in(found: list) -> list:
    """How busy the generator was at the highest rates."""
    return [each["busy"] for each in found]


def run(results: Results, quick: bool) -> None:
    cast = Cast()
    seconds, repeats = (1, 1) if quick else (3, 3)
    contenders = contenders_of(results, quick)
    seen = {each.name: [] for each in contenders}
    ceilings = {name: [] for name in DEVICES}
    shares = {name: [] for name in DEVICES}
    for _ in range(repeats):
        most = {name: attempted(results, f"testpmd {name}", partial(ceiling, device, cast, seconds))
                for name, device in DEVICES.items()}
        now = {each.name: attempted(results, each.name, partial(measure, each, cast, seconds, 200))
               for each in contenders}
        for name, found in now.items():
            seen[name] += [found] if found else []
        for name, found in most.items():
            ours = now[f"linehunt {name}"] or {"messages": 0, "busy": 0}
            reached = ours["messages"]
            if found and found["packets"] < reached:  # once more, and now it must be above
                again = partial(ceiling, DEVICES[name], cast, seconds, reached=reached, tries=1)
                found = attempted(results, f"testpmd {name}", again)
            ceilings[name] += [found] if found else []
            if found and reached:
                shares[name].append((reached / found["packets"], max(ours["busy"], found["busy"])))
    for name, found in seen.items():
        if not found:
            continue
        results.add(
            figure(f"peers: {name}, calls without loss", [f["rate"] for f in found], "/s",
                   "" if name.startswith("Kamailio") else "higher", busy_in(found)),
            figure(f"peers: {name}, generator busy", busy_in(found), ""),
            figure(f"peers: {name}, processor time for a call", [f["cpu_us"] for f in found], "us",
                   "" if name.startswith("Kamailio") else "lower"),
            figure(f"peers: {name}, of it with packets at hand",
                   [f["work_us"] or f["cpu_us"] for f in found], "us"),
            figure(f"peers: {name}, share of it in the kernel", [f["in_kernel"] for f in found], ""),
            figure(f"peers: {name}, latency p99 at 80 %", [f["latency"]["p99_us"] for f in found],
                   "us"),
            figure(f"peers: {name}, post-dial delay median at 80 %",
                   [f["post_dial_delay"]["p50_us"] for f in found], "us"))
    for name, found in ceilings.items():
        if found:
            results.add(figure(f"peers: testpmd 5tswap over the same veth, {name}",
                               [f["packets"] for f in found], "/s", "", busy_in(found)))
        if shares[name]:
            results.add(figure(f"peers: share of it that linehunt reaches, {name}",
                               [share for share, _ in shares[name]], "", "higher",
                               [busy for _, busy in shares[name]]))
    kamailio = [name for name in seen if name.startswith("Kamailio") and seen[name]]
    if kamailio:
        best = max(f["rate"] for name in kamailio for f in seen[name])
        cheapest = min(f["cpu_us"] for name in kamailio for f in seen[name])
        busy = [share for name in kamailio for share in busy_in(seen[name])]
        for name in ("linehunt af_xdp", "linehunt af_packet"):
            if seen[name]:
                results.add(
                    figure(f"peers: calls a second over Kamailio's, {name}",
                           [f["rate"] / best for f in seen[name]], "times", "higher",
                           busy + busy_in(seen[name])),
                    figure(f"peers: Kamailio's processor time over ours, {name}",
                           [cheapest / f["cpu_us"] for f in seen[name]], "times", "higher"))
    results.details["peers"] = seen

# SPDX-License-Identifier: Apache-2.0
"""What grows with the calls that are held, with the destinations, and with the workers."""

import statistics
from pathlib import Path

from .calls import ENDED, search_words
from .machine import BenchError
from .programs import Cast, generate, highest, start_linehunt, temporary_folder
from .results import Results, figure, short
from .svg import Axis, chart

MEBI = 2**20
MOST = 10_000_000
TEXT_BYTES = 24  # of each call beside its record, with which MOST take less than 3.2 GB
MOST_MB = 6_500  # 400 bytes a call in linehunt, 140 in the generator, and something to spare


def memory_free_mb() -> float:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) / 1024
    return 0


def search(cast: Cast, held: int, seconds: float, workers: int = 1) -> tuple:
    """The step with the highest rate, and what the device has in memory then."""
    offers = [resources for _, _, resources in cast.destinations()]
    # Only what this needs, since memory is measured: so it has no hugepages, either.
    limits = {"call_text_bytes": TEXT_BYTES, "transactions_per_worker": 8_000,
              "destinations": max(64, len(offers)), "slots": max(256, sum(map(len, offers)))}
    with temporary_folder() as folder, \
            start_linehunt(folder, folder.memif("server"), cast, held + ENDED, workers=workers,
                           hugepages=False, mbufs=4096, limits=limits) as device:
        words = search_words(40_000, 400_000, seconds, held) + ["--no-wind-up"]
        best = highest(generate(folder, folder.memif("client"), cast, words, limit_s=1800))
        device.must_run()
        return best, device.memory_mb()


def by_calls(results: Results, quick: bool, folder_of_charts) -> None:
    seconds, repeats = (1, 1) if quick else (3, 3)
    held_counts = [10_000, 100_000, 1_000_000]
    if memory_free_mb() >= MOST_MB:
        held_counts.append(MOST)
    else:
        print(f"scale: {short(MOST)} calls: not measured: {MOST_MB} MB of memory are not free",
              flush=True)
    first = None
    rates, costs, busiest = [], [], []
    for held in held_counts:
        steps, busy, memory = [], [], []
        for _ in range(repeats):
            best, megabytes = search(Cast(), held, seconds)
            steps.append(best["window"]["sent_per_s"])
            busy.append(best["generator_busy_share"])
            memory.append(megabytes)
        name = f"scale: {short(held)} calls held"
        first = first or (held, min(memory))
        results.add(
            figure(f"{name}, messages", steps, "/s", "higher", busy),
            figure(f"{name}, time for a message", [1e9 / each for each in steps], "ns", "lower", busy),
            figure(f"{name}, generator busy", busy, ""),
            figure(f"{name}, memory", memory, "MB", "lower"))
        if held != first[0]:
            results.add(figure(f"scale: memory for each further call, up to {short(held)}",
                               [(each - first[1]) * MEBI / (held - first[0]) for each in memory],
                               "bytes", "lower"))
        rates.append((held, statistics.median(steps)))
        costs.append((held, 1e9 / rates[-1][1]))
        busiest.append(max(busy))
    results.add(figure(f"scale: throughput at {short(held_counts[-1])} held of that at "
                       f"{short(held_counts[0])}", [rates[-1][1] / rates[0][1]], "", "higher",
                       (busiest[0], busiest[-1])))
    results.details["scale by calls"] = rates
    chart(folder_of_charts / "held.svg", "Throughput of one worker over memif, by calls held",
          Axis("calls held", logarithmic=True), Axis("messages a second"), {"linehunt": rates})
    chart(folder_of_charts / "cost.svg", "Time for a message, by calls held",
          Axis("calls held", logarithmic=True), Axis("nanoseconds"), {"linehunt": costs})


def add_rate(results: Results, name: str, steps: list) -> None:
    busy = [step["generator_busy_share"] for step in steps]
    results.add(
        figure(f"{name}, messages", [step["window"]["sent_per_s"] for step in steps], "/s", "higher", busy),
        figure(f"{name}, generator busy", busy, ""))


def by_destinations(results: Results, quick: bool) -> None:
    seconds, repeats = (1, 1) if quick else (3, 3)
    counts = ((4, 1), (100, 100)) if quick else ((4, 1), (100, 1), (100, 10), (100, 100))
    for boxes, ports in counts:
        add_rate(results, f"scale: {short(boxes * ports)} destinations",
                 [search(Cast(boxes, ports), 10_000, seconds)[0] for _ in range(repeats)])


def by_workers(results: Results, quick: bool) -> None:
    seconds, repeats = (1, 1) if quick else (3, 3)
    try:
        steps = [search(Cast(), 10_000, seconds, workers=2)[0] for _ in range(repeats)]
    except BenchError as failure:
        print(f"scale: 2 workers: not measured: {failure}", flush=True)
        return
    add_rate(results, "scale: 2 workers", steps)


def run(results: Results, quick: bool, folder_of_charts) -> None:
    by_calls(results, quick, folder_of_charts)
    by_destinations(results, quick)
    by_workers(results, quick)

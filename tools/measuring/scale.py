# SPDX-License-Identifier: Apache-2.0
"""What grows with the calls that are held, with the destinations, and with the workers."""

from .calls import ENDED, search_words
from .machine import BenchError
from .programs import Cast, generate, highest, start_linehunt, temporary_folder
from .results import Results, figure, short
from .svg import Axis, chart

MEBI = 2**20


def search(cast: Cast, held: int, seconds: float, low: float, workers: int = 1) -> tuple:
    """The step with the highest rate, and what the device has in memory then."""
    with temporary_folder() as folder, \
            start_linehunt(folder, folder.memif("server"), cast, held + ENDED, workers=workers,
                           hugepages=False) as device:  # so that only what is used counts
        words = search_words(low, 400_000, seconds, held) + ["--no-wind-up"]
        best = highest(generate(folder, folder.memif("client"), cast, words, limit_s=1800))
        device.must_run()
        return best, device.memory_mb()


def by_calls(results: Results, quick: bool, folder_of_charts) -> None:
    seconds, repeats = (1, 1) if quick else (3, 3)
    held_counts = [10_000, 100_000, 1_000_000] + ([] if quick else [10_000_000])
    first = None
    rates, costs = [], []
    for held in held_counts:
        steps, memory = [], []
        for _ in range(repeats):
            best, megabytes = search(Cast(), held, seconds, 2000)
            steps.append(best["window"]["sent_per_s"])
            memory.append(megabytes)
        name = f"scale: {short(held)} calls held"
        results.add(
            figure(f"{name}, messages", steps, "/s", "higher"),
            figure(f"{name}, time for a message", [1e9 / each for each in steps], "ns", "lower"))
        if first is None:
            first = (held, min(memory))
        else:
            results.add(figure(f"{name}, memory for each further call",
                               [(each - first[1]) * MEBI / (held - first[0]) for each in memory],
                               "bytes", "lower"))
        rates.append((held, sorted(steps)[len(steps) // 2]))
        costs.append((held, 1e9 / rates[-1][1]))
    results.add(figure(f"scale: throughput at {short(held_counts[-1])} held of that at "
                       f"{short(held_counts[0])}", [rates[-1][1] / rates[0][1]], "", "higher"))
    results.details["scale by calls"] = rates
    chart(folder_of_charts / "held.svg", "Throughput of one worker over memif, by calls held",
          Axis("calls held", logarithmic=True), Axis("messages a second"), {"linehunt": rates})
    chart(folder_of_charts / "cost.svg", "Time for a message, by calls held",
          Axis("calls held", logarithmic=True), Axis("nanoseconds"), {"linehunt": costs})


def by_destinations(results: Results, quick: bool) -> None:
    seconds, repeats = (1, 1) if quick else (3, 3)
    for boxes, ports in ((4, 1), (100, 1), (100, 10), (100, 100)):
        if quick and boxes * ports == 1000:
            continue
        steps = [search(Cast(boxes, ports), 10_000, seconds, 2000)[0]["window"]["sent_per_s"]
                 for _ in range(repeats)]
        results.add(figure(f"scale: {short(boxes * ports)} destinations, messages", steps, "/s",
                           "higher"))


def by_workers(results: Results, quick: bool) -> None:
    seconds, repeats = (1, 1) if quick else (3, 3)
    try:
        steps = [search(Cast(), 10_000, seconds, 2000, workers=2)[0]["window"]["sent_per_s"]
                 for _ in range(repeats)]
    except BenchError as failure:
        print(f"scale: 2 workers: not measured: {failure}", flush=True)
        return
    results.add(figure("scale: 2 workers, messages", steps, "/s", "higher"))


def run(results: Results, quick: bool, folder_of_charts) -> None:
    by_calls(results, quick, folder_of_charts)
    by_destinations(results, quick)
    by_workers(results, quick)

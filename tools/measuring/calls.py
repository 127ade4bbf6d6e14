# SPDX-License-Identifier: Apache-2.0
"""The highest rate of calls without loss of one worker over memif, beside testpmd 5tswap, which only
sends back packets of the same sizes: what this machine and this device can do at most."""

from .machine import BenchError
from .programs import (Cast, generate, highest, linehunt_says, start_linehunt, start_testpmd,
                       temporary_folder)
from .results import Results, figure
from .svg import Axis, chart

HELD = 100_000
ENDED = 60_000  # records for calls that are over, but may still hear a repetition


def search_words(low: float, high: float, seconds: float, held: int) -> list:
    resolution = "0.08" if seconds <= 1 else "0.03"
    words = ["--search", f"{low:g}:{high:g}", "--seconds", f"{seconds:g}", "--warm-up", "0.5",
             "--resolution", resolution, "--tries", "2"]
    return words + (["--held", str(held)] if held else [])


def ceiling(cast: Cast, seconds: float) -> dict:
    """Packets a second without loss through testpmd."""
    with temporary_folder() as folder, start_testpmd(folder):
        return highest(generate(folder, folder.memif("client"), cast,
                                ["--raw", *search_words(500_000, 8e6, seconds, 0)]))


def watched(device) -> list:
    """Words that let the generator see when the device waits for its processor."""
    threads = device.workers()
    if not threads:
        raise BenchError(f"{device.name} has no thread that is called a worker")
    return [word for thread in threads for word in ("--watch", str(thread))]


def undisturbed(steps: list, quantile: str) -> list:
    """Of those steps that had enough moments in which nobody waited."""
    found = [step["latency"].get("undisturbed") for step in steps]
    return [each[quantile] for each in found if each and each["count"] >= 10_000]


def twin(cast: Cast, seconds: float, packets: float) -> dict:
    """testpmd under so many packets a second. With as large a share of its highest rate as linehunt
    has of its own, a moment in which the machine is slower makes the same queue; and whatever its
    latency has of a tail is the machine's and the generator's, since all that it does is to swap
    addresses."""
    with temporary_folder() as folder, start_testpmd(folder) as device:
        found = generate(folder, folder.memif("client"), cast,
                         ["--raw", "--rate", f"{packets:g}", "--seconds", f"{2 * seconds:g}",
                          *watched(device)])
        return found["steps"][0]


def one_worker(cast: Cast, seconds: float, held: int, low: float) -> dict:
    """The search, and what the calls cost there."""
    with temporary_folder() as folder, \
            start_linehunt(folder, folder.memif("server"), cast, held + ENDED) as device:
        found = generate(folder, folder.memif("client"), cast,
                         search_words(low, 400_000, seconds, held))
        best = highest(found)
        # At four fifths of it: what the queue is when nothing is at its limit.
        forced = device.preemptions()
        rate = best["rate_from"] * 0.8
        calm = generate(folder, folder.memif("client"), cast,
                        ["--rate", f"{rate:g}", "--held", str(held), "--seconds", f"{2 * seconds:g}",
                         *watched(device)])
        forced = device.preemptions() - forced
        device.must_run()
        loads = [each["load"] for entry in linehunt_says(folder, "list")["Destinations"]
                 for each in entry["Resources"]]
        return {"best": best, "calm": calm["steps"][0], "forced": forced, "loads": sum(loads),
                "steps": found["steps"]}


def run(results: Results, quick: bool) -> None:
    cast = Cast()
    seconds = 1 if quick else 3
    runs, ceilings, ratios = [], [], []
    for _ in range(1 if quick else 5):
        packets = ceiling(cast, seconds)
        calls = one_worker(cast, seconds, HELD, 20_000)
        if calls["loads"]:
            raise BenchError(f"{calls['loads']} lines remain after the last call")
        calls["twin"] = twin(cast, seconds, packets["rate_from"] * 0.8)
        ceilings.append(packets["window"]["sent_per_s"])
        runs.append(calls)
        ratios.append(calls["best"]["window"]["sent_per_s"] / ceilings[-1])

    twins = [run["twin"] for run in runs]
    best = [run["best"] for run in runs]
    calm = [run["calm"] for run in runs]
    results.add(
        figure("calls: calls a second without loss", [b["window"]["calls_begun_per_s"] for b in best],
               "/s", "higher"),
        figure("calls: messages into one worker", [b["window"]["sent_per_s"] for b in best], "/s",
               "higher"),
        figure("calls: testpmd 5tswap, packets of the same sizes", ceilings, "/s"),
        figure("calls: share of 5tswap", ratios, "", "higher"),
        figure("calls: held meanwhile", [b["held"] for b in best], ""),
        figure("calls: added latency at 80 %, median",
               [c["latency"]["all"]["p50_us"] for c in calm], "us", "lower"),
        figure("calls: added latency at 80 %, p99.9",
               [c["latency"]["all"]["p999_us"] for c in calm], "us", "lower"),
        figure("calls: latency p99.9 of 5tswap at 80 % of its own rate",
               [each["latency"]["all"]["p999_us"] for each in twins], "us"))
    for name, steps, quantile, better in (
            ("calls: the same, nobody waiting for a processor", twins, "p999_us", ""),
            ("calls: added latency at 80 %, p99.9, nobody waiting for a processor", calm, "p999_us",
             "lower"),
            ("calls: added latency at 80 %, p99, nobody waiting for a processor", calm, "p99_us",
             "lower")):
        if values := undisturbed(steps, quantile):
            results.add(figure(name, values, "us", better))
        else:
            print(f"{name}: not measured: somebody waited nearly always", flush=True)
    results.add(
        figure("calls: share of that time in which nobody waited",
               [1 - c["disturbed_windows"] / c["windows"] for c in calm], ""),
        figure("calls: times the device was put off its processor then",
               [run["forced"] for run in runs], ""),
        figure("calls: generator busy at the highest rate",
               [b["generator_busy_share"] for b in best], ""))
    results.details["calls"] = runs


def curve(results: Results, quick: bool, folder_of_charts) -> None:
    """Latency against load, from a tenth of the highest rate to the rate itself."""
    cast = Cast()
    top = results.details["calls"][-1]["best"]["rate_from"]
    with temporary_folder() as folder, \
            start_linehunt(folder, folder.memif("server"), cast, HELD + ENDED):
        swept = generate(folder, folder.memif("client"), cast,
                         ["--sweep", f"{top / 10:g}:{top:g}:{5 if quick else 10}", "--held",
                          str(HELD), "--seconds", "1" if quick else "3", "--warm-up", "0.5"])
    results.details["latency against load"] = swept["steps"]
    lines = {name: [(step["window"]["sent_per_s"], step["latency"]["all"][key])
                    for step in swept["steps"]]
             for name, key in (("median", "p50_us"), ("p99", "p99_us"), ("p99.9", "p999_us"))}
    chart(folder_of_charts / "latency.svg", "Added latency of one worker over memif",
          Axis("messages a second into linehunt"), Axis("microseconds", logarithmic=True), lines)

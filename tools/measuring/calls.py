# SPDX-License-Identifier: Apache-2.0
"""The highest rate of calls without loss of one worker over memif, beside testpmd 5tswap, which only
sends back packets of the same sizes: what this machine and this device can do at most."""

from functools import partial

from .machine import BenchError, wait_for
from .programs import (Cast, generate, highest, linehunt_says, start_linehunt, start_testpmd,
                       temporary_folder)
from .results import Results, figure
from .svg import Axis, chart
from .trust import credible_ceiling, spoilt_by, step_that_passed

HELD = 100_000
LEAST_PACKETS = 500_000  # a second, of 5tswap; where its search begins
ENDED = 60_000  # records for calls that are over, but may still hear a repetition
RINGING_S = 125  # a call whose answer was lost keeps its line for 120 s, fr_inv_timeout_ms


def search_words(low: float, high: float, seconds: float, held: int) -> list:
    resolution = "0.08" if seconds <= 1 else "0.03"
    words = ["--search", f"{low:g}:{high:g}", "--seconds", f"{seconds:g}", "--warm-up", "0.5",
             "--resolution", resolution, "--tries", "2"]
    return words + (["--held", str(held)] if held else [])


def ceiling(cast: Cast, seconds: float) -> dict:
    """Packets a second without loss through testpmd."""
    with temporary_folder() as folder, start_testpmd(folder):
        return highest(generate(folder, folder.memif("client"), cast,
                                ["--raw", *search_words(LEAST_PACKETS, 8e6, seconds, 0)]))


def watched(device) -> list:
    """Words that let the generator see when the device waits for its processor."""
    threads = device.workers()
    if not threads:
        raise BenchError(f"{device.name} has no thread that is called a worker")
    return [word for thread in threads for word in ("--watch", str(thread))]


def undisturbed(steps: list, quantile: str) -> list:
    """Of those steps that had enough moments in which nobody waited. Nothing where one of them does not know
    it, since calls slipped then."""
    found = [step["latency"].get("undisturbed") for step in steps]
    values = [each[quantile] for each in found if each and each["count"] >= 10_000]
    return [] if None in values else values


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


def lines_taken(folder) -> int:
    return sum(each["load"] for entry in linehunt_says(folder, "list")["Destinations"]
               for each in entry["Resources"])


def given_back(folder, device) -> None:
    """No line is held when all calls are over."""
    device.must_run()
    wait_for(lambda: not lines_taken(folder), RINGING_S, "lines remain after the last call: "
             f"linehunt still has them {RINGING_S} s later")


def at_ease(cast: Cast, rate: float, held: int, seconds: float) -> dict:
    """At four fifths of the highest rate: what the queue is when nothing is at its limit. A linehunt of
    its own each time, in which nothing is left of the calls that a search has lost."""
    with temporary_folder() as folder, \
            start_linehunt(folder, folder.memif("server"), cast, held + ENDED) as device:
        forced = device.preemptions()
        step = generate(folder, folder.memif("client"), cast,
                        ["--rate", f"{rate:g}", "--held", str(held), "--seconds", f"{2 * seconds:g}",
                         *watched(device)])["steps"][0]
        forced = device.preemptions() - forced
        given_back(folder, device)
        return {**step, "forced": forced}


def one_worker(cast: Cast, seconds: float, held: int, low: float) -> dict:
    """The search, and what the calls cost there."""
    with temporary_folder() as folder, \
            start_linehunt(folder, folder.memif("server"), cast, held + ENDED) as device:
        found = generate(folder, folder.memif("client"), cast,
                         search_words(low, 400_000, seconds, held))
        best = highest(found)
        given_back(folder, device)
    calm, spoilt = step_that_passed(
        partial(at_ease, cast, best["rate_from"] * 0.8, held, seconds), "calls: at 80 %")
    return {"best": best, "calm": calm, "calm spoilt by": spoilt, "steps": found["steps"]}


def one_run(cast: Cast, seconds: float) -> dict:
    """The ceiling, linehunt below it, and the ceiling's program with as little to do as linehunt."""
    search = partial(ceiling, cast, seconds)
    packets = credible_ceiling(search, LEAST_PACKETS)
    calls = one_worker(cast, seconds, HELD, 20_000)
    reached = calls["best"]["window"]["sent_per_s"]
    # Who only swaps addresses does so at twice the rate at least, unless something is in his way for
    # longer than his queue holds. The better of two searches counts.
    if packets["window"]["sent_per_s"] < 2 * reached:
        better = max(packets, search(), key=lambda step: step["window"]["sent_per_s"])
        packets = credible_ceiling(lambda: better, LEAST_PACKETS, reached=reached, tries=1)
    same, spoilt = step_that_passed(partial(twin, cast, seconds, packets["rate_from"] * 0.8),
                                    "calls: 5tswap at 80 %")
    return {**calls, "ceiling": packets, "twin": same, "twin spoilt by": spoilt,
            "share": reached / packets["window"]["sent_per_s"]}


def add_undisturbed(results: Results, name: str, steps: list, quantile: str, better: str) -> None:
    if values := undisturbed(steps, quantile):
        results.add(figure(name, values, "us", better))
    else:
        print(f"{name}: not measured: somebody waited nearly always, or calls slipped when nobody did",
              flush=True)


def add_rates(results: Results, runs: list) -> None:
    best = [run["best"] for run in runs]
    busy = [b["generator_busy_share"] for b in best]
    busy_swapping = [run["ceiling"]["generator_busy_share"] for run in runs]
    results.add(
        figure("calls: calls a second without loss", [b["window"]["calls_begun_per_s"] for b in best],
               "/s", "higher", busy),
        figure("calls: messages into one worker", [b["window"]["sent_per_s"] for b in best], "/s",
               "higher", busy),
        figure("calls: testpmd 5tswap, packets of the same sizes",
               [run["ceiling"]["window"]["sent_per_s"] for run in runs], "/s", "", busy_swapping),
        figure("calls: share of 5tswap", [run["share"] for run in runs], "", "higher",
               busy + busy_swapping),
        figure("calls: held meanwhile", [b["held"] for b in best], ""),
        figure("calls: generator busy at the highest rate", busy, ""))


def add_calm(results: Results, calm: list) -> None:
    results.add(*(figure(f"calls: added latency at 80 %, {name}",
                         [step["latency"]["all"][quantile] for step in calm], "us", "lower")
                  for name, quantile in (("median", "p50_us"), ("p99.9", "p999_us"))))
    for name, quantile in (("p99.9", "p999_us"), ("p99", "p99_us")):
        add_undisturbed(results, f"calls: added latency at 80 %, {name}, nobody waiting for a "
                        "processor", calm, quantile, "lower")
    results.add(
        figure("calls: share of that time in which nobody waited",
               [1 - step["disturbed_windows"] / step["windows"] for step in calm], ""),
        figure("calls: times the device was put off its processor then",
               [step["forced"] for step in calm], ""))


def add_twin(results: Results, twins: list) -> None:
    results.add(figure("calls: latency p99.9 of 5tswap at 80 % of its own rate",
                       [step["latency"]["all"]["p999_us"] for step in twins], "us"))
    add_undisturbed(results, "calls: the same, nobody waiting for a processor", twins, "p999_us", "")


def run(results: Results, quick: bool) -> None:
    runs = [one_run(Cast(), 1 if quick else 3) for _ in range(1 if quick else 5)]
    results.details["calls"] = runs
    add_rates(results, runs)
    # All runs or none: the median of those that lost nothing would be of the better ones.
    for part, name, add in (("twin", "calls: latency of 5tswap at 80 %", add_twin),
                            ("calm", "calls: latency at 80 %", add_calm)):
        if spoilt := [run[f"{part} spoilt by"] for run in runs if run[f"{part} spoilt by"]]:
            results.fail(name, f"{len(spoilt)} of {len(runs)} runs did not pass: {'; '.join(spoilt)}")
        else:
            add(results, [run[part] for run in runs])


def curve(results: Results, quick: bool, folder_of_charts) -> None:
    """Latency against load, from a tenth of the highest rate to the rate itself."""
    cast = Cast()
    top = results.details["calls"][-1]["best"]["rate_from"]
    with temporary_folder() as folder, \
            start_linehunt(folder, folder.memif("server"), cast, HELD + ENDED):
        swept = generate(folder, folder.memif("client"), cast,
                         ["--sweep", f"{top / 10:g}:{top:g}:{5 if quick else 10}", "--held",
                          str(HELD), "--seconds", "1" if quick else "3", "--warm-up", "0.5"])
    # What a step lost is in no latency: it has `passed` in the result, and a cross in the chart.
    results.details["latency against load"] = swept["steps"]
    spoilt = [step for step in swept["steps"] if not step["passed"]]
    for step in spoilt:
        print(f"calls: latency against load: {step['window']['sent_per_s']:,.0f} messages a second: "
              f"{spoilt_by(step)}", flush=True)
    lines = {name: [(step["window"]["sent_per_s"], step["latency"]["all"][key])
                    for step in swept["steps"] if step["latency"]["all"][key] is not None]
             for name, key in (("median", "p50_us"), ("p99", "p99_us"), ("p99.9", "p999_us"))}
    chart(folder_of_charts / "latency.svg", "Added latency of one worker over memif",
          Axis("messages a second into linehunt"), Axis("microseconds", logarithmic=True), lines,
          crossed=[step["window"]["sent_per_s"] for step in spoilt], crossed_name="not without loss")

# SPDX-License-Identifier: Apache-2.0
"""What goes through when more is offered than can go through. What does not fit into the port is
dropped, as it would be on a wire, and nobody repeats anything: a call counts if all its messages
got through."""

from .calls import ENDED, search_words
from .programs import Cast, generate, highest, linehunt_says, start_linehunt, temporary_folder
from .results import Results, figure
from .svg import Axis, chart

HELD = 10_000
FACTORS = (1, 2, 5, 10)
DEADLINE_S = 1


def offered_to(folder, cast: Cast, rate: float, seconds: float) -> dict:
    """The step, and what was offered in it: calls begun a second. The generator may not get there."""
    records = int(HELD + 1.2 * rate * (DEADLINE_S + 1)) + 100_000
    return generate(folder, folder.memif("client"), cast,
                    ["--rate", f"{rate:g}", "--held", str(HELD), "--seconds", str(seconds),
                     "--max-calls", str(records), "--deadline-ms", str(1000 * DEADLINE_S),
                     "--drop-when-full"])["steps"][0]


def highest_rate(cast: Cast) -> dict:
    with temporary_folder() as folder, \
            start_linehunt(folder, folder.memif("server"), cast, HELD + 5 * ENDED):
        return highest(generate(folder, folder.memif("client"), cast,
                                search_words(20_000, 400_000, 1, HELD)))


def overloaded(cast: Cast, top: float, factor: int, seconds: float) -> dict:
    """A linehunt of its own for each factor: calls whose answer was dropped live on for two minutes,
    and what is left of one load must not be in the way of the next."""
    with temporary_folder() as folder, \
            start_linehunt(folder, folder.memif("server"), cast, HELD + 5 * ENDED) as device:
        # So that it has used its memory once, as it will have in service.
        generate(folder, folder.memif("client"), cast,
                 ["--rate", f"{top:g}", "--held", str(HELD), "--seconds", "1"])
        before = device.memory_mb()
        step = offered_to(folder, cast, top * factor, seconds)
        device.must_run()
        return {"step": step, "grown": device.memory_mb() - before,
                "verdicts": linehunt_says(folder, "stats")}


def run(results: Results, quick: bool, folder_of_charts) -> None:
    seconds, repeats = (2, 1) if quick else (5, 3)
    cast = Cast()
    offered = {factor: [] for factor in FACTORS}
    goodput = {factor: [] for factor in FACTORS}
    busy = {factor: [] for factor in FACTORS}
    busy_at_top, grown, shed, verdicts = [], [], {factor: [] for factor in FACTORS}, {}
    for _ in range(repeats):
        best = highest_rate(cast)
        top = best["rate_from"]
        busy_at_top.append(best["generator_busy_share"])
        found = {factor: overloaded(cast, top, factor, seconds) for factor in FACTORS}
        for factor, each in found.items():
            step = each["step"]
            offered[factor].append(step["window"]["calls_begun_per_s"] / top)
            goodput[factor].append(step["window"]["calls_completed_per_s"])
            busy[factor].append(step["generator_busy_share"])
            shed[factor].append({name: step[name] for name in (
                "calls_refused", "calls_lost", "calls_slipped", "lost", "statuses", "wrong")})
            verdicts[factor] = each["verdicts"]
        grown.append(max(each["grown"] for each in found.values()))
    for factor in FACTORS:
        name = f"overload: {factor} times the highest rate"
        results.add(figure(f"{name}, offered in fact", offered[factor], "times"),
                    figure(f"{name}, calls completed", goodput[factor], "/s", "higher", busy[factor]),
                    figure(f"{name}, generator busy", busy[factor], ""))
    results.add(
        figure("overload: goodput at 10 times, of the best",
               [last / max(goodput[factor][i] for factor in FACTORS)
                for i, last in enumerate(goodput[10])], "", "higher", sum(busy.values(), [])),
        figure("overload: generator busy at the highest rate", busy_at_top, ""),
        figure("overload: memory grown meanwhile", grown, "MB", "lower"))
    results.details["overload"] = {"offered": offered, "goodput": goodput, "not completed": shed,
                                   "counted by linehunt": verdicts}
    points = [(sum(offered[f]) / repeats, sum(goodput[f]) / repeats) for f in FACTORS]
    chart(folder_of_charts / "overload.svg", "Calls completed when more are offered",
          Axis("offered, times the highest rate without loss"), Axis("calls completed a second"),
          {"linehunt": points})

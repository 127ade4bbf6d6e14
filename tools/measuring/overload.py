# SPDX-License-Identifier: Apache-2.0
"""What goes through when more is offered than can go through."""

from .calls import ENDED, search_words
from .programs import Cast, generate, highest, start_linehunt, temporary_folder
from .results import Results, figure
from .svg import Axis, chart

HELD = 10_000
FACTORS = (1, 2, 5, 10)


def run(results: Results, quick: bool, folder_of_charts) -> None:
    seconds, repeats = (2, 1) if quick else (5, 3)
    cast = Cast()
    goodput = {factor: [] for factor in FACTORS}
    grown, refusals = [], {factor: [] for factor in FACTORS}
    for _ in range(repeats):
        with temporary_folder() as folder, \
                start_linehunt(folder, folder.memif("server"), cast, HELD + 5 * ENDED) as device:
            top = highest(generate(folder, folder.memif("client"), cast,
                                   search_words(2000, 400_000, 1, HELD)))["rate_from"]
            before = device.memory_mb()
            for factor in FACTORS:
                step = generate(folder, folder.memif("client"), cast,
                                ["--rate", f"{top * factor:g}", "--held", str(HELD), "--seconds",
                                 str(seconds), "--max-calls", "600000"])["steps"][0]
                device.must_run()
                goodput[factor].append(step["window"]["calls_completed_per_s"])
                refusals[factor].append(step["calls_refused"] + step["calls_lost"]
                                        + step["calls_slipped"])
            grown.append(device.memory_mb() - before)
    for factor in FACTORS:
        results.add(figure(f"overload: calls completed at {factor} times the highest rate",
                           goodput[factor], "/s", "higher"))
    results.add(
        figure("overload: goodput at 10 times, of the best",
               [last / max(goodput[factor][i] for factor in FACTORS)
                for i, last in enumerate(goodput[10])], "", "higher"),
        figure("overload: memory grown meanwhile", grown, "MB", "lower"))
    results.details["overload"] = {"goodput": goodput, "not completed": refusals}
    middle = {factor: sorted(values)[len(values) // 2] for factor, values in goodput.items()}
    chart(folder_of_charts / "overload.svg", "Calls completed when more are offered",
          Axis("offered, times the highest rate without loss"), Axis("calls completed a second"),
          {"linehunt": list(middle.items())})

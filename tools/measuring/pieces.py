# SPDX-License-Identifier: Apache-2.0
"""The programs of tests/bench: parser, engine, selection. Each checks its results before it times,
and has its own JSON; here it becomes figures."""

import json
import subprocess
from pathlib import Path

from .machine import BUILD, ROOT, BenchError
from .results import Figure, Results
from .svg import Axis, chart

NAMES = ("parse", "engine", "selection")
MIX = "shuffled"  # of bench_parse: many messages in random order


def told_by(name: str, quick: bool) -> dict:
    """Runs it, with its output on ours."""
    file = BUILD / f"bench_{name}.json"
    file.unlink(missing_ok=True)
    words = [str(BUILD / f"tests/bench/bench_{name}"), "--json", str(file)]
    status = subprocess.run(words + (["--quick"] if quick else []), cwd=ROOT,
                            stdin=subprocess.DEVNULL).returncode
    if status != 0:
        raise BenchError(f"bench_{name} ended with {status}")
    return json.loads(file.read_text(encoding="utf-8"))


def timed(name: str, row: dict) -> Figure:
    """The spread is from a tenth of the samples to nine tenths of them."""
    return Figure(name, row["median_ns"], "ns", "lower", row["p10_ns"], row["p90_ns"], 1)


def single(name: str, value: float, unit: str, better: str) -> Figure:
    return Figure(name, value, unit, better, value, value, 1)


def parse_figures(told: dict) -> list:
    ours = f"linehunt/{told['best_kernel']}"
    found = [timed(f"parse: {row['contender']}, mixed messages", row) for row in told["rows"]
             if row["message"] == MIX and row["contender"] in (ours, "osip", "sofia")]
    return found + [single("parse: the faster library's time, at least", told["least_ratio"],
                           "times", "higher")]


def engine_figures(told: dict) -> list:
    found = [timed(f"engine: {row['message']}", row) for row in told["rows"]]
    found.append(single("engine: allocations", told["allocations"], "", "lower"))
    counted = {row["row"]: row["instructions_per_message"] for row in told["prices"]}
    one, two = counted.get("basic call", -1), counted.get("2 workers", -1)
    if one > 0 and two > 0:  # else there is no valgrind
        found += [single("engine: instructions for a message, 1 worker", one, "", "lower"),
                  single("engine: instructions for a message, 2 workers", two, "", "lower"),
                  single("engine: instructions with 2 workers of those with 1", two / one, "",
                         "lower")]
    return found


def selection_figures(told: dict) -> list:
    # The last comma of a name divides row and column of a table.
    return [timed(f"selection: {row['destinations']:,} destinations, "
                  f"{row['case'].replace(',', '')}", row) for row in told["rows"]]


def selection_chart(told: dict, folder: Path) -> None:
    lines = {}
    for row in told["rows"]:
        if row["case"].endswith(("resource", "resources")):
            lines.setdefault(row["case"], []).append((row["destinations"], row["median_ns"]))
    chart(folder / "selection.svg", "Choosing a destination and giving it back",
          Axis("destinations", logarithmic=True), Axis("nanoseconds"), lines)


FIGURES = {"parse": parse_figures, "engine": engine_figures, "selection": selection_figures}


def run(results: Results, name: str, quick: bool, folder: Path) -> None:
    told = told_by(name, quick)
    results.details[name] = told
    results.add(*FIGURES[name](told))
    if name == "selection":
        selection_chart(told, folder)

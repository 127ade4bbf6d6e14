# SPDX-License-Identifier: Apache-2.0
"""Figures: medians with their spread, one JSON for all, and what got slower since another one."""

import json
import math
import statistics
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from .machine import BenchError

NOISE = 0.05  # a difference below this is none, however narrow the spread
BUSY = 0.95  # share of its time; a generator that is busier may be what limits a figure
NOISE_OF_ONE = 0.15  # where a figure was taken once, and its spread is not known


@dataclass
class Figure:
    name: str  # "calls: messages per second"
    value: float  # median
    unit: str
    better: str  # "higher", "lower", or "" where there is no better
    least: float
    most: float
    runs: int
    bound: bool = False  # the generator may have been the limit: without it, it would be better

    @property
    def spread(self) -> float:
        return (self.most - self.least) / self.value if self.value else 0.0

    def __str__(self) -> str:
        many = f"   {short(self.least)} to {short(self.most)} in {self.runs} runs" \
            if self.runs > 1 else ""
        bound = "   (a bound: the generator was busy)" if self.bound else ""
        return f"{self.name:<58} {short(self.value):>11} {self.unit}{many}{bound}"


def short(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def figure(name: str, values: list, unit: str, better: str = "", busy=()) -> Figure:
    """`busy`: shares of time that the generator was, in the measurements that the values are made of."""
    return Figure(name, statistics.median(values), unit, better, min(values), max(values),
                  len(values), max(busy, default=0) > BUSY)


class Results:
    """What one run of tools/bench has found. Figures are printed as they come."""

    def __init__(self, machine: dict, quick: bool):
        self.machine = machine
        self.quick = quick
        self.figures = []
        self.details = {}
        self.asked = []  # names of the benchmarks that it was to run, whatever came of them
        self.failed = {}  # what could not be measured -> why

    def add(self, *figures: Figure) -> None:
        for each in figures:
            self.figures.append(each)
            print(each, flush=True)

    def fail(self, name: str, why) -> None:
        """What could not be measured, by an exception or in words; the others go on."""
        known = isinstance(why, (BenchError, str))
        self.failed[name] = str(why) if known else f"{type(why).__name__}: {why}"
        print(f"tools/bench: {name}: {self.failed[name]}", file=sys.stderr, flush=True)

    def write(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({
            "machine": self.machine, "quick": self.quick, "asked": self.asked, "failed": self.failed,
            "figures": [asdict(each) for each in self.figures],
            "details": self.details}, indent=1) + "\n", encoding="utf-8")


def group(name: str) -> str:
    """The benchmark that a figure is of."""
    return name.partition(": ")[0]


def change_of(was: dict, each: dict) -> float:
    """By how much a figure differs, as a share of what it was; 0 where that may be noise."""
    if each["value"] == was["value"]:
        return 0
    change = each["value"] / was["value"] - 1 if was["value"] else math.inf
    apart = each["least"] > was["most"] or each["most"] < was["least"]
    known = each["least"] != each["most"] and was["least"] != was["most"]
    return change if apart and abs(change) >= (NOISE if known else NOISE_OF_ONE) else 0


def gone(old: dict, new: dict) -> list:
    """Figures that the new result should have: those of the benchmarks that it was to run."""
    names = {each["name"] for each in new["figures"]}
    lost = [each["name"] for each in old["figures"] if each["name"] not in names]
    return [name for name in lost if "asked" not in new or group(name) in new["asked"]]


def differences(old: dict, new: dict) -> list:
    """What the two results do not have in common."""
    lines = []
    before, now = (each.get("machine", {}).get("processor") for each in (old, new))
    if before != now:
        lines.append(f"the two results are of different machines: {before} and {now}")
    if bool(old.get("quick")) != bool(new.get("quick")):
        lines.append(f"only the {'old' if old.get('quick') else 'new'} result is of --quick, which "
                     "measures less, and less often")
    return lines


def compare(old: dict, new: dict) -> tuple:
    """Lines that say what changed by more than noise, and how many figures got worse, are gone or
    could not be measured."""
    before = {each["name"]: each for each in old["figures"]}
    lines, bad = [], 0
    for each in new["figures"]:
        was = before.get(each["name"])
        change = change_of(was, each) if was and each["better"] else 0
        if not change:
            continue
        good = (change > 0) == (each["better"] == "higher")
        bad += not good
        lines.append(f"{'better' if good else 'WORSE ':<6} {each['name']:<58} "
                     f"{short(was['value'])} -> {short(each['value'])} {each['unit']} "
                     f"({change:+.0%})")
    lost, failed = gone(old, new), list(new.get("failed", ()))
    lines += [f"GONE   {name}" for name in lost] + [f"FAILED {name}" for name in failed]
    lines = differences(old, new) + (lines or ["nothing changed by more than noise"])
    return lines, bad + len(lost) + len(failed)


def cell(figure: dict) -> str:
    unit = figure["unit"] if figure["unit"] in ("", "/s") else f" {figure['unit']}"
    return f"{short(figure['value'])}{unit}{' *' if figure.get('bound') else ''}"


def spread(figure: dict) -> str:
    return "" if figure["least"] == figure["most"] else \
        f"{short(figure['least'])} to {short(figure['most'])}"


def with_spread(figure: dict) -> str:
    return f"{cell(figure)} ({spread(figure)})" if spread(figure) else cell(figure)


def pivot(figures: list) -> tuple:
    """What can be a table of rows and columns, "ROW, COLUMN" by name, and the others."""
    rows, others = {}, []
    for each in figures:
        row, comma, column = each["name"].rpartition(", ")
        if comma:
            rows.setdefault(row, {})[column] = each
    columns = [tuple(cells) for cells in rows.values() if len(cells) > 1]
    rows = {row: cells for row, cells in rows.items() if columns.count(tuple(cells)) > 1}
    inside = {id(each) for cells in rows.values() for each in cells.values()}
    others = [each for each in figures if id(each) not in inside]
    return rows, others


def table(result: dict) -> str:
    """The result in Markdown, one part for each benchmark."""
    machine = result.get("machine", {})
    out = [f"{machine.get('processor', 'unknown')}, {machine.get('processors', '?')} processors, Linux "
           f"{machine.get('kernel', '?')}, commit {machine.get('commit', '?')}, "
           f"{machine.get('time', '?')} UTC{', --quick' if result.get('quick') else ''}"]
    groups = {}
    for each in result["figures"]:
        name = each["name"].partition(": ")[2]
        groups.setdefault(group(each["name"]), []).append({**each, "name": name})
    for title, figures in groups.items():
        rows, others = pivot(figures)
        for columns in dict.fromkeys(tuple(cells) for cells in rows.values()):
            out += ["", f"| {title} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
            out += [f"| {row} | {' | '.join(with_spread(cells[c]) for c in columns)} |"
                    for row, cells in rows.items() if tuple(cells) == columns]
        if others:
            out += ["", f"| {title} | median | least to most |", "|---|---|---|"]
            out += [f"| {each['name']} | {cell(each)} | {spread(each)} |" for each in others]
    if any(each.get("bound") for each in result["figures"]):
        out.append(f"\n\\* a bound: the generator was busy for more than {BUSY:.0%} of the time, so that linehunt "
                   "may do better (or, what it is compared with)")
    out += [f"\nNot measured: {', '.join(result['failed'])}"] if result.get("failed") else []
    return "\n".join(out)

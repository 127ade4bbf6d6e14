# SPDX-License-Identifier: Apache-2.0
"""Figures: medians with their spread, one JSON for all, and what got slower since another one."""

import json
import math
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path

NOISE = 0.05  # a difference below this is none, however narrow the spread
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

    @property
    def spread(self) -> float:
        return (self.most - self.least) / self.value if self.value else 0.0

    def __str__(self) -> str:
        many = f"   {short(self.least)} to {short(self.most)} in {self.runs} runs" \
            if self.runs > 1 else ""
        return f"{self.name:<58} {short(self.value):>11} {self.unit}{many}"


def short(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def figure(name: str, values: list, unit: str, better: str = "") -> Figure:
    return Figure(name, statistics.median(values), unit, better, min(values), max(values),
                  len(values))


class Results:
    """What one run of tools/bench has found. Figures are printed as they come."""

    def __init__(self, machine: dict, quick: bool):
        self.machine = machine
        self.quick = quick
        self.figures = []
        self.details = {}
        self.failed = []  # names of what could not be measured

    def add(self, *figures: Figure) -> None:
        for each in figures:
            self.figures.append(each)
            print(each, flush=True)

    def write(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({
            "machine": self.machine, "quick": self.quick, "failed": self.failed,
            "figures": [asdict(each) for each in self.figures],
            "details": self.details}, indent=1) + "\n", encoding="utf-8")


def compare(old: dict, new: dict) -> tuple:
    """Lines that say what changed by more than noise, and how many figures got worse."""
    before = {each["name"]: each for each in old["figures"]}
    lines, worse = [], 0
    for each in new["figures"]:
        was = before.get(each["name"])
        if not was or not each["better"] or each["value"] == was["value"]:
            continue
        change = each["value"] / was["value"] - 1 if was["value"] else math.inf
        apart = each["least"] > was["most"] or each["most"] < was["least"]
        known = each["least"] != each["most"] and was["least"] != was["most"]
        if abs(change) < (NOISE if known else NOISE_OF_ONE) or not apart:
            continue
        good = (change > 0) == (each["better"] == "higher")
        worse += not good
        lines.append(f"{'better' if good else 'WORSE ':<6} {each['name']:<58} "
                     f"{short(was['value'])} -> {short(each['value'])} {each['unit']} "
                     f"({change:+.0%})")
    missing = [name for name in before if name not in {each["name"] for each in new["figures"]}]
    lines += [f"gone   {name}" for name in missing]
    if old.get("machine", {}).get("processor") != new.get("machine", {}).get("processor"):
        lines.insert(0, "the two results are of different machines: "
                        f"{old.get('machine', {}).get('processor')} and "
                        f"{new.get('machine', {}).get('processor')}")
    return lines or ["nothing changed by more than noise"], worse


def cell(figure: dict) -> str:
    unit = figure["unit"] if figure["unit"] in ("", "/s") else f" {figure['unit']}"
    return f"{short(figure['value'])}{unit}"


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
        group, _, name = each["name"].partition(": ")
        groups.setdefault(group, []).append({**each, "name": name})
    for group, figures in groups.items():
        rows, others = pivot(figures)
        for columns in dict.fromkeys(tuple(cells) for cells in rows.values()):
            out += ["", f"| {group} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
            out += [f"| {row} | {' | '.join(with_spread(cells[c]) for c in columns)} |"
                    for row, cells in rows.items() if tuple(cells) == columns]
        if others:
            out += ["", f"| {group} | median | least to most |", "|---|---|---|"]
            out += [f"| {each['name']} | {cell(each)} | {spread(each)} |" for each in others]
    out += [f"\nNot measured: {', '.join(result['failed'])}"] if result.get("failed") else []
    return "\n".join(out)

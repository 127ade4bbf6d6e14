# SPDX-License-Identifier: Apache-2.0
"""The table of loads that the demo keeps on the terminal, and the peaks seen so far."""

import sys
import time

BAR_WIDTH = 30
LINE_EVERY_S = 2.0  # where the output is no terminal


class LoadTable:
    """Fed with what `linehuntctl --json list` says."""

    def __init__(self, title: str):
        self._title = title
        self._live = sys.stdout.isatty()
        self._drawn_lines = 0
        self._last_line = 0.0
        self._began = time.monotonic()
        self.destinations = []
        self.peaks = {}  # (destination id, resource) -> load

    def update(self, destinations: list) -> None:
        self.destinations = destinations
        for entry in destinations:
            for each in entry["Resources"]:
                key = (entry["id"], each["name"])
                self.peaks[key] = max(self.peaks.get(key, 0), each["load"])

    def draw(self, done: int, total: int, failed: int) -> None:
        seconds = time.monotonic() - self._began
        progress = f"{seconds:5.1f} s  {done} of {total} calls over, {failed} failed"
        if self._live:
            self._redraw([f"{self._title}    {progress}", "", *self._rows()])
        elif time.monotonic() - self._last_line >= LINE_EVERY_S:
            self._last_line = time.monotonic()
            print(f"{progress}; {self._brief()}", flush=True)

    def _rows(self) -> list:
        rows = [f"{'destination':24} {'resource':9} {'load':>5} {'of':>5} {'peak':>5}"]
        for entry in self.destinations:
            name = f"{entry['id']} {entry['uri']}"
            if entry["enabled"] != "yes":
                name += " (disabled)"
            for each in entry["Resources"]:
                peak = self.peaks[(entry["id"], each["name"])]
                rows.append(f"{name:24} {each['name']:9} {each['load']:5} {each['max']:5} "
                            f"{peak:5}  {bar(each['load'], each['max'], peak)}")
                name = ""
        return rows

    def _brief(self) -> str:
        return "  ".join(
            f"{entry['id']}: " + " ".join(f"{each['name']} {each['load']}/{each['max']}"
                                          for each in entry["Resources"])
            for entry in self.destinations)

    def _redraw(self, lines: list) -> None:
        # Back to the first line of the last drawing, then each line anew.
        up = f"\x1b[{self._drawn_lines}A" if self._drawn_lines else ""
        print(up + "".join(f"\x1b[2K{line}\n" for line in lines), end="", flush=True)
        self._drawn_lines = len(lines)


def bar(load: int, capacity: int, peak: int) -> str:
    if capacity <= 0:
        return ""
    filled = min(BAR_WIDTH, round(BAR_WIDTH * load / capacity))
    reached = min(BAR_WIDTH, round(BAR_WIDTH * peak / capacity))
    return "#" * filled + "-" * (reached - filled) + "." * (BAR_WIDTH - max(filled, reached))

# SPDX-License-Identifier: Apache-2.0
"""Line charts as SVG, written directly: axes with units, a legend, points with their lines."""

import math
from dataclasses import dataclass
from html import escape
from pathlib import Path

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 92, 24, 56, 64
COLOURS = ["#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#57606a"]


@dataclass
class Axis:
    label: str
    logarithmic: bool = False


def ticks_of(low: float, high: float, logarithmic: bool) -> list:
    if logarithmic:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        return [10.0 ** power for power in range(first, last + 1)]
    span = high - low or 1
    step = 10 ** math.floor(math.log10(span / 5))
    for factor in (1, 2, 5, 10):
        if span / (step * factor) <= 6:
            step *= factor
            break
    first = math.floor(low / step)
    return [step * n for n in range(first, math.ceil(high / step) + 1)]


def readable(value: float) -> str:
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:g}{letter}"
    return f"{value:g}"


def cross(x: float, y: float, colour: str) -> str:
    return (f'<path class="cross" d="M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10" fill="none" '
            f'stroke="{colour}" stroke-width="2"/>')


def point(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'


def chart(file: Path, title: str, x: Axis, y: Axis, lines: dict, *, crossed: list = (),
          crossed_name: str = "") -> None:
    """`lines`: name -> list of (x, y). Points at the x of `crossed` are crosses, which the legend
    calls `crossed_name`."""
    points = [(a, b) for line in lines.values() for a, b in line
              if (a > 0 or not x.logarithmic) and (b > 0 or not y.logarithmic)]
    if not points:
        return
    x_ticks = ticks_of(min([p[0] for p in points] + ([] if x.logarithmic else [0])),
                       max(p[0] for p in points), x.logarithmic)
    y_ticks = ticks_of(min([p[1] for p in points] + ([] if y.logarithmic else [0])),
                       max(p[1] for p in points), y.logarithmic)

    def scale(axis: Axis, ticks: list, begin: float, end: float):
        turn = math.log10 if axis.logarithmic else float
        low, high = turn(ticks[0]), turn(ticks[-1])
        if high == low:
            high = low + 1
        return lambda value: begin + (turn(value) - low) / (high - low) * (end - begin)

    at_x = scale(x, x_ticks, LEFT, WIDTH - RIGHT)
    at_y = scale(y, y_ticks, HEIGHT - BOTTOM, TOP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif" font-size="13">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           f'<text x="{LEFT}" y="24" font-size="16" font-weight="bold">{escape(title)}</text>']
    for value in x_ticks:
        out.append(f'<path d="M{at_x(value):.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#e5e5e5"/>'
                   f'<text x="{at_x(value):.1f}" y="{HEIGHT - BOTTOM + 18}" '
                   f'text-anchor="middle">{readable(value)}</text>')
    for value in y_ticks:
        out.append(f'<path d="M{LEFT} {at_y(value):.1f}H{WIDTH - RIGHT}" stroke="#e5e5e5"/>'
                   f'<text x="{LEFT - 8}" y="{at_y(value) + 4:.1f}" '
                   f'text-anchor="end">{readable(value)}</text>')
    out.append(f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" '
               'stroke="black"/>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 22}" '
               f'text-anchor="middle">{escape(x.label)}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    out.append(f'<text x="20" y="{middle}" text-anchor="middle" '
               f'transform="rotate(-90 20 {middle})">{escape(y.label)}</text>')
    legend = LEFT
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        shown = [(at_x(a), at_y(b), cross if a in crossed else point) for a, b in sorted(line)
                 if (a > 0 or not x.logarithmic) and (b > 0 or not y.logarithmic)]
        if not shown:
            continue
        path = "L".join(f"{a:.1f} {b:.1f}" for a, b, _ in shown)
        out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [mark(a, b, colour) for a, b, mark in shown]
        out.append(f'<rect x="{legend}" y="35" width="14" height="4" fill="{colour}"/>'
                   f'<text x="{legend + 19}" y="42">{escape(name)}</text>')
        legend += 34 + 7.2 * len(name)
    if crossed:
        out += [cross(legend + 7, 37, "black"),
                f'<text x="{legend + 19}" y="42">{escape(crossed_name)}</text>']
    out.append("</svg>")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(out) + "\n", encoding="utf-8")

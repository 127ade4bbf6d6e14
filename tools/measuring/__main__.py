# SPDX-License-Identifier: Apache-2.0
"""tools/bench calls, peers, scale, overload, all; and --compare. The shell script has built what is
needed."""

import argparse
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from . import calls, overload, peers, scale
from .machine import ROOT, BenchError, described
from .results import Figure, Results, compare

NAMES = ("calls", "peers", "scale", "overload")
PROGRAMS = ("parse", "engine", "selection")


def charts(results: Results, quick: bool, folder: Path) -> None:
    calls.run(results, quick)
    calls.curve(results, quick, folder)


def program(results: Results, name: str, quick: bool) -> None:
    """A benchmark program of tests/bench; its own JSON becomes a detail, its output is shown."""
    file = ROOT / "build" / f"bench_{name}.json"
    words = [str(ROOT / f"build/tests/bench/bench_{name}")]
    if name != "selection":
        words += ["--json", str(file)] + (["--quick"] if quick else [])
    told = subprocess.run(words, cwd=ROOT, text=True, capture_output=True)
    print(told.stdout, flush=True)
    if told.returncode != 0:
        raise BenchError(f"bench_{name} ended with {told.returncode}: {told.stderr.strip()}")
    results.details[name] = json.loads(file.read_text()) if name != "selection" else told.stdout
    if name == "engine":
        for row in results.details[name]["rows"]:
            results.add(Figure(f"engine: {row['message']}", row["median_ns"], "ns", "lower",
                               row["p10_ns"], row["p90_ns"], 1))


def run(names: list, quick: bool, file: Path, folder: Path) -> bool:
    """Whether all could be measured; what one cannot does not keep the others from it."""
    good = True
    results = Results(described(), quick)
    steps = {
        "calls": lambda: charts(results, quick, folder),
        "peers": lambda: peers.run(results, quick),
        "scale": lambda: scale.run(results, quick, folder),
        "overload": lambda: overload.run(results, quick, folder),
        **{name: (lambda name=name: program(results, name, quick)) for name in PROGRAMS},
    }
    for name in names:
        began = time.monotonic()
        print(f"-- {name}", flush=True)
        try:
            steps[name]()
        except (BenchError, subprocess.TimeoutExpired) as failure:
            good = False
            print(f"tools/bench: {name}: {failure}", file=sys.stderr, flush=True)
        print(f"   {time.monotonic() - began:.0f} s", flush=True)
        results.write(file)
    return good


def read_result(file: Path) -> dict:
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
        result["figures"]
        return result
    except (OSError, ValueError, KeyError, TypeError) as failure:
        sys.exit(f"tools/bench: {file} is no result of tools/bench: {failure}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/bench")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path, default=ROOT / "build/bench/result.json")
    parser.add_argument("--charts", type=Path)
    parser.add_argument("--compare", type=Path)
    arguments = parser.parse_args()
    names = list(arguments.names)
    if names == ["all"]:
        names = [*PROGRAMS, *NAMES]
    unknown = [name for name in names if name not in (*NAMES, *PROGRAMS)]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(NAMES + PROGRAMS)}")
    # Read before anything runs: it may be the file that is about to be written.
    old = read_result(arguments.compare) if arguments.compare else None
    file = arguments.json.resolve()
    # Hugepages, mounts and namespaces are given back on every way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    good = True
    if names:
        good = run(names, arguments.quick, file, arguments.charts or file.parent)
        print(f"result: {file}")
    if old is None:
        return 0 if good else 1
    lines, worse = compare(old, read_result(file))
    print("\n".join(lines))
    return 0 if good and not worse else 1


if __name__ == "__main__":
    sys.exit(main())

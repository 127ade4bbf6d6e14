# SPDX-License-Identifier: Apache-2.0
"""tools/bench, after the shell script has built what is needed: runs what was named, and compares or
renders results."""

import argparse
import json
import sys
import time
import traceback
from pathlib import Path

from testing import interruption

from . import built, calls, overload, peers, pieces, scale, syscalls
from .machine import BUILD, BenchError, described
from .results import Results, compare, table

NAMES = (*pieces.NAMES, "calls", "peers", "scale", "overload", "syscalls")


def charts(results: Results, quick: bool, folder: Path) -> None:
    calls.run(results, quick)
    calls.curve(results, quick, folder)


def run(names: list, quick: bool, file: Path, folder: Path) -> bool:
    """Whether all could be measured; what one cannot does not keep the others from it."""
    try:
        results = Results({**described(), **built.described()}, quick)
    except BenchError as failure:
        sys.exit(f"tools/bench: {failure}")
    results.asked = names
    steps = {
        "calls": lambda: charts(results, quick, folder),
        "peers": lambda: peers.run(results, quick),
        "scale": lambda: scale.run(results, quick, folder),
        "overload": lambda: overload.run(results, quick, folder),
        "syscalls": lambda: syscalls.run(results, quick),
        **{name: (lambda name=name: pieces.run(results, name, quick, folder))
           for name in pieces.NAMES},
    }
    for name in names:
        began = time.monotonic()
        print(f"-- {name}", flush=True)
        try:
            steps[name]()
        except Exception as failure:  # whatever it is, the others can be measured
            if not isinstance(failure, BenchError):
                traceback.print_exc()
            results.fail(name, failure)
        print(f"   {time.monotonic() - began:.0f} s", flush=True)
        try:
            results.write(file)
        except OSError as failure:  # of root, after a run with sudo
            sys.exit(f"tools/bench: {failure}; name another file with --json")
    if results.failed:
        print(f"tools/bench: not measured: {', '.join(results.failed)}", file=sys.stderr, flush=True)
    return not results.failed


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
    parser.add_argument("--json", type=Path, default=BUILD / "bench/result.json")
    parser.add_argument("--charts", type=Path)
    parser.add_argument("--compare", type=Path)
    parser.add_argument("--table", type=Path)
    arguments = parser.parse_args()
    names = list(arguments.names)
    if "all" in names:
        names = list(NAMES)
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
    # Read before anything runs: it may be the file that is about to be written.
    old = read_result(arguments.compare) if arguments.compare else None
    if arguments.table:
        print(table(read_result(arguments.table)))
    file = arguments.json.resolve()
    # Hugepages, mounts and namespaces are given back on every way out.
    interruption.install()
    good = True
    if names:
        good = run(names, arguments.quick, file, arguments.charts or file.parent)
        print(f"result: {file}")
    if old is None:
        return 0 if good else 1
    lines, bad = compare(old, read_result(file))
    print("\n".join(lines))
    return 0 if good and not bad else 1


if __name__ == "__main__":
    sys.exit(main())

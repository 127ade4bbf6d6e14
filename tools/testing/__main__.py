# SPDX-License-Identifier: Apache-2.0
"""Command line of the test runner: picks the suites, runs them, prints the counts."""

import argparse
import contextlib
import os
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Callable

from . import interruption
from .results import Tally, failed
from .suites import (DEFAULT_SUITES, SANITIZED, SUITES, Options, build_release,
                     build_sanitized)

# Longer than tests/e2e/run has, whose cases remove what they made.
PATIENCE_S = 30


def run_suite(name: str, options: Options) -> tuple:
    """A fault of the suite itself is a failed case, so that the others and the summary are still seen."""
    interruption.go_on()
    print(f"== {name}", flush=True)
    began = time.monotonic()
    try:
        tally = SUITES[name](options)
    except Exception:  # noqa: BLE001 - whatever it is, the traceback says it
        tally = failed(f"{name}: the suite broke off", traceback.format_exc())
    return tally, f"{name:8} {tally.line()}  ({time.monotonic() - began:.0f} s)"


def prepared(build: Callable) -> list:
    """Of a build for several suites, only what went wrong."""
    try:
        build()
    except Exception:  # noqa: BLE001
        return [(failed("building for several suites broke off", traceback.format_exc()),
                 "building broke off")]
    return []


def run_suites(names: list, options: Options) -> list:
    """One after another; but the end-to-end cases, which mostly wait, go on beside the others."""
    if "e2e" not in names or len(names) == 1:
        return [run_suite(name, options) for name in names]
    with ThreadPoolExecutor(1) as beside:
        results = prepared(build_release)
        e2e = beside.submit(run_suite, "e2e", options)
        # Of this thread and what it starts: real calls have real timers, builds can wait.
        os.nice(10)
        sanitized = [name for name in names if name in SANITIZED]
        for name in names:
            if name in sanitized[:1]:
                results += prepared(lambda: build_sanitized(sanitized))
            if name != "e2e":
                results.append(run_suite(name, options))
        return [*results, e2e.result()]


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/test")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("suites", nargs="*", metavar="SUITE")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.suites if name not in SUITES]
    if unknown:
        parser.error(f"no suite '{unknown[0]}'; there are: {', '.join(SUITES)}")

    options = Options(quick=arguments.quick)
    interruption.install(PATIENCE_S)
    try:
        results = run_suites(arguments.suites or DEFAULT_SUITES, options)
        interruption.go_on()
    except interruption.Interrupted as end:
        with contextlib.suppress(OSError):  # the terminal may be gone
            print(f"\ntools/test: {end}", flush=True)
        return end.code
    total = Tally()
    lines = []
    for tally, line in results:
        lines.append(line)
        total.add(tally)

    print("\n== summary")
    for reason in total.skip_reasons:
        print(f"NOT RUN: {reason}")
    for second in total.second_tries:
        print(f"PASSED ALONE, FAILED BESIDE OTHERS: {second}")
    for failure in total.failures:
        print(f"FAILED: {failure}")
    print("\n".join(lines))
    print(total.line(), flush=True)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())

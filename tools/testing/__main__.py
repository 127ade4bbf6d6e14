# SPDX-License-Identifier: Apache-2.0
"""Command line of the test runner: picks the suites, runs them in order, prints the counts."""

import argparse
import sys
import time

from .results import Tally
from .suites import DEFAULT_SUITES, SUITES, Options


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/test")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("suites", nargs="*", metavar="SUITE")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.suites if name not in SUITES]
    if unknown:
        parser.error(f"no suite '{unknown[0]}'; there are: {', '.join(SUITES)}")

    options = Options(quick=arguments.quick)
    total = Tally()
    lines = []
    for name in arguments.suites or DEFAULT_SUITES:
        print(f"== {name}", flush=True)
        began = time.monotonic()
        tally = SUITES[name](options)
        seconds = time.monotonic() - began
        lines.append(f"{name:8} {tally.line()}  ({seconds:.0f} s)")
        total.add(tally)

    print("\n== summary")
    for reason in total.skip_reasons:
        print(f"NOT RUN: {reason}")
    for failure in total.failures:
        print(f"FAILED: {failure}")
    print("\n".join(lines))
    print(total.line(), flush=True)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())

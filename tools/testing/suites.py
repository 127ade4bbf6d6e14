# SPDX-License-Identifier: Apache-2.0
"""The suites by name. Each is a function from options to counts."""

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import interruption
from .builds import ASAN, PROGRAMS, RELEASE, ROOT, BuildError
from .fuzzing import fuzz
from .lint import lint, tidy
from .packaging import bare_build_suite, package_suite
from .programs import cores, run_suites
from .results import Tally, failed, read_junit, skipped


E2E_AT_ONCE = 2  # they mostly wait
E2E_LIMIT_S = 2 * 3600  # each case has a limit of its own
E2E_PATIENCE_S = 30  # then, for the removal of what it made


@dataclass(frozen=True)
class Options:
    quick: bool


def build_release() -> None:
    """At once, so that no build is in the way of the end-to-end cases, which start the demo, which
    builds. Only what some suite wants: most of unit and corpus is built with sanitizers alone. An
    error is left to the suites to tell."""
    try:
        RELEASE.compile(RELEASE.targets_without(("unit", "corpus"), but=("optimised",)))
    except BuildError:
        pass


def build_sanitized(names: list) -> None:
    """Of all those suites at once: each build has an end in which some processor has nothing to do.
    An error is left to the suites to tell."""
    try:
        targets = {"fuzzers"} if "fuzz" in names else set()
        for suite in ("unit", "corpus"):
            if suite in names:
                targets |= ASAN.targets_of(ASAN.test_programs(suite))
        ASAN.compile(tuple(sorted(targets)))
    except BuildError:
        pass


SANITIZED = ("unit", "corpus", "fuzz")


def run_cases(command: list) -> int:
    interruption.go_on()
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL) as run:
        try:
            status = run.wait(E2E_LIMIT_S)
        except subprocess.TimeoutExpired:
            run.terminate()
            try:
                run.wait(E2E_PATIENCE_S)
            finally:
                run.kill()
            raise
    interruption.go_on()
    return status


def run_e2e(options: Options) -> Tally:
    if os.geteuid() != 0:
        return skipped("e2e", "needs root for network namespaces: sudo tools/test e2e")
    try:
        RELEASE.compile(PROGRAMS)
    except BuildError as error:
        return failed("e2e: build", str(error))
    with tempfile.TemporaryDirectory(prefix="linehunt-e2e-") as folder:
        report = Path(folder) / "report.xml"
        command = ["tests/e2e/run", "--at-once", str(E2E_AT_ONCE), "--junit", str(report)]
        if options.quick:
            command.append("--quick")
        try:
            status = run_cases(command)
        except subprocess.TimeoutExpired:
            return failed(f"e2e: tests/e2e/run was not done after {E2E_LIMIT_S} s")
        if not report.exists():
            return failed(f"e2e: tests/e2e/run ended with {status} and wrote no report")
        tally = read_junit(report, "e2e")
        if status != 0 and not tally.failed:
            tally.add(failed(f"e2e: tests/e2e/run ended with {status}"))
        return tally


SUITES = {
    "lint": lambda options: lint(options.quick),
    "unit": lambda _: run_suites(ASAN, ("unit",), "unit", cores() + 1), # some of them mostly wait
    "corpus": lambda _: run_suites(ASAN, ("corpus",), "corpus", cores()),
    "optimised": lambda _: run_suites(RELEASE, ("optimised",), "optimised", cores()),
    "sim": lambda _: run_suites(RELEASE, ("sim",), "sim", cores()),
    "packet": lambda _: run_suites(RELEASE, ("packet",), "packet", 1),
    "fuzz": lambda options: fuzz(3 if options.quick else 30),
    "e2e": run_e2e,
    "tidy": lambda _: tidy(),
    "package": lambda _: package_suite(),
    "bare": lambda _: bare_build_suite(),
}
ONLY_WHEN_NAMED = ("tidy", "package", "bare")
DEFAULT_SUITES = [name for name in SUITES if name not in ONLY_WHEN_NAMED]

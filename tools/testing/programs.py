# SPDX-License-Identifier: Apache-2.0
"""Runs the test programs of a build and counts their cases."""

import os
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import interruption
from .builds import ROOT, Build, BuildError, TestProgram
from .results import Tally, failed, passed, read_junit, skipped

PROGRAM_LIMIT_S = 1800  # as meson has it for the longest
SHOWN_LINES = 20  # of a program that passed
FAILED_LINES = 80  # of a case, or of a program that ended early
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "abort_on_error=0:detect_leaks=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}


def run_program(program: TestProgram, label: str) -> Tally:
    """One program. A program that is no GoogleTest program counts as one case, and what it has
    counted itself is shown."""
    name = f"{label} {program.name}"
    with tempfile.TemporaryDirectory(prefix="linehunt-test-") as folder:
        report = Path(folder) / "report.xml"
        environment = {**os.environ, **SANITIZER_OPTIONS, **dict(program.environment)}
        environment["GTEST_OUTPUT"] = f"xml:{report}"
        # GoogleTest makes it when it begins and removes it when it is done.
        at_work = Path(folder) / "at_work"
        environment["TEST_PREMATURE_EXIT_FILE"] = str(at_work)
        began = time.monotonic()
        try:
            told = interruption.run(
                program.command, cwd=program.directory, env=environment, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                errors="replace", timeout=PROGRAM_LIMIT_S,
            )
        except subprocess.TimeoutExpired as late:
            output = (late.output or b"").decode(errors="replace")
            return failed(f"{name}: not done after {PROGRAM_LIMIT_S} s", output)
        seconds = time.monotonic() - began
        report_read = report.exists()
        if report_read:
            tally = read_junit(report, name)
            if told.returncode != 0 and not tally.failed:
                tally.add(failed(f"{name}: exit status {told.returncode}"))
        elif at_work.exists():
            tally = Tally(failed=1, failures=[
                f"{name}: exit status {told.returncode} before its end"])
        elif told.returncode == 77:  # meson's word for a test that could not run
            return skipped(name, told.stdout.strip().splitlines()[-1] if told.stdout else "no word")
        else:
            tally = passed() if told.returncode == 0 else Tally(
                failed=1, failures=[f"{name}: exit status {told.returncode}"])
    lines = [f"{name}: {tally.line()}  ({seconds:.1f} s)"]
    if tally.failed:
        lines += ["    " + line for line in of_failed_cases(told.stdout)]
    elif not report_read:
        lines += ["    " + line for line in told.stdout.strip().splitlines()[-SHOWN_LINES:]]
    print("\n".join(lines), flush=True)  # at once, since programs run side by side
    return tally


def of_failed_cases(output: str) -> list:
    """What a GoogleTest program said while a case ran that failed, and at its end where it did not
    come to its summary or a sanitizer has spoken behind it; of any other program its last lines."""
    lines = output.strip().splitlines()
    shown, begin, end = [], None, 0
    for number, line in enumerate(lines):
        if line.startswith("[ RUN "):
            begin = number
        elif begin is not None and line.startswith(("[       OK ]", "[  SKIPPED ]", "[  FAILED  ]")):
            if line.startswith("[  FAILED  ]"):
                shown += lines[max(begin, number - FAILED_LINES):number + 1]
            begin, end = None, number + 1
    rest = lines[end:]
    if not shown or begin is not None or any("Sanitizer" in line for line in rest):
        shown += rest[-FAILED_LINES:]
    return shown


def run_suites(build: Build, suites: tuple, label: str, at_once: int) -> Tally:
    """Builds and runs every test of the suites, `at_once` of them side by side."""
    tally = Tally()
    try:
        programs = {}
        for suite in suites:
            found = build.test_programs(suite)
            if not found:
                tally.add(failed(f"{label}: {build.folder} has no program of suite '{suite}'"))
            programs.update((program.name, program) for program in found)
        if targets := build.targets_of(programs.values()):
            build.compile(tuple(sorted(targets)))
    except BuildError as error:
        tally.add(failed(f"{label}: build", str(error)))
        return tally
    with ThreadPoolExecutor(at_once) as pool:
        for result in pool.map(lambda program: run_program(program, label), programs.values()):
            tally.add(result)
    return tally


def cores() -> int:
    return len(os.sched_getaffinity(0))

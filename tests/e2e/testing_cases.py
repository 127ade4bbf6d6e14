# SPDX-License-Identifier: Apache-2.0
"""The test runner itself: that no failure is hidden by another, or by the runner's own faults."""

import contextlib
import io
import tempfile
from pathlib import Path

import cases
from cases import Result, case, check
from testing import __main__ as runner
from testing.results import Tally, passed, read_junit


@contextlib.contextmanager
def replaced(module, **values):
    """Names of a module stand for something else meanwhile. Gives what is printed."""
    before = {name: getattr(module, name) for name in values}
    output = io.StringIO()
    try:
        for name, value in values.items():
            setattr(module, name, value)
        with contextlib.redirect_stdout(output):
            yield output
    finally:
        for name, value in before.items():
            setattr(module, name, value)


@case
def a_report_takes_every_character():
    wrong = "\0 \x1b[31m \x08 \ud800 \ufffe"
    with tempfile.TemporaryDirectory() as name:
        report = Path(name) / "report.xml"
        cases.write_report([Result("one", "FAILED", f"said {wrong}\nä", 1.0),
                            Result("two", "not run", wrong, 1.0),
                            Result("three", "ok", "", 1.0, beside_others=wrong)], report)
        tally = read_junit(report, "e2e")
        check("said ? ?[31m ? ? ?&#10;ä" in report.read_text(encoding="utf-8"), report.read_text())
    check((tally.failures, tally.skip_reasons, tally.second_tries) ==
          (["e2e: e2e.one"], ["e2e: e2e.two: ? ?[31m ? ? ?"], ["e2e: e2e.three: ? ?[31m ? ? ?"]),
          f"{tally}")


@case
def a_suite_that_breaks_off_hides_no_other():
    def broken(_options=None) -> Tally:
        raise KeyError("what nobody thought of")

    suites = {"lint": broken, "e2e": lambda _: passed(), "fuzz": lambda _: passed()}
    with replaced(runner.os, nice=lambda _: None), replaced(
            runner, SUITES=suites, build_release=broken, build_sanitized=lambda _: None) as output:
        results = runner.run_suites(["lint", "fuzz", "e2e"], options=None)
        alone = runner.run_suites(["lint"], options=None)
    total = Tally()
    for tally, _ in results:
        total.add(tally)
    check((total.passed, total.failures) ==
          (2, ["building for several suites broke off", "lint: the suite broke off"]), f"{total}")
    check([tally.failed for tally, _ in alone] == [1], f"{alone}")
    check(output.getvalue().count("KeyError: 'what nobody thought of'") == 3, output.getvalue())

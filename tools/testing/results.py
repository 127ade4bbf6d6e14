# SPDX-License-Identifier: Apache-2.0
"""Counts of test cases, and reading them out of JUnit files as GoogleTest and the e2e suite write."""

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list = field(default_factory=list)  # one name each
    skip_reasons: list = field(default_factory=list)  # of suites or cases that could not run
    second_tries: list = field(default_factory=list)  # cases that failed beside others, passed alone

    def add(self, other: "Tally") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures
        self.skip_reasons += other.skip_reasons
        self.second_tries += other.second_tries

    def line(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def passed() -> Tally:
    return Tally(passed=1)


def failed(name: str, output: str = "") -> Tally:
    """One failed case; its output goes to the screen at once."""
    print(f"FAILED: {name}", flush=True)
    if output.strip():
        print("\n".join("    " + line for line in output.strip().splitlines()[-60:]), flush=True)
    return Tally(failed=1, failures=[name])


def skipped(name: str, reason: str) -> Tally:
    print(f"NOT RUN: {name}: {reason}", flush=True)
    return Tally(skipped=1, skip_reasons=[f"{name}: {reason}"])


def read_junit(path: Path, program: str) -> Tally:
    """Counts the cases of one program. Disabled cases did not run and count as skipped."""
    tally = Tally()
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{program}: {case.get('classname')}.{case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            tally.failed += 1
            tally.failures.append(name)
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            tally.skipped += 1
            reason = case.find("skipped")
            message = reason.get("message") if reason is not None else "disabled"
            tally.skip_reasons.append(f"{name}: {message}")
        else:
            tally.passed += 1
            # Only the e2e suite writes it: why the case failed at first.
            why = (case.findtext("system-out") or "").strip().splitlines()
            if why:
                tally.second_tries.append(f"{name}: {why[-1]}")
    return tally

# SPDX-License-Identifier: Apache-2.0
"""The list of end-to-end cases, running them, and the JUnit file that tools/test reads."""

import time
import traceback
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

ALL = []


class NotHere(Exception):
    """The case cannot run on this machine; the message says why."""


@dataclass
class Case:
    name: str
    run: Callable
    quick: bool


def case(function: Callable = None, *, quick: bool = True, **parameters):
    """Registers a function as a case. `parameters` go to it, and into the case's name."""

    def register(target: Callable) -> Callable:
        suffix = "".join(f" {key}={value}" for key, value in parameters.items())
        name = target.__name__.replace("_", " ") + suffix
        ALL.append(Case(name, lambda: target(**parameters), quick))
        return target

    return register(function) if function else register


def check(holds, message: str) -> None:
    if not holds:
        raise AssertionError(message)


def run_cases(cases: list, report: Path) -> bool:
    """Runs them in order. True if none failed."""
    suite = ElementTree.Element("testsuite", name="e2e")
    good = True
    for each in cases:
        began = time.monotonic()
        entry = ElementTree.SubElement(suite, "testcase", classname="e2e", name=each.name)
        word, detail = "ok", ""
        try:
            each.run()
        except NotHere as reason:
            word, detail = "not run", str(reason)
            ElementTree.SubElement(entry, "skipped", message=detail)
        except Exception as error:  # whatever a case raises is its failure
            good = False
            word, detail = "FAILED", str(error)
            if not isinstance(error, AssertionError):
                detail = traceback.format_exc()
            ElementTree.SubElement(entry, "failure", message=detail)
        seconds = time.monotonic() - began
        entry.set("time", f"{seconds:.3f}")
        print(f"e2e {each.name}: {word}  ({seconds:.1f} s)", flush=True)
        if detail:
            print("\n".join("    " + line for line in detail.strip().splitlines()), flush=True)
    if report:
        ElementTree.ElementTree(suite).write(report, encoding="utf-8", xml_declaration=True)
    return good

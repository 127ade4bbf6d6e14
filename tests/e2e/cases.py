# SPDX-License-Identifier: Apache-2.0
"""The list of end-to-end cases, running them, and the JUnit file that tools/test reads."""

import multiprocessing
import os
import re
import signal
import time
import traceback
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from testing import interruption

ALL = []
LIMIT_S = 900  # the longest take 100 s, and a demo may build before it begins
NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2


class NotHere(Exception):
    """The case cannot run on this machine; the message says why."""


class EndedBadly(AssertionError):
    """linehunt has died. No neighbour of the case is an excuse for that, so it is not tried again."""


class OverLimit(Exception):
    """The case hangs; the traceback says where."""


@dataclass
class Case:
    name: str
    run: Callable
    quick: bool
    group: str
    alone: bool


@dataclass
class Result:
    name: str
    word: str
    detail: str
    seconds: float
    died: bool = False  # linehunt has
    beside_others: str = ""  # why it failed there, where it did not alone


def case(function: Callable = None, *, quick: bool = True, group: str = "", alone: bool = False,
         **parameters):
    """Registers a function as a case. `parameters` go to it, and into the case's name. Cases of one
    group have something in common, so they run one after another; a case that is to be alone looks
    at times, loads or memory, or loads the machine itself, so that nothing runs beside it."""

    def register(target: Callable) -> Callable:
        suffix = "".join(f" {key}={value}" for key, value in parameters.items())
        name = target.__name__.replace("_", " ") + suffix
        if any(each.name == name for each in ALL):
            raise ValueError(f"two cases are called '{name}'")
        ALL.append(Case(name, lambda: target(**parameters), quick, group or name, alone))
        return target

    return register(function) if function else register


def check(holds, message: str) -> None:
    if not holds:
        raise AssertionError(message)


def wait_until(holds, what: str, limit_s: float = 10) -> None:
    began = time.monotonic()
    while not holds():
        check(time.monotonic() - began < limit_s, f"not within {limit_s} s: {what}")
        time.sleep(0.02)


def run_cases(cases: list, report: Path, at_once: int) -> bool:
    """Runs them, `at_once` side by side except those that are to be alone. True if none failed."""
    results = run_groups([each for each in cases if not each.alone], at_once)
    lonely = [each for each in cases if each.alone]
    if at_once > 1:
        # What failed may have been pushed aside by its neighbour: it is judged alone, and said.
        pushed = [name for name, result in results.items()
                  if result.word == "FAILED" and not result.died]
        if pushed:
            print("e2e: failed beside others, once more alone: " + "; ".join(pushed), flush=True)
        lonely += [each for each in cases if each.name in pushed]
    for name, again in run_groups(lonely, 1).items():
        first = results.get(name)
        if first is None or again.word == "ok":
            again.beside_others = first.detail if first else ""
            results[name] = again
    if report:
        write_report([results[each.name] for each in cases], report)
    for each in results.values():
        if each.beside_others:
            print(f"e2e {each.name}: passed alone, failed beside others:\n"
                  f"    {each.beside_others.strip().splitlines()[-1]}", flush=True)
    return all(each.word != "FAILED" for each in results.values())


def run_groups(cases: list, at_once: int) -> dict:
    groups = {}
    for each in cases:
        groups.setdefault(each.group, []).append(each.name)
    results = {}
    # Processes, because the number of one is in the names of what a case makes on the machine;
    # forked, so that they know the cases.
    with ProcessPoolExecutor(at_once, multiprocessing.get_context("fork")) as pool:
        # The biggest first, so that none is left at the end while nothing else is to be done.
        biggest_first = sorted(groups.values(), key=len, reverse=True)
        try:
            for done in as_completed([pool.submit(run_group, names) for names in biggest_first]):
                results.update(done.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            interruption.go_on()  # what the signal raised in the middle of a fork went nowhere
            raise
    return results


def run_group(names: list) -> dict:
    """In a process of the pool."""
    try:
        return {each.name: run_one(each) for each in ALL if each.name in names}
    except interruption.Interrupted as end:
        status = end.code
    # The case is cleaned up, its objects too, now that no exception refers to them. The pool would begin
    # another.
    os._exit(status)


def run_one(each: Case, limit_s: int = LIMIT_S) -> Result:
    interruption.go_on()
    began = time.monotonic()
    word, detail, died = "ok", "", False
    try:
        run_within(limit_s, each.run)
    except NotHere as reason:
        word, detail = "not run", str(reason)
    except (interruption.Interrupted, KeyboardInterrupt):
        raise
    except BaseException as error:  # whatever a case raises is its failure, an exit too
        word, detail, died = "FAILED", str(error), isinstance(error, EndedBadly)
        if not isinstance(error, AssertionError):
            detail = traceback.format_exc()
    seconds = time.monotonic() - began
    lines = [f"e2e {each.name}: {word}  ({seconds:.1f} s)"]
    lines += ["    " + line for line in detail.strip().splitlines()]
    print("\n".join(lines), flush=True)
    return Result(each.name, word, detail, seconds, died)


def run_within(limit_s: int, run: Callable) -> None:
    def stop(number: int, _frame) -> None:
        if interruption.waits(number):
            return
        raise OverLimit(f"not done after {limit_s} s")

    before = signal.signal(signal.SIGALRM, stop)
    left_s = signal.alarm(limit_s)  # of a case that runs others
    try:
        run()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        signal.alarm(left_s)


def write_report(results: list, report: Path) -> None:
    suite = ElementTree.Element("testsuite", name="e2e")
    for each in results:
        entry = ElementTree.SubElement(suite, "testcase", classname="e2e", name=each.name,
                                       time=f"{each.seconds:.3f}")
        if each.word == "not run":
            ElementTree.SubElement(entry, "skipped", message=in_xml(each.detail))
        elif each.word == "FAILED":
            ElementTree.SubElement(entry, "failure", message=in_xml(each.detail))
        if each.beside_others:
            ElementTree.SubElement(entry, "system-out").text = in_xml(each.beside_others)
    ElementTree.ElementTree(suite).write(report, encoding="utf-8", xml_declaration=True)


def in_xml(text: str) -> str:
    """What a message or a log may hold and XML has no place for becomes '?'."""
    return NOT_IN_XML.sub("?", text)

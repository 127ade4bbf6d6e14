# SPDX-License-Identifier: Apache-2.0
"""Whatever signal ends a tool, and however often: what it took is given back."""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import disks
from bench_cases import stubbed
from cases import case, check
from measuring import machine, programs
from testing.interruption import held

TOOLS = Path(__file__).resolve().parents[2] / "tools"
BEGUN = """
import time
from testing import interruption
interruption.install()
try:
    print("begun", flush=True)
    time.sleep(60)
finally:
    print("ending", flush=True)
    time.sleep(0.5)
    print("put away", flush=True)
"""


class Terminated(Exception):
    """By SIGTERM."""


@contextmanager
def sigterm_raises():
    def end(*_):
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def begun(*ignored: int) -> subprocess.Popen:
    def dispositions() -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)

    process = subprocess.Popen([sys.executable, "-B", "-c", BEGUN], text=True,
                               env={**os.environ, "PYTHONPATH": str(TOOLS)}, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               preexec_fn=dispositions)
    check(process.stdout.readline() == "begun\n", "it did not begin")
    return process


@case
def the_first_signal_ends_and_the_others_do_not_disturb():
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
        process = begun()
        process.send_signal(number)
        check(process.stdout.readline() == "ending\n", f"{number} did not end it")
        for again in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process.send_signal(again)
        output, _ = process.communicate(timeout=30)
        check((output, process.returncode) == ("put away\n", status),
              f"{number}: {output!r}, {process.returncode}")


@case
def a_signal_that_is_ignored_stays_so():
    process = begun(signal.SIGHUP)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    check(process.returncode == 143, f"{process.returncode}")


@case
def a_signal_waits_until_all_is_put_away():
    done = []
    with sigterm_raises():
        try:
            with held():
                with held():
                    os.kill(os.getpid(), signal.SIGTERM)
                    done.append("inner")
                done.append("outer")
            check(False, "the signal is lost")
        except Terminated:
            pass
    check(done == ["inner", "outer"], f"{done}")


class Pages:
    """The kernel's count of hugepages. Of those that are asked for it finds two before a signal comes."""

    def __init__(self, count: int):
        self.count = count
        self.calm = False

    def read_text(self) -> str:
        return f"{self.count}\n"

    def write_text(self, text: str) -> None:
        self.count = int(text) if self.calm else self.count + 2
        if not self.calm:
            self.calm = True
            os.kill(os.getpid(), signal.SIGTERM)


@case
def hugepages_are_given_back_by_whoever_is_interrupted_taking_them():
    pages = Pages(7)
    with stubbed(machine, PAGES=pages), sigterm_raises():
        try:
            with machine.Hugepages(20):
                check(False, "nothing interrupted it")
        except Terminated:
            pass
    check(pages.calm and pages.count == 7, f"{pages.count} pages, before 7")


class Commands:
    """In the place of `subprocess`: they do nothing, and of one a signal or an error comes."""

    DEVNULL = subprocess.DEVNULL

    def __init__(self, interrupted: str, missing: str):
        self.interrupted = interrupted
        self.missing = missing
        self.called = []

    def run(self, words: list, **_) -> subprocess.CompletedProcess:
        self.called.append(words[0])
        if words[0] == self.interrupted:
            os.kill(os.getpid(), signal.SIGTERM)
        if words[0] == self.missing:
            raise FileNotFoundError(words[0])
        return subprocess.CompletedProcess(words, 0)


@case(interrupted="mount", missing="", entered=False)
@case(interrupted="fsfreeze", missing="", entered=True)
@case(interrupted="umount", missing="fsfreeze", entered=True)
def a_disk_is_thawed_and_unmounted(interrupted: str, missing: str, entered: bool):
    commands, inside = Commands(interrupted, missing), False
    with tempfile.TemporaryDirectory() as name, stubbed(disks, subprocess=commands), sigterm_raises():
        try:
            with disks.disk_at(Path(name) / "disk"):
                inside = True
            check(False, "nothing interrupted it")
        except Terminated:
            pass
    check(commands.called == ["mkfs.ext4", "mount", "fsfreeze", "umount"], f"{commands.called}")
    check(inside == entered, f"{inside}")


@case
def a_device_that_cannot_be_ended_gives_back_its_memory():
    class memory:
        closed = False

        def close(self):
            self.closed = True

    def stop(_):
        raise OSError("it does not end")

    taken = memory()
    with tempfile.TemporaryDirectory() as name:
        left = Path(name) / "of-dpdk"
        left.mkdir()
        with stubbed(programs, stop=stop, DPDK_FOLDERS=Path(name)):
            try:
                programs.Device("linehunt", None, Path(name) / "log", taken, prefix=left.name).close()
                check(False, "nobody says that it runs on")
            except OSError as failure:
                check(str(failure) == "it does not end", f"{failure}")
        check(taken.closed and not left.exists(), f"{taken.closed}, {left.exists()}")

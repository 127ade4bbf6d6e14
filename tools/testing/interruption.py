# SPDX-License-Identifier: Apache-2.0
"""SIGINT, SIGTERM and SIGHUP end a run of the tests, or of the demo, with all that it started: the
signal becomes an exception, so that whoever made something on the machine removes it on the way out."""

import os
import signal
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Callable

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
REPEAT_S = 0.5

_number = 0  # of the signal that came, in this process
_depth = 0  # of the main thread's held()
_waiting = 0  # the signal that comes again when the outermost is over


class Interrupted(SystemExit):
    """`code` is the exit status that a shell would tell."""

    killed = frozenset()  # processes that did not end in time

    def __str__(self) -> str:
        what = f"interrupted by {signal.Signals(self.code - 128).name}; "
        if self.killed:
            return (f"{what}processes that had to be killed: {len(self.killed)}; look for what they left "
                    "in 'ip netns list' and /tmp")
        return f"{what}everything is cleaned up"


def install(patience_s: float = 0) -> None:
    """Of the main thread. With a patience, the signal goes on to the processes that this one has
    started, and they have so long for their own clean-up before they are killed; a process forked from
    this one just raises. What nohup, or a script's background, has made deaf to a signal stays so."""
    owner = os.getpid()

    def stop(number: int, _frame) -> None:
        global _number
        if _number or waits(number):
            return
        _number = number
        # Nothing disturbs the clean-up, nor the programs that it starts.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        end = Interrupted(128 + number)
        if patience_s and os.getpid() == owner:
            end.killed = end_children(number, patience_s)
        raise end

    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)


def end_children(number: int, patience_s: float) -> set:
    """Returns once none is left, with those that had to be killed. Other threads may start more
    meanwhile, which end as well. The signal is repeated, since a process that was forked just then may
    have missed it."""
    due, killed = {}, set()
    deadline = time.monotonic() + patience_s
    while running := children():
        now = time.monotonic()
        for process in running | in_sessions_of(running):
            if now > deadline:
                send(process, signal.SIGKILL)
                killed.add(process)
            elif now >= due.get(process, now):
                due[process] = now + REPEAT_S
                send(process, number)
        time.sleep(0.02)
    return killed


def in_sessions_of(leaders: set) -> set:
    """A shell that leads a session waits for what it has started, which no terminal tells to end."""
    leaders = {each for each in leaders if session(each) == each}
    return {each for each in processes() if session(each) in leaders} if leaders else set()


def send(process: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)


def children() -> set:
    """Process numbers of those that this process started and that have not ended."""
    found = set()
    for file in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):  # a thread that has ended
            found |= set(map(int, file.read_text(encoding="ascii").split()))
    return {child for child in found if not ended(child)}


def end_all(which: Callable[[int], bool], patience_s: float = 10) -> None:
    """Kills every process of the machine of which it holds, until there is none."""
    deadline = time.monotonic() + patience_s
    while (found := [process for process in processes() if which(process) and not ended(process)]
           ) and time.monotonic() < deadline:
        for process in found:
            send(process, signal.SIGKILL)
        time.sleep(0.02)


def processes() -> list:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def ended(process: int) -> bool:
    """Also one whose exit status has not been fetched yet."""
    return not (fields := status_of(process)) or fields[0] in "ZX"


def session(process: int) -> int:
    fields = status_of(process)
    return int(fields[3]) if fields else 0


def status_of(process: int) -> list:
    """Fields of proc(5)'s stat from the state on; none of a process that is gone."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return stat.rpartition(")")[2].split()


def go_on() -> None:
    """Raises in the other threads of a run what the signal has raised in the main one."""
    if _number:
        raise Interrupted(128 + _number)


def run(words: list, **parameters) -> subprocess.CompletedProcess:
    """subprocess.run, for any thread; of an interrupted run there is no result to judge."""
    go_on()
    told = subprocess.run(words, **parameters)
    go_on()
    return told


def run_as_session(words: list, *, input: str = None, timeout: float = None,
                   **parameters) -> subprocess.CompletedProcess:
    """subprocess.run, of which nothing that the command has started goes on alone."""
    with subprocess.Popen(words, start_new_session=True, **parameters) as process:
        try:
            output, error = process.communicate(input, timeout)
        except BaseException:
            end_all(lambda each: session(each) == process.pid)
            raise
    return subprocess.CompletedProcess(words, process.returncode, output, error)


@contextmanager
def held():
    """Signals, and the limit of a case, wait until the block is over: it removes something. The
    programs that it starts do not see them either."""
    global _depth
    handles = threading.current_thread() is threading.main_thread()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    if handles:
        _depth += 1
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, {*SIGNALS, signal.SIGALRM})
        yield
    finally:
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        finally:
            if handles:
                leave()


def waits(number: int) -> bool:
    """For a handler: whether its signal comes again when the main thread leaves held(). Another thread
    may have taken it, but Python's handlers run in the main one. A case that is interrupted needs no
    limit any more."""
    global _waiting
    if _depth and _waiting in (0, signal.SIGALRM):
        _waiting = number
    return _depth > 0


def leave() -> None:
    global _depth, _waiting
    _depth -= 1
    if not _depth and _waiting:
        number, _waiting = _waiting, 0
        signal.raise_signal(number)

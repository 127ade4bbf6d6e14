# SPDX-License-Identifier: Apache-2.0
"""Signals that end us: the first one leaves all contexts, and what they put away is put away whole."""

import signal
import sys
from contextlib import contextmanager

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_by_the_first_signal() -> None:
    """The first one is an exception; those after it are ignored, so that nothing cuts short what it
    began. One that is ignored already, as by nohup, stays so."""

    def end(number: int, _frame) -> None:
        for each in ENDING:
            signal.signal(each, signal.SIG_IGN)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + number)

    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)


@contextmanager
def undisturbed():
    """Signals wait until this is left. What is started meanwhile does not hear them either, so it
    must be nothing that stays."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

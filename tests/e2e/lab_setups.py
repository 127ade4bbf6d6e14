# SPDX-License-Identifier: Apache-2.0
"""What most cases begin with: a folder of their own and the study case on the wire."""

import signal
import subprocess
import tempfile
import time
import traceback
from contextlib import contextmanager
from pathlib import Path

from cases import EndedBadly, check
from lab.configuration import BALANCER, Configuration
from lab.study_case import StudyCase
from lab.wire import address

# Every way that frames come in, with one worker and with two.
DEVICES_AND_WORKERS = [("af_packet", 1), ("af_xdp", 2), ("af_packet", 2), ("af_xdp", 1)]


# No case needs the sizes of a product, and each start fills its tables and its pool.
SMALL_TABLES = {"calls_per_worker": 10_000, "transactions_per_worker": 2_000}
SMALL_POOL = {"mbufs": 4096}


NUDGE = Path(__file__).resolve().parent / "nudge.py"


def check_ended_well(lab: StudyCase, failure: str = "") -> None:
    """linehunt ends, if it still runs, with 0; and nothing but the case itself has killed it before.
    `failure` is what the case has found wrong already."""
    if lab.balancer is None:
        return
    status = lab.balancer.stop() if lab.balancer.running() else lab.balancer.process.returncode
    by = lab.balancer.stopped_by
    ours = [0]
    if by in (signal.SIGKILL, signal.SIGTERM) or (by == signal.SIGINT and failure):
        ours.append(-by)  # of SIGINT and SIGTERM: it may still be starting
    ran = status in ours
    refused = by is None and status > 0  # the case has seen why
    if not ran and not refused:
        raise EndedBadly(f"{failure}linehunt ended with {status}:\n{lab.balancer.tail()}")


@contextmanager
def ending_well(lab: StudyCase):
    """Also where the case fails: often what it finds wrong is only that linehunt has died."""
    try:
        yield
    except Exception as error:
        said = str(error) if isinstance(error, AssertionError) else traceback.format_exc()
        check_ended_well(lab, said + "\n")
        raise
    check_ended_well(lab)


def check_not_killed(told: subprocess.CompletedProcess) -> None:
    """Of a linehunt that was to end by itself."""
    if told.returncode < 0:
        raise EndedBadly(f"linehunt ended with {told.returncode}:\n{told.stdout}{told.stderr}")


@contextmanager
def study_case(device: str = "af_packet", workers: int = 1, limits: dict = SMALL_TABLES,
               runtime: dict = SMALL_POOL, **configuration):
    with tempfile.TemporaryDirectory(prefix="linehunt-e2e-") as name:
        with StudyCase(Configuration(Path(name), device, workers=workers, limits=limits,
                                     runtime=runtime, **configuration)) as lab, ending_well(lab):
            yield lab


class MbufWatch:
    """Asserts that a run takes no mbuf with it: no more are in use after it than before."""

    def __init__(self, lab: StudyCase):
        self._lab = lab
        # The smaller of two, since on a busy machine one may be counted with a frame on its way.
        self._before = min(self._at_rest(), self._at_rest())

    def check_none_lost(self, limit_s: float = 15) -> None:
        began = time.monotonic()
        while (now := self._at_rest()) > self._before:
            # Frames for neighbours that do not answer, and fragments, are given up after a while.
            check(time.monotonic() - began < limit_s,
                  f"{now} mbufs are in use, {self._before} were before the run")

    def _at_rest(self) -> int:
        """af_xdp keeps the frames that it sent last until it sends more, so every worker is made to
        send a single one before counting."""
        told = subprocess.run(
            [*self._lab.core.prefix(), "/usr/bin/python3", "-B", str(NUDGE), self._lab.core.ip,
             address(BALANCER), "12"], capture_output=True, text=True, timeout=20)
        check(told.returncode == 0, f"OPTIONS were not answered: {told.stderr}")
        return self._lab.balancer.statistics()["linehunt:mbufs_in_use"]


def diagnosis(lab: StudyCase) -> str:
    """What both sides said, for a case that failed."""
    text = lab.complaints()
    if lab.balancer:
        text += f"linehunt: {lab.balancer.tail()}"
    return text

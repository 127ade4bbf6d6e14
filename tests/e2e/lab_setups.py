# SPDX-License-Identifier: Apache-2.0
"""What most cases begin with: a folder of their own and the study case on the wire."""

import tempfile
from contextlib import contextmanager
from pathlib import Path

from lab.configuration import Configuration
from lab.study_case import StudyCase

# Every way that frames come in, with one worker and with two.
DEVICES_AND_WORKERS = [("af_packet", 1), ("af_xdp", 2), ("af_packet", 2), ("af_xdp", 1)]


@contextmanager
def study_case(device: str = "af_packet", workers: int = 1, **configuration):
    with tempfile.TemporaryDirectory(prefix="linehunt-e2e-") as name:
        with StudyCase(Configuration(Path(name), device, workers=workers, **configuration)) as lab:
            yield lab


def diagnosis(lab: StudyCase) -> str:
    """What both sides said, for a case that failed."""
    text = lab.complaints()
    if lab.balancer:
        text += f"linehunt: {lab.balancer.tail()}"
    return text

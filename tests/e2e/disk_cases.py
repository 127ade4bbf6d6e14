# SPDX-License-Identifier: Apache-2.0
"""Disks that hang or cannot be written."""

import time
from contextlib import contextmanager
from pathlib import Path

from cases import case, check
from disks import disk_at, freeze, thaw
from lab_setups import diagnosis, study_case

BOXES = {1: {"vm": 200}, 2: {"fax": 1}}


@contextmanager
def logging_to_a_disk_of_its_own():
    with study_case(boxes=BOXES) as lab:
        folder = Path(lab.folder) / "log"
        folder.mkdir()
        lab.configuration.more = f'\n[log]\nfile = "{folder / "l.log"}"\n'
        with disk_at(folder):
            yield lab, folder


@case
def a_log_file_on_a_disk_that_hangs_holds_up_nothing():
    with logging_to_a_disk_of_its_own() as (lab, folder):
        balancer = lab.start_balancer()
        lab.start_box(1)
        freeze(folder)
        core = lab.start_core([("VM_1", 100)] * 200, 50)
        longest = 0.0
        for number in range(60):
            began = time.monotonic()
            check(balancer.control("status", "2", ("disable", "enable")[number % 2])[0] == 0, "status")
            longest = max(longest, time.monotonic() - began)
        check(longest < 2, f"the control thread was away for {longest:.1f} s")
        check(balancer.statistics()["degraded:log_unwritten"] == 1, "it is not said")
        thaw(folder)
        check(core.wait(30) == 0, f"{core.counts()}\n{diagnosis(lab)}")

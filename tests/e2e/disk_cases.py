# SPDX-License-Identifier: Apache-2.0
"""Disks that hang or cannot be written."""

import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from cases import case, check, wait_until
from disks import disk_at, freeze, thaw
from lab.balancer import Balancer, program
from lab_setups import check_not_killed, diagnosis, study_case
from restart_cases import CALLS, HOLD_MS, check_all_lines_held, copies, end, keeping, state_of
from service_cases import start_calls

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


def remount(folder: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)


@case
def a_disk_that_is_read_only_keeps_nobody_from_serving():
    """Its calls go on, and are asked whether they live; what is written is written later."""
    with keeping(boxes={1: {"vm": CALLS}}) as lab:
        folder = state_of(lab)
        folder.mkdir()
        lab.configuration.more += f'calls_copied_every_s = 1\n[log]\nfile = "{folder / "l.log"}"\n'
        with disk_at(folder):
            lab.start_balancer()
            lab.start_box(1)
            core = start_calls(lab, CALLS, HOLD_MS)
            end(lab.balancer)
            (folder / "lock").unlink()
            remount(folder, "ro")
            balancer = lab.start_balancer()
            told = balancer.tail(100)
            for what in (f"state_dir {folder} cannot be written: Read-only file system",
                         "l.log cannot be opened", f"{CALLS} calls go on"):
                check(what in told, f"{what}: {told}")
            check_all_lines_held(lab)
            check(balancer.control("status", "1", "disable")[0] == 0, "disable")
            wait_until(lambda: balancer.statistics()["call_copies:failed"] > 0, "a copy that fails")
            counted = balancer.statistics()
            check(counted["degraded:changes_unsaved"] == counted["degraded:log_unwritten"] ==
                  counted["degraded:state_unwritten"] == 1, "it is not said")
            remount(folder, "rw")
            wait_until(lambda: copies(balancer) > 0, "a copy")
            check(not (folder / "calls.cbor").exists(), "a crash would take up what is older")
            wait_until(lambda: balancer.statistics()["degraded:changes_unsaved"] == 0, "the change")
            balancer.process.send_signal(signal.SIGUSR1)
            wait_until(lambda: balancer.statistics()["degraded:log_unwritten"] == 0, "the log")
            check(core.wait(30) == 0, f"a call was lost: {core.counts()}\n{diagnosis(lab)}")
            check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
            end(balancer)


@case
def a_state_dir_that_cannot_be_made_is_made_later():
    """Missing, on a disk that is read-only: that is no reason not to serve, either."""
    with keeping(boxes={1: {"vm": 5}}) as lab:
        disk, folder = state_of(lab), state_of(lab) / "of" / "one"
        disk.mkdir()
        lab.configuration.more = lab.configuration.more.replace(f'"{disk}"', f'"{folder}"')
        with disk_at(disk):
            remount(disk, "ro")
            balancer = lab.start_balancer()
            check(f"state_dir {folder} cannot be written: Read-only file system" in balancer.tail(100),
                  balancer.tail(100))
            remount(disk, "rw")
            wait_until(lambda: balancer.statistics()["degraded:state_unwritten"] == 0, "the folder")
            end(balancer)
            check((folder / "calls.cbor").exists(), "nothing was kept at the end")


@case
def a_file_that_may_not_grow_ends_nothing():
    """`ulimit -f`, or LimitFSIZE= of the unit: less than the file of calls would take."""
    count = 40
    with keeping(boxes={1: {"vm": count}}) as lab:
        balancer = lab.start_balancer()
        lab.start_box(1)
        start_calls(lab, count, 60_000)
        subprocess.run(["prlimit", "--pid", str(balancer.process.pid), "--fsize=4096:"], check=True)
        end(balancer)
        check("calls.cbor cannot be written: File too large" in balancer.tail(), balancer.tail())


@case
def a_state_dir_that_can_be_written_later_is_locked_then():
    """Also where there is nothing to write; and what the run before has left is put away."""
    with keeping(boxes={1: {"vm": 5}}, admin={"http": ""}) as lab:
        folder = state_of(lab)
        folder.mkdir()
        lab.configuration.more += "calls_copied_every_s = 0\n"
        with disk_at(folder):
            end(lab.start_balancer())
            check((folder / "calls.cbor").exists(), "an end leaves a file of calls")
            (folder / "operator.json").write_text("no JSON", encoding="ascii")
            (folder / "lock").unlink()
            remount(folder, "ro")
            balancer = lab.start_balancer()
            check(balancer.statistics()["degraded:state_unwritten"] == 1, "it is not said")
            remount(folder, "rw")
            wait_until(lambda: balancer.statistics()["degraded:state_unwritten"] == 0, "the folder")
            check(f"{folder} can be written now" in balancer.tail(100), balancer.tail(100))
            found = {each.name for each in folder.iterdir()} - {"lost+found", "learned.json"}
            check(found == {"lock", "operator.json.bad"}, f"{found}")
            text = lab.configuration.file.read_text(encoding="utf-8")
            second = lab.folder / "second.toml"
            second.write_text(text.replace("linehunt.sock", "second.sock"), encoding="utf-8")
            told = subprocess.run([*lab.device.prefix(), str(program()), "-c", str(second)],
                                  capture_output=True, text=True, timeout=20)
            check_not_killed(told)
            check(told.returncode == 1 and f"in use by another linehunt, process {balancer.process.pid}"
                  in told.stderr, f"{told.returncode}: {told.stderr}")
            end(balancer)
            check((folder / "calls.cbor").exists(), "nothing was kept at the end")


@case
def a_log_file_on_a_disk_that_hangs_does_not_hold_up_a_start():
    with logging_to_a_disk_of_its_own() as (lab, folder):
        freeze(folder)
        balancer = lab.start_balancer()
        check("cannot be opened yet, since its disk does not answer" in balancer.tail(100),
              balancer.tail(100))
        check(balancer.statistics()["degraded:log_unwritten"] == 1, "it is not said")
        check(balancer.control("status", "2", "disable")[0] == 0, "status")
        check("destination 2" in balancer.tail(100), "the log does not go on")
        thaw(folder)
        wait_until(lambda: balancer.statistics()["degraded:log_unwritten"] == 0, "the log")
        check(balancer.control("status", "2", "enable")[0] == 0, "status")
        check("enabled by an operator" in (folder / "l.log").read_text(encoding="utf-8"), "the file")


@case
def a_start_and_an_end_say_that_they_wait_for_the_disk_of_state_dir():
    with keeping(boxes={1: {"vm": 5}}) as lab:
        folder = state_of(lab)
        folder.mkdir()
        with disk_at(folder):
            freeze(folder)
            balancer = lab.balancer = Balancer(lab.device, lab.configuration)
            wait_until(lambda: f"{folder}: the start waits for its disk" in balancer.tail(100),
                       "the start says what it waits for", limit_s=20)
            thaw(folder)
            balancer.wait_ready()
            freeze(folder)
            balancer.process.send_signal(signal.SIGTERM)
            wait_until(lambda: f"{folder}: writing the calls takes long" in balancer.tail(100),
                       "the end says what it waits for", limit_s=30)
            check("the next start takes up the last copy" in balancer.tail(100), balancer.tail(100))
            thaw(folder)
            balancer.stopped_by = signal.SIGTERM
            check(balancer.process.wait(20) == 0, balancer.tail(100))
            check((folder / "calls.cbor").exists(), "the calls are not there")

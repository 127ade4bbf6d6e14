# SPDX-License-Identifier: Apache-2.0
"""What goes over a restart: calls with their lines, and what operators have changed."""

import json
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from cases import case, check, wait_until
from databases import KINDS
from disks import disk_at, freeze, thaw
from lab.configuration import FIRST_BOX, uri
from lab_setups import diagnosis, study_case
from service_cases import calls, start_calls

CALLS = 20
HOLD_MS = 12_000


def state_of(lab) -> Path:
    return Path(lab.folder) / "state"


@contextmanager
def keeping(**rest):
    """A lab whose linehunt keeps its state beside its configuration."""
    with study_case(**rest) as lab:
        lab.configuration.more = (
            f'\n[service]\nstate_dir = "{state_of(lab)}"\ndrain_limit_s = 20\n')
        yield lab


def end(balancer, by: int = signal.SIGTERM) -> None:
    check(balancer.stop(by, limit_s=10) == 0, balancer.tail())


def check_all_lines_held(lab) -> None:
    """As before: one more call is refused."""
    check(lab.balancer.loads()[1] == {"vm": CALLS}, f"{lab.balancer.loads()}")
    late = lab.start_core([("VM_1", 100)], 10, name="late", port=7300)
    wait_until(lambda: lab.balancer.statistics()["load_balancer:refused_no_capacity"] == 1,
               "the call that has no line")
    late.wait(10)


@case(before=1, after=1)
@case(before=1, after=2)
@case(before=2, after=1)
def calls_go_on_over_a_restart(before: int, after: int):
    with keeping(boxes={1: {"vm": CALLS}, 2: {"fax": 1}}, workers=before) as lab:
        lab.start_balancer()
        lab.start_box(1)
        core = start_calls(lab, CALLS, HOLD_MS)
        check(lab.balancer.loads()[1] == {"vm": CALLS}, f"{lab.balancer.loads()}")
        shown = {each["callid"]: each["timestart"] for each in lab.balancer.ask("calls")["Dialogs"]}
        end(lab.balancer)
        check(f"{CALLS} calls are kept" in lab.balancer.tail(), lab.balancer.tail())

        lab.configuration.workers = after
        balancer = lab.start_balancer()
        check(f"{CALLS} calls go on" in balancer.tail(), balancer.tail())
        check(not (state_of(lab) / "calls.cbor").exists(), "the calls could be taken up twice")
        check_all_lines_held(lab)
        listed = {each["callid"]: each["timestart"] for each in balancer.ask("calls")["Dialogs"]}
        check(listed.keys() == shown.keys(), f"{listed} {shown}")
        check(all(abs(listed[each] - shown[each]) <= 1 for each in shown), f"{listed} {shown}")

        check(core.wait(30) == 0, f"a call was lost: {core.counts()}\n{diagnosis(lab)}")
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
        counted = balancer.statistics()
        check(counted["load_balancer:calls_restored"] == CALLS, "calls_restored")
        check(counted["load_balancer:ended_bye"] == CALLS, "not all ended by their BYE")
        check(calls(balancer) == 0, "calls are left")


@case
def what_rings_is_waited_for_and_then_lost():
    with keeping(boxes={1: {"vm": 5}}) as lab:
        lab.start_balancer()
        core = lab.start_core([("VM_1", 100)], 10)  # to a box that does not answer
        wait_until(lambda: calls(lab.balancer) == 1, "a call")
        lab.balancer.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "draining" in lab.balancer.tail(), "draining")
        check(lab.balancer.running(), "it did not wait")
        # fr_timeout, and the call has failed.
        wait_until(lambda: not lab.balancer.running(), "the end", limit_s=15)
        check("0 calls are kept" in lab.balancer.tail(), lab.balancer.tail())
        core.wait(20)


def date_back(lab, seconds: int) -> None:
    """As if the wall clock had been set forward since."""
    file = state_of(lab) / "calls.cbor"
    written = file.read_bytes()
    at = written.index(b"written_at_us") + len(b"written_at_us")
    check(written[at] == 0x1b, "no CBOR number of eight bytes")
    then = int.from_bytes(written[at + 1:at + 9], "big") - seconds * 1_000_000
    file.write_bytes(written[:at + 1] + then.to_bytes(8, "big") + written[at + 9:])


@case
def calls_go_on_whatever_was_done_to_the_clock():
    with keeping(boxes={1: {"vm": CALLS}, 2: {"fax": 1}}) as lab:
        lab.start_balancer()
        lab.start_box(1)
        core = start_calls(lab, CALLS, HOLD_MS)
        end(lab.balancer)
        date_back(lab, 3600)
        balancer = lab.start_balancer()
        check(f"{CALLS} calls go on" in balancer.tail(), balancer.tail())
        check_all_lines_held(lab)
        check(core.wait(30) == 0, f"a call was lost: {core.counts()}\n{diagnosis(lab)}")
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
        end(balancer)
        # Of another start of the machine the clock is all there is.
        file = state_of(lab) / "calls.cbor"
        file.write_bytes(file.read_bytes().replace(b"boot_id", b"boot_xx"))
        date_back(lab, 3600)
        balancer = lab.start_balancer()
        check("calls.cbor.bad now" in balancer.tail(100) and "calls_valid_s is 300"
              in balancer.tail(100), balancer.tail(100))
        check(calls(balancer) == 0, "calls are there")
        end(balancer)


def crash(balancer) -> None:
    balancer.stop(signal.SIGKILL)


def copies(balancer) -> int:
    return balancer.statistics()["call_copies:written"]


@case(device="af_packet", workers=1)
@case(device="af_xdp", workers=2)
def calls_go_on_after_a_crash(device: str, workers: int):
    with keeping(boxes={1: {"vm": CALLS}, 2: {"fax": 1}}, device=device, workers=workers) as lab:
        lab.configuration.more += "calls_copied_every_s = 1\n"
        balancer = lab.start_balancer()
        lab.start_box(1)
        core = start_calls(lab, CALLS, HOLD_MS)
        before = copies(balancer)
        # One of those may have begun before the last call was answered.
        wait_until(lambda: copies(balancer) >= before + 2, "copies of the calls")
        crash(balancer)
        balancer = lab.start_balancer()
        check(f"{CALLS} calls go on" in balancer.tail() and "before a crash" in balancer.tail(),
              balancer.tail())
        check_all_lines_held(lab)
        check(core.wait(30) == 0, f"a call was lost: {core.counts()}\n{diagnosis(lab)}")
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
        check(balancer.statistics()["load_balancer:ended_bye"] == CALLS, "not all ended by their BYE")
        end(balancer)
        check([each.name for each in state_of(lab).glob("calls*")] == ["calls.cbor"],
              "a copy is left that is older than the end")


@case
def a_copy_that_cannot_be_written_is_told_and_harms_no_call():
    with keeping(boxes={1: {"vm": CALLS}}) as lab:
        lab.configuration.more += "calls_copied_every_s = 1\n"
        balancer = lab.start_balancer()
        lab.start_box(1)
        (state_of(lab) / "calls.copy.cbor.new" / "in the way").mkdir(parents=True)
        core = start_calls(lab, CALLS, 3000)
        wait_until(lambda: "a crash would forget the calls" in balancer.tail(), "an error in the log")
        check(balancer.statistics()["call_copies:failed"] >= 1, "it is not counted")
        check(core.wait(20) == 0, f"a call was lost: {core.counts()}\n{diagnosis(lab)}")
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")


@case
def what_operators_have_changed_holds_after_a_crash():
    with keeping(boxes={1: {"vm": 50}, 2: {"vm": 50}}) as lab:
        lab.start_balancer()
        check(lab.balancer.control("status", "1", "disable")[0] == 0, "disable")
        check(lab.balancer.control("resize", "2", "vm", "7")[0] == 0, "resize")
        crash(lab.balancer)
        balancer = lab.start_balancer()
        by_id = {each["id"]: each for each in balancer.ask("list")["Destinations"]}
        check(by_id[1]["enabled"] == "no" and by_id[1]["auto-reenable"] == "off", f"{by_id[1]}")
        check(by_id[2]["Resources"][0]["max"] == 7, f"{by_id[2]}")
        lab.start_box(2)
        core = lab.start_core([("VM_1", 1500)] * 8, 200)
        core.wait(20)
        check((core.counts().successful, core.counts().failed) == (7, 1), f"{core.counts()}")
        check(balancer.control("status", "1", "enable")[0] == 0, "enable")
        end(balancer)
        balancer = lab.start_balancer()
        by_id = {each["id"]: each for each in balancer.ask("list")["Destinations"]}
        check(by_id[1]["enabled"] == "yes" and by_id[2]["Resources"][0]["max"] == 7, f"{by_id}")


@case
def a_disk_that_hangs_holds_up_no_change_for_long():
    with keeping(boxes={1: {"vm": 50}, 2: {"vm": 50}}) as lab:
        folder = state_of(lab)
        folder.mkdir()
        with disk_at(folder):
            balancer = lab.start_balancer()
            freeze(folder)
            for words, least_s, most_s in ((("status", "1", "disable"), 1.9, 4),
                                           (("resize", "2", "vm", "7"), 0, 1.5)):
                began = time.monotonic()
                status, _, error = balancer.control(*words)
                took = time.monotonic() - began
                check(status == 0 and least_s < took < most_s, f"{words}: {took:.1f} s {error}")
            check("operator.json cannot be written: the disk does not answer" in balancer.tail(),
                  balancer.tail())
            check(balancer.statistics()["degraded:changes_unsaved"] == 1, "it is not counted")
            by_id = {each["id"]: each for each in balancer.ask("list")["Destinations"]}
            check(by_id[1]["enabled"] == "no", f"{by_id[1]}")
            thaw(folder)
            wait_until(lambda: balancer.statistics()["degraded:changes_unsaved"] == 0,
                       "the changes on the disk")
            kept = json.loads((folder / "operator.json").read_text(encoding="utf-8"))
            told = {each["id"]: (each["disabled"], len(each["resized"]))
                    for each in kept["destinations"]}
            check(told == {1: (True, 0), 2: (False, 1)}, f"{kept}")
            end(balancer)


@case
def calls_of_rows_keep_their_lines_where_another_row_is_wrong():
    """And where their rows are not known at the start, that is said."""
    with keeping(boxes={1: {"vm": CALLS}}, boxes_in_file=False) as lab:
        copy = Path(lab.folder) / "copy.json"
        with KINDS["SQLite"](lab.device) as database:
            for number in (1, 2):
                database.insert(number, uri(FIRST_BOX + number), f"vm={CALLS}")
            database.update(2, group_id="second")
            lab.configuration.more += (
                f'[database]\nurl = "{database.url}"\ncopy = "{copy}"\n')
            lab.start_balancer()
            lab.start_box(1)
            core = start_calls(lab, CALLS, HOLD_MS)
            end(lab.balancer)
            balancer = lab.start_balancer()
            check("row 2: group_id is 'second'" in balancer.tail(100), balancer.tail(100))
            check_all_lines_held(lab)
            end(balancer)
            copy.write_text("{", encoding="utf-8")
            balancer = lab.start_balancer()
            told = balancer.tail(100)
            check(f"{CALLS} of the calls of before are not counted" in told and "damaged" in told,
                  told)
            check(core.wait(30) == 0, f"a call was lost: {core.counts()}\n{diagnosis(lab)}")
            end(balancer)


@case
def files_of_the_user_are_taken_up_where_only_his_group_owns_the_folder():
    with keeping(boxes={1: {"vm": CALLS}, 2: {"vm": 1}}) as lab:
        folder = Path(lab.folder)
        folder.chmod(0o755)
        lab.configuration.more += 'user = "nobody"\n'
        lab.configuration.socket_folder = "run"
        lab.configuration.admin = {"http": "", "capture_dir": ""}
        for name, owner, mode in (("run", "nobody", 0o755), ("state", "root:nogroup", 0o770)):
            (folder / name).mkdir()
            subprocess.run(["chown", owner, str(folder / name)], check=True)
            (folder / name).chmod(mode)
        lab.start_balancer()
        lab.start_box(1)
        core = start_calls(lab, 5, HOLD_MS)
        check(lab.balancer.control("status", "2", "disable")[0] == 0, "disable")
        end(lab.balancer)
        check((state_of(lab) / "calls.cbor").owner() == "nobody", "written by another user")
        balancer = lab.start_balancer()
        check("5 calls go on" in balancer.tail(), balancer.tail())
        by_id = {each["id"]: each for each in balancer.ask("list")["Destinations"]}
        check(by_id[2]["enabled"] == "no", f"{by_id[2]}")
        check(core.wait(30) == 0, f"a call was lost: {core.counts()}\n{diagnosis(lab)}")
        end(balancer)


@case
def a_folder_that_cannot_be_written_is_told_at_the_start():
    with keeping(boxes={1: {"vm": 50}}) as lab:
        state_of(lab).write_text("a file, no folder", encoding="utf-8")
        try:
            lab.start_balancer()
        except Exception as error:  # noqa: BLE001 - whatever the lab makes of it, the log counts
            check("state_dir" in str(error) and "cannot be written" in str(error), str(error))
        else:
            check(False, "it started")

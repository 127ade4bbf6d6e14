# SPDX-License-Identifier: Apache-2.0
"""linehunt as a service: draining, what systemd hears, and another user than root."""

import base64
import contextlib
import json
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from cases import case, check, wait_until
from lab.configuration import BALANCER, FIRST_BOX
from lab.wire import LabError, address
from lab_setups import diagnosis, study_case
from message_cases import EXCHANGE, message

LIMIT_S = 10


def answers(lab, box: int, number: int) -> list:
    """What a new call from a box's address is told, final answers only."""
    invite = message("INVITE", "VM_1", number=number)
    told = subprocess.run(
        [*lab.box_hosts[box].prefix(), "/usr/bin/python3", "-B", str(EXCHANGE),
         address(FIRST_BOX + box), address(BALANCER), "200"],
        input=json.dumps([base64.b64encode(invite).decode()]), capture_output=True, text=True)
    if told.returncode != 0:
        raise LabError(f"exchange: {told.stderr}")
    texts = [base64.b64decode(each).decode() for each in json.loads(told.stdout)[0]]
    return [text for text in texts if not text.startswith("SIP/2.0 1")]


def check_refused(lab, number: int) -> None:
    told = answers(lab, 2, number)
    check(told and all(text.startswith("SIP/2.0 503 ") for text in told), f"answers: {told}")
    check(re.search(r"^Retry-After: \d+\r$", told[0], re.MULTILINE), f"no Retry-After: {told[0]}")


def calls(balancer) -> int:
    return balancer.ask("stats", "dialog:active_dialogs")["dialog:active_dialogs"]


def start_calls(lab, count: int, hold_ms: int):
    """So many calls at once through a balancer that runs; they go on for so long."""
    core = lab.start_core([("VM_1", hold_ms)] * count, count * 10)
    wait_until(lambda: calls(lab.balancer) == count, f"{count} calls")
    return core


@case(alone=True)
def sigterm_takes_no_new_call_and_waits_for_the_others():
    with study_case(boxes={1: {"vm": 50}, 2: {"fax": 1}}, workers=2) as lab:
        balancer = lab.start_balancer()
        lab.start_box(1)
        core = start_calls(lab, 20, 1500)
        balancer.process.send_signal(signal.SIGTERM)
        wait_until(lambda: balancer.ask("stats", "linehunt:draining")["linehunt:draining"] == 1,
                   "draining")
        check_refused(lab, 1)
        check(balancer.running() and core.running(), "it did not wait")
        check(balancer.control("drain", "--undo")[0] == 1, "the end was taken back")
        check(core.wait(LIMIT_S) == 0, f"a call was lost: {core.counts()}\n{diagnosis(lab)}")
        wait_until(lambda: not balancer.running(), "the end after the last call")
        check(balancer.process.returncode == 0, balancer.tail())


@case(ending="drain_limit_s")
@case(ending="SIGTERM")
@case(ending="SIGINT")
def the_end_does_not_wait_for_ever(ending: str):
    limit_s = 1 if ending == "drain_limit_s" else 600
    more = f"\n[service]\ndrain_limit_s = {limit_s}\n"
    with study_case(boxes={1: {"vm": 50}}, more=more) as lab:
        balancer = lab.start_balancer()
        lab.start_box(1)
        start_calls(lab, 2, 60_000)
        balancer.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "draining" in balancer.tail(), "draining")
        check(balancer.running(), "it did not wait")
        began = time.monotonic()
        if ending != "drain_limit_s":
            balancer.process.send_signal(getattr(signal, ending))
        wait_until(lambda: not balancer.running(), "the end", limit_s=5)
        check(balancer.process.returncode == 0, balancer.tail())
        if ending == "drain_limit_s":
            check(time.monotonic() - began > 0.5, "it ended before the limit")
            check("2 calls go on without linehunt" in balancer.tail(), balancer.tail())


@case(alone=True)
def an_operator_drains_it_and_takes_that_back():
    with study_case(boxes={1: {"vm": 50}, 2: {"fax": 1}}) as lab:
        balancer = lab.start_balancer()
        lab.start_box(1)
        check(balancer.control("drain")[1] == "no new calls, and none in progress\n", "drain")
        check_refused(lab, 1)
        check(balancer.control("drain", "--undo")[0] == 0, "drain --undo was refused")
        core = start_calls(lab, 5, 700)
        began = time.monotonic()
        status, output, error = balancer.control("drain", "--wait")
        check(status == 0 and "none in progress" in output, f"{status} {output} {error}")
        check(time.monotonic() - began > 0.2, "it did not wait")
        check(core.wait(LIMIT_S) == 0, diagnosis(lab))
        check(balancer.running(), "it ended, which nobody asked for")
        check_refused(lab, 2)


@case
def systemd_hears_of_all_that_happens():
    with study_case(boxes={1: {"vm": 50}}) as lab:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
            path = str(Path(lab.folder) / "notify")
            ear.bind(path)
            ear.settimeout(LIMIT_S)
            heard = []

            def wait_for(word: str) -> None:
                while not any(line.startswith(word) for line in heard):
                    heard.extend(ear.recv(4096).decode().splitlines())

            balancer = lab.start_balancer({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"})
            wait_for("READY=1")
            wait_for("STATUS=serving, 0 calls, 1 of 1 destinations enabled")
            wait_for("WATCHDOG=1")
            heard.clear()
            check(balancer.control("reload")[0] == 0, "reload was refused")
            wait_for("RELOADING=1")
            wait_for("READY=1")
            heard.clear()
            wait_for("WATCHDOG=1")
            lab.start_box(1)
            core = lab.start_core([("VM_1", 1500), ("VM_1", 4000)], 100)
            wait_until(lambda: calls(balancer) == 2, "2 calls")
            heard.clear()
            balancer.process.send_signal(signal.SIGTERM)
            wait_for("STOPPING=1")
            told = heard[heard.index("STOPPING=1"):][:3]
            check(told[1].startswith("EXTEND_TIMEOUT_USEC=") and
                  told[2:] == ["STATUS=draining, 2 calls, 1 of 1 destinations enabled"], f"{told}")
            wait_for("STATUS=draining, 1 calls, 1 of 1 destinations enabled")
            ear.settimeout(0.1)

            def has_ended() -> bool:  # it waits where nobody takes what it says
                with contextlib.suppress(TimeoutError):
                    ear.recv(4096)
                return not balancer.running()

            wait_until(has_ended, "the end")
            check(balancer.process.returncode == 0, balancer.tail())
            check(core.wait(LIMIT_S) == 0, f"a call was lost: {core.counts()}")


@case(device="af_packet")
@case(device="af_xdp")
def it_runs_as_another_user(device: str):
    """Calls, reload, log file and end, and again on the same device."""
    with study_case(device, boxes={1: {"vm": 50}}) as lab:
        # Of the user, as the package's folders are.
        folder = Path(lab.folder)
        for name in ("run", "log"):
            (folder / name).mkdir()
            subprocess.run(["chown", "nobody", str(folder / name)], check=True)
        folder.chmod(0o755)
        log = folder / "log/linehunt.log"
        lab.configuration.more = f'\n[service]\nuser = "nobody"\n[log]\nfile = "{log}"\n'
        lab.configuration.socket_folder = "run"
        others = [folder / "run/datagram", folder / "run/fifo"]
        lab.configuration.admin = {"datagram": str(others[0]), "fifo": str(others[1]), "http": "",
                                   "capture_dir": str(folder / "log")}
        lab.start_box(1)
        # As systemd names the folders of RuntimeDirectory=dpdk xdp. The second start would meet what
        # the first one left as root where others may write.
        several = {"RUNTIME_DIRECTORY": "/run/dpdk:/run/xdp"}
        for _ in range(2):
            balancer = lab.start_balancer(several)
            for task in Path(f"/proc/{balancer.process.pid}/task").iterdir():
                status = (task / "status").read_text(encoding="utf-8")
                uids = re.search(r"^Uid:\s+(.*)$", status, re.MULTILINE)[1].split()
                check("0" not in uids, f"a thread is still root:\n{status}")
                kept = int(re.search(r"^CapEff:\s+(\w+)$", status, re.MULTILINE)[1], 16)
                own = task.name == str(balancer.process.pid)
                check(kept == (0x3000 if own else 0), f"capabilities {kept:x} of {task.name}")
            core = lab.start_core([("VM_1", 100)] * 10, 50)
            check(core.wait(LIMIT_S) == 0, diagnosis(lab))
            status, _, error = balancer.control("capture", "file", "--overwrite", "--seconds", "1")
            check(status == 0 and (folder / "log/file").owner() == "nobody", error)
            check(balancer.control("reload")[0] == 0, "reload was refused")
            log.rename(folder / "log/linehunt.log.1")
            balancer.process.send_signal(signal.SIGUSR1)
            wait_until(log.exists, "a new log file")
            check("read again" not in log.read_text(encoding="utf-8"),
                  "a new log file is no reason to read the configuration")
            balancer.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "read again" in log.read_text(encoding="utf-8"),
                       "the configuration to be read again")
            check(balancer.stop() == 0, balancer.tail())
            for made in (lab.configuration.socket, *others):
                check(not made.exists(), f"{made} is left behind")


@case
def a_folder_that_dpdk_cannot_make_is_told():
    with study_case(boxes={1: {"vm": 50}}) as lab:
        try:
            lab.start_balancer({"RUNTIME_DIRECTORY": "/proc/nowhere"})
        except LabError as error:
            check("see that /proc/nowhere is there and may be written to" in str(error), str(error))
        else:
            check(False, "it started without a folder of DPDK's")


@case
def a_user_that_does_not_exist_is_told():
    with study_case(boxes={1: {"vm": 50}}, more='\n[service]\nuser = "nosuchuser7"\n') as lab:
        try:
            lab.start_balancer()
        except LabError as error:
            check("nosuchuser7" in str(error) and "useradd" in str(error), str(error))
        else:
            check(False, "it started")

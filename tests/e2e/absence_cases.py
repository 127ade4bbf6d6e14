# SPDX-License-Identifier: Apache-2.0
"""linehunt, or one worker of it, does not run for some seconds, as where a machine is moved or its
processors are somebody else's: who could not be heard has not failed."""

import ctypes
import os
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from cases import case, check
from lab.configuration import FIRST_BOX
from lab.wire import address
from lab_setups import diagnosis, study_case
from script import pause, recv, recv_invite, reply_invite, sdp, until_bye, write

RESPONDER = Path(__file__).with_name("probe_responder.py")
AWAY_S = 6  # longer than fr_timeout and the patience with a probe, which are 5 s
PTRACE_SEIZE, PTRACE_DETACH, PTRACE_INTERRUPT = 0x4206, 17, 0x4207
WAIT_FOR_THREADS = 0x40000000  # __WALL


def ptrace(request: int, thread: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    check(libc.ptrace(request, thread, None, None) == 0,
          f"ptrace {request:#x}: {os.strerror(ctypes.get_errno())}")


def worker_thread(process: int, number: int) -> int:
    for task in Path(f"/proc/{process}/task").iterdir():
        if (task / "comm").read_text().strip() == f"rte-worker-{number + 1}":
            return int(task.name)
    raise AssertionError("no such thread: " + " ".join(
        (task / "comm").read_text().strip() for task in Path(f"/proc/{process}/task").iterdir()))


@contextmanager
def stopped(balancer, what: str):
    if what == "process":
        balancer.process.send_signal(signal.SIGSTOP)
        yield
        balancer.process.send_signal(signal.SIGCONT)
        return
    thread = worker_thread(balancer.process.pid, 0)
    ptrace(PTRACE_SEIZE, thread)
    ptrace(PTRACE_INTERRUPT, thread)
    os.waitpid(thread, WAIT_FOR_THREADS)
    yield
    ptrace(PTRACE_DETACH, thread)


@case(what="process", workers=2)
@case(what="worker", workers=2)
def nobody_is_disabled_while_linehunt_does_not_run(what: str, workers: int):
    probed = f"""
[probing]
interval_s = 1
timeout_ms = 2000
[[destination]]
id = 3
group = 1
uri = "sip:{address(FIRST_BOX + 3)}:5060"
resources = "conf=5"
probe_mode = 2
"""
    with study_case(workers=workers, boxes={1: {"vm": 500}, 2: {"vm": 500}, 3: {}},
                    more=probed) as lab:
        probed_host = lab.box_hosts[3]
        del lab.configuration.boxes[3]
        balancer = lab.start_balancer()
        for number in (1, 2):
            # Some INVITEs are always unanswered.
            steps = [recv_invite(), pause(300), reply_invite(200, "OK", body=sdp()), recv("ACK"),
                     *until_bye()]
            lab.start_box(number, write(lab.folder / f"slow{number}.xml", "slow", steps))
        probed_host.start([sys.executable, "-B", str(RESPONDER), probed_host.ip, "60"], lab.folder,
                        lab.folder / "probes")
        core = lab.start_core([("VM_1", 8000)] * 200, 40)
        time.sleep(2)
        with stopped(balancer, what):
            time.sleep(AWAY_S)
        for _ in range(30):
            time.sleep(0.1)
            check(all(d["enabled"] == "yes" for d in balancer.ask("list")["Destinations"]),
                  f"disabled: {diagnosis(lab)}")
        core.wait(40)
        check(core.counts().failed == 0, f"{core.counts()}\n{diagnosis(lab)}")
        check(balancer.wait_idle(10), f"loads remain: {balancer.loads()}")

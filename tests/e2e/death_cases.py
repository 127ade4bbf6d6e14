# SPDX-License-Identifier: Apache-2.0
"""Callers that vanish in mid-call: whatever a call is watched by ends it, and no line stays held."""

from cases import case, check
from lab.sipp import write_injection
from lab_setups import DEVICES_AND_WORKERS, MbufWatch, diagnosis, study_case
from script import answered, ring_and_answer, until_bye, write

# By what the calls end whose caller is gone, and how many of each; a box for each kind. The longest
# duration leaves a busy machine time to set all calls up before the callers are killed.
CALLS, LONGEST_S = {"ping_lost": 200, "max_duration": 150}, 16
# No session is shorter than 90 s (RFC 4028 4), so these calls have a case of their own.
SESSIONS, SESSION_S = {"session_expired": 150}, 90
SESSION = {"session_expired": [f"Session-Expires: {SESSION_S};refresher=uac"]}


def rules(calls: dict) -> str:
    return "".join(f"""
[[rule]]
match = {{ user = "^{cause}$" }}
balance = 1
resources = "{cause}"
{'ping = ["caller", "callee"]' if cause == "ping_lost" else ""}
""" for cause in calls)


def timers(max_call_s: int) -> str:
    """64*T1 is 3.2 s: a ping is lost, and a BYE given up, after so long."""
    return f"""
[timers]
t1_ms = 50
t2_ms = 400
ping_interval_s = 3
max_call_s = {max_call_s}
"""


def start_callers(lab, causes: list, count: dict) -> list:
    """One SIPp for each kind of call, whose calls last until somebody else ends them."""
    callers = []
    for cause in causes:
        rows = write_injection(lab.folder / f"{cause}.csv", [(cause, 0)])
        steps = [answered("Supported: timer", *SESSION.get(cause, [])), until_bye()]
        callers.append(lab.sipp(
            lab.core, f"{cause}-caller", write(lab.folder / f"{cause}-caller.xml", cause, steps),
            port=7100 + 10 * len(lab.sipps), target=lab.target,
            options=("-inf", str(rows), "-m", str(count[cause]), "-l", str(count[cause]),
                     "-r", str(count[cause]), "-max_retrans", "20")))
    return callers


def vanish(device: str, workers: int, calls: dict, max_call_s: int, over_within_s: int) -> None:
    live = sum(calls.values())
    boxes = {number: {cause: live} for number, cause in enumerate(calls, start=1)}
    with study_case(device, workers, boxes=boxes, rules=rules(calls),
                    more=timers(max_call_s)) as lab:
        balancer = lab.start_balancer()
        mbufs = MbufWatch(lab)
        for number, cause in enumerate(calls, start=1):
            steps = [ring_and_answer(2, 1, *SESSION.get(cause, [])), until_bye()]
            lab.start_box(number, write(lab.folder / f"{cause}-box.xml", cause, steps),
                          options=("-l", "10000"))
        callers = start_callers(lab, list(calls), calls)
        check(balancer.wait_statistic("dialog:active_dialogs", live, 8),
              f"not {live} live calls: {balancer.loads()}\n{diagnosis(lab)}")
        for caller in callers:
            caller.kill()
        check(balancer.wait_idle(over_within_s), f"loads remain: {balancer.loads()}\n{diagnosis(lab)}")
        statistics = balancer.statistics()
        ended = {cause: statistics[f"load_balancer:ended_{cause}"] for cause in calls}
        check(ended == calls, f"ended by {ended}, not by {calls}")
        check(statistics["load_balancer:calls_ended"] == live, "another call has ended")

        # Normal calls again, which hang up by themselves.
        core = lab.start_core([(list(calls)[-1], 200)] * 4, 20)
        check(core.wait(60) == 0, f"no call afterwards: {core.counts()}\n{diagnosis(lab)}")
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
        check(balancer.statistics()["load_balancer:ended_bye"] == 4, "no BYE ended the last calls")
        mbufs.check_none_lost()


def killed_callers_leave_no_load(device: str, workers: int) -> None:
    vanish(device, workers, CALLS, LONGEST_S, 60)


@case(quick=False)
def sessions_of_killed_callers_leave_no_load() -> None:
    device, workers = DEVICES_AND_WORKERS[1]
    vanish(device, workers, SESSIONS, 10 * SESSION_S, SESSION_S + 60)


for device, workers in DEVICES_AND_WORKERS:
    case(device=device, workers=workers,
         quick=(device, workers) == DEVICES_AND_WORKERS[1])(killed_callers_leave_no_load)

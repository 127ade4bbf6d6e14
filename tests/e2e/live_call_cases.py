# SPDX-License-Identifier: Apache-2.0
"""Calls in progress, as operators see them: listed, ended one by one, and on a box that goes."""

from cases import case, check
from lab.configuration import CORE, FIRST_BOX
from lab.sipp import write_injection
from lab.wire import address
from lab_setups import diagnosis, study_case
from script import answered, ring_and_answer, until_bye, write

CALLS = 6


def start_calls(lab, box: int):
    """So many calls to that box, which go on until somebody else ends them."""
    lab.start_box(box, write(lab.folder / "box.xml", "box", [ring_and_answer(), until_bye()]))
    rows = write_injection(lab.folder / "callers.csv", [("VM_1", 0)])
    steps = write(lab.folder / "callers.xml", "callers", [answered(), until_bye()])
    caller = lab.sipp(lab.core, "callers", steps, port=7100, target=lab.target, options=(
        "-inf", str(rows), "-m", str(CALLS), "-l", str(CALLS), "-r", "50"))
    check(lab.balancer.wait_statistic("load_balancer:calls_answered", CALLS, 10),
          f"not {CALLS} calls: {caller.counts()}\n{diagnosis(lab)}")
    return caller


@case(workers=1)
@case(workers=2)
def operators_see_the_calls_and_end_them(workers: int):
    with study_case(boxes={1: {"vm": 50}, 2: {"fax": 1}}, workers=workers) as lab:
        balancer = lab.start_balancer()
        caller = start_calls(lab, 1)
        listed = balancer.ask("calls")["Dialogs"]
        check(len({each["callid"] for each in listed}) == len(listed) == CALLS, f"{listed}")
        check(all(each["state"] == 4 and each["destination"] == 1 and each["caller_tag"]
                  and each["CALLEES"][0]["callee_tag"] and "sip:" in each["from_uri"]
                  and "VM_" in each["to_uri"]
                  and each["caller_address"].startswith(address(CORE) + ":")
                  and each["CALLEES"][0]["callee_address"].startswith(address(FIRST_BOX + 1) + ":")
                  for each in listed), f"{listed}")
        for words, count in (("--answered", CALLS), ("--unanswered", 0), ("--destination 1", CALLS),
                             ("--destination 2", 0), ("--older 60", 0), (listed[0]["callid"], 1)):
            found = balancer.ask("calls", *words.split())["Dialogs"]
            check(len(found) == count, f"calls {words}: {len(found)}, not {count}")
        picture = balancer.control("top", "--frames", "1")[1]
        check(f"{CALLS} in progress" in picture, picture)

        check(balancer.control("end", "nobody@nowhere")[0] == 1, "nobody's call was ended")
        # By their Call-IDs, and the last one by its number.
        for each in listed[:-1]:
            check(balancer.control("end", each["callid"])[0] == 0, f"end {each['callid']}")
        check(balancer.control("end", listed[-1]["ID"])[0] == 0, f"end {listed[-1]['ID']}")
        check(caller.wait(15) == 0, f"{caller.counts()}\n{diagnosis(lab)}")
        check(caller.counts().successful == CALLS, f"{caller.counts()}")
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
        statistics = balancer.statistics()
        check(statistics["load_balancer:ended_admin"] == CALLS, "not all were ended by us")
        check(balancer.ask("calls") == {"Dialogs": []}, "an ended call is listed")


@case
def a_box_that_is_taken_out_is_listed_until_its_last_call_ends():
    with study_case(boxes={1: {"vm": 50}, 2: {"vm": 5}}, workers=2) as lab:
        balancer = lab.start_balancer()
        caller = start_calls(lab, 1)
        lab.start_box(2)
        file = lab.configuration.file
        whole = file.read_text(encoding="utf-8")
        begin, end = (whole.index(f"[[destination]]\nid = {number}") for number in (1, 2))
        file.write_text(whole[:begin] + whole[end:], encoding="utf-8")
        check(balancer.control("reload")[0] == 0, "the reload was refused")
        entries = {entry["id"]: entry for entry in balancer.ask("list")["Destinations"]}
        check(entries[1].get("draining") and entries[1]["enabled"] == "no", f"{entries}")
        check(balancer.loads()[1] == {"vm": CALLS}, f"{balancer.loads()}")
        check("draining" in balancer.control("list")[1], "the table does not say so")
        check(len(balancer.ask("calls")["Dialogs"]) == CALLS, "calls were lost")

        core = lab.start_core([("VM_1", 50)] * 5, 20)
        check(core.wait(15) == 0, f"{core.counts()}\n{diagnosis(lab)}")
        check(balancer.loads()[1] == {"vm": CALLS}, f"a new call came to it: {balancer.loads()}")
        for each in balancer.ask("calls")["Dialogs"]:
            check(balancer.control("end", each["callid"])[0] == 0, f"end {each['callid']}")
        check(caller.wait(15) == 0, f"{caller.counts()}\n{diagnosis(lab)}")
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
        check(list(balancer.loads()) == [2], f"it is still listed: {balancer.loads()}")
        # Back again, it starts from nothing.
        file.write_text(whole, encoding="utf-8")
        check(balancer.control("reload")[0] == 0, "the reload was refused")
        check(balancer.loads() == {1: {"vm": 0}, 2: {"vm": 0}}, f"{balancer.loads()}")

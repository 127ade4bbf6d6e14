# SPDX-License-Identifier: Apache-2.0
"""Calls that replace others (RFC 3891): attended transfer and pick-up in a pool of boxes."""

from cases import case, check
from lab.configuration import FIRST_BOX
from lab.sipp import write_injection
from lab.wire import address
from lab_setups import diagnosis, study_case
from script import answered, ring_and_answer, until_bye, write

CALLS = 10  # of each box, so that both workers have some
BOXES = (1, 2)


def start_callers(lab, name: str, port: int, rows: list, *extra: str):
    """A call for each row, which goes on until somebody else ends it."""
    steps = write(lab.folder / f"{name}.xml", name, [answered(*extra), until_bye()])
    injection = write_injection(lab.folder / f"{name}.csv", rows)
    return lab.sipp(lab.core, name, steps, port=port, target=lab.target, options=(
        "-inf", str(injection), "-m", str(len(rows)), "-l", str(len(rows)), "-r", "50"))


def tags_of(call: dict) -> tuple:
    return call["callid"], call["CALLEES"][0]["callee_tag"], call["caller_tag"]


@case(workers=1)
@case(workers=2)
def a_call_that_replaces_another_reaches_the_box_that_has_it(workers: int):
    # By the lines that are left all calls go to the second box.
    with study_case(boxes={1: {"vm": 100}, 2: {"vm": 500}}, workers=workers) as lab:
        balancer = lab.start_balancer()
        steps = write(lab.folder / "box.xml", "box", [ring_and_answer(), until_bye()])
        for box in BOXES:
            lab.start_box(box, steps)

        def calls_answered(count: int) -> None:
            check(balancer.wait_statistic("load_balancer:calls_answered", count, 10),
                  f"not {count} calls\n{diagnosis(lab)}")

        for number, box in enumerate(BOXES):
            for each in BOXES:
                status = "enable" if each == box else "disable"
                check(balancer.control("status", str(each), status)[0] == 0, f"{status} {each}")
            start_callers(lab, f"first{box}", 7100 + box, [("VM_1",)] * CALLS)
            calls_answered(CALLS * (number + 1))
        check(balancer.control("status", "1", "enable")[0] == 0, "enable")
        first = balancer.ask("calls")["Dialogs"]
        check(sorted(each["destination"] for each in first) == [1] * CALLS + [2] * CALLS, f"{first}")

        # Each call in the place of one of the first, the tags by turns as the box and the caller
        # see them.
        rows = [("VM_1", call_id, *(tags if number % 2 == 0 else reversed(tags)))
                for number, (call_id, *tags) in enumerate(map(tags_of, first))]
        start_callers(lab, "replacing", 7200, rows,
                      "Replaces: [field1];to-tag=[field2];from-tag=[field3]",
                      "Require: replaces")
        calls_answered(4 * CALLS)
        check(balancer.statistics()["load_balancer:replacing"] == 2 * CALLS,
              f"{balancer.statistics()}")
        check(balancer.loads() == {box: {"vm": 2 * CALLS} for box in BOXES}, f"{balancer.loads()}")
        callees = sorted(each["CALLEES"][0]["callee_address"].split(":")[0]
                         for each in balancer.ask("calls")["Dialogs"])
        check(callees == sorted(address(FIRST_BOX + box) for box in BOXES for _ in range(2 * CALLS)),
              f"{callees}")

        # One that names nobody's call goes by the lines.
        start_callers(lab, "unknown", 7300, [("VM_1", "nobody@nowhere", "a", "b")],
                      "Replaces: [field1];to-tag=[field2];from-tag=[field3]")
        calls_answered(4 * CALLS + 1)
        check(balancer.loads()[2] == {"vm": 2 * CALLS + 1}, f"{balancer.loads()}")
        for each in balancer.ask("calls")["Dialogs"]:
            check(balancer.control("end", each["callid"])[0] == 0, f"end {each['callid']}")
        check(balancer.wait_idle(10), f"loads remain: {balancer.loads()}")

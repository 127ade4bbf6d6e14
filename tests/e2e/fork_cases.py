# SPDX-License-Identifier: Apache-2.0
"""Calls whose INVITE two devices of a box have answered, each with a tag of its own."""

from cases import case, check, wait_until
from lab.sipp import write_injection
from lab_setups import diagnosis, study_case
from script import (CALLEE_TAG, CALLER_FROM, CONTACT, VIA, ack, invite, message, recv, recv_invite,
                    remember, reply, reply_invite, sdp, send, until_bye, write)

CALLS = 6  # so that both workers have some
OTHER_TAG = ";tag=[pid]other[call_number]"


def box_steps() -> list:
    first = reply_invite(200, "OK", body=sdp(), attributes="")
    return [recv_invite(), reply_invite(180, "Ringing"), first, recv("ACK"),
            first.replace(CALLEE_TAG, OTHER_TAG), recv("ACK"),
            recv("BYE"), reply(200, "OK"), until_bye()]


def caller_steps() -> list:
    hang_up_first = send(message(
        ["BYE [next_url] SIP/2.0", VIA, "[routes]", CALLER_FROM, "To:[$first]",
         "Call-ID: [call_id]", "CSeq: 2 BYE", CONTACT, "Max-Forwards: 70"]), 'retrans="500"')
    return [invite(), recv(100, optional=True), recv(180, optional=True),
            recv(200, attributes='rrs="true"', actions=remember("To", "first")), ack(),
            recv(200), ack(), hang_up_first, recv(200), until_bye()]


@case(workers=1)
@case(workers=2)
def a_caller_that_keeps_the_second_answer_keeps_the_line(workers: int):
    with study_case(boxes={1: {"vm": 50}}, workers=workers) as lab:
        balancer = lab.start_balancer()
        lab.start_box(1, write(lab.folder / "box.xml", "box", box_steps()))
        rows = write_injection(lab.folder / "rows.csv", [("VM_1", 0)])
        caller = lab.sipp(lab.core, "callers", write(lab.folder / "callers.xml", "callers",
                                                     caller_steps()),
                          port=7100, target=lab.target, options=(
                              "-inf", str(rows), "-m", str(CALLS), "-l", str(CALLS), "-r", "50"))

        def kept() -> list:
            return [each for each in balancer.ask("calls")["Dialogs"]
                    if "other" in each["CALLEES"][0]["callee_tag"]]

        def first_are_over() -> bool:
            all_there = balancer.ask("calls")["Dialogs"]
            return len(all_there) == len(kept()) == CALLS

        wait_until(first_are_over, "all callers have hung up the first", 15)
        check(balancer.loads() == {1: {"vm": CALLS}}, f"lines are free: {balancer.loads()}")
        check(balancer.statistics()["dialog:active_dialogs"] == CALLS, f"{balancer.statistics()}")
        for each in kept():
            check(balancer.control("end", each["callid"])[0] == 0, f"end {each['callid']}")
        check(caller.wait(15) == 0, f"{caller.counts()}\n{diagnosis(lab)}")
        check(caller.counts().successful == CALLS, f"{caller.counts()}")
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
        statistics = balancer.statistics()
        check(statistics["load_balancer:ended_admin"] == CALLS, f"{statistics}")

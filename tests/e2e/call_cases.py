# SPDX-License-Identifier: Apache-2.0
"""Calls in both directions through linehunt, counted by SIPp and judged by tshark."""

import time

from cases import case, check, wait_until
from lab.call_mix import mix
from lab.capture import Capture
from lab.configuration import STUDY_CASE_RULES
from lab.sipp import write_injection
from lab_setups import DEVICES_AND_WORKERS, MbufWatch, diagnosis, study_case

CALLS = 300
RATE = 100


def wait_for_calls(lab, calls, core, limit_s: float) -> None:
    """Until the core's calls are over, and those of the boxes."""
    check(core.wait(limit_s) == 0, f"calls of the core failed: {core.counts()}\n{diagnosis(lab)}")
    deadline = time.monotonic() + limit_s
    for number, rows in calls.box_calls.items():
        while rows and lab.boxes[number].counts().successful < len(rows):
            check(time.monotonic() < deadline and not lab.boxes[number].counts().failed,
                  f"calls of box {number} failed: {lab.boxes[number].counts()}\n{diagnosis(lab)}")
            time.sleep(0.2)


def calls_of_both_directions(device: str, workers: int, ipv6: bool = False) -> None:
    with study_case(device, workers, ipv6=ipv6) as lab:
        balancer = lab.start_balancer()
        mbufs = MbufWatch(lab)
        captures = [Capture(*lab.wire.tap_of(host), lab.folder / f"{host.name}.pcap")
                    for host in (lab.device, lab.core)]
        calls = mix(CALLS, RATE)
        core = lab.start_mix(calls)
        wait_for_calls(lab, calls, core, CALLS / RATE + 40)
        check(balancer.wait_idle(10), f"loads remain: {balancer.loads()}\n{diagnosis(lab)}")
        mbufs.check_none_lost()
        for sipp in lab.sipps:
            sipp.stop()
        taken = sum(lab.calls_taken(number) for number in lab.boxes)
        check(taken == len(calls.core_calls),
              f"the boxes took {taken} calls of {len(calls.core_calls)}")
        check(balancer.stop() == 0, f"linehunt did not end well:\n{balancer.tail()}")
        for capture in captures:
            capture.stop()
            check(capture.lost_frames() == 0, "tcpdump lost frames; the capture proves nothing")
            faults = capture.faults()
            check(not faults, "\n".join(faults))
        # INVITE, 180, 200, ACK, BYE, 200 on both legs, and our 100.
        seen = captures[0].frames("udp port 5060")
        check(seen >= 13 * CALLS, f"{seen} SIP messages for {CALLS} calls")


for device, workers in DEVICES_AND_WORKERS:
    case(device=device, workers=workers,
         quick=(device, workers) in DEVICES_AND_WORKERS[:2])(calls_of_both_directions)
case(device="af_packet", workers=2, ipv6=True)(calls_of_both_directions)
case(device="af_xdp", workers=1, ipv6=True, quick=False)(calls_of_both_directions)


@case(workers=1, quick=False)
@case(workers=2)
def lost_messages_are_repeated_and_counted_once(workers: int):
    """One message in twenty is lost at SIPp's door, in either direction and at both ends."""
    with study_case(workers=workers) as lab:
        balancer = lab.start_balancer()
        mbufs = MbufWatch(lab)
        lossy = ("-lost", "5", "-max_retrans", "20")
        for number in lab.configuration.boxes:
            lab.start_box(number, "answer_patiently", options=lossy)
        # Long enough for an ACK that was lost to be sent again before the BYE.
        calls = [("VM_1", 9000), ("4930", 9000)] * 25
        core = lab.start_core(calls, 25, options=lossy)
        status = core.wait(80)
        retransmissions = sum(sipp.counts().retransmissions for sipp in lab.sipps)
        check(retransmissions > 0, "nothing was repeated; the case proves nothing")
        check(status == 0, f"{core.counts()}\n{diagnosis(lab)}")
        check(balancer.wait_idle(40), f"loads remain: {balancer.loads()}")
        mbufs.check_none_lost()


@case(alone=True, workers=1)
@case(alone=True, workers=2)
@case(alone=True, workers=4)
def capacity_is_never_exceeded(workers: int):
    """Twenty lines, sixty calls at once: twenty are taken, forty hear 500."""
    boxes = {1: {"vm": 8}, 2: {"vm": 12}}
    with study_case(workers=workers, boxes=boxes) as lab:
        balancer = lab.start_balancer()
        mbufs = MbufWatch(lab)
        for number in boxes:
            lab.start_box(number)
        core = lab.start_core([("VM_7", 4000)] * 60, 200)
        peaks = {number: 0 for number in boxes}
        while core.running():
            for number, loads in balancer.loads().items():
                peaks[number] = max(peaks[number], loads["vm"])
            time.sleep(0.05)
        counts = core.counts()
        check((counts.successful, counts.failed) == (20, 40), f"{counts}\n{diagnosis(lab)}")
        check(peaks == {1: 8, 2: 12}, f"peaks {peaks}")
        check("SIP/2.0 500 Service full" in core.errors.read_text(errors="replace"),
              "the refused calls did not hear 500 Service full")
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
        mbufs.check_none_lost()


@case(alone=True)
def the_emptiest_box_is_chosen():
    """With the tutorial's boxes and one long call after another, each goes where most is free."""
    with study_case() as lab:
        balancer = lab.start_balancer()
        mbufs = MbufWatch(lab)
        for number in lab.configuration.boxes:
            lab.start_box(number)
        # vm: 50, 100, 50, 10. The first 51 go to box 2, until it has as much left as box 1.
        core = lab.start_core([("VM_1", 3000)] * 53, 100)
        loads = {}

        def all_are_there() -> bool:
            loads.update({number: load["vm"] for number, load in balancer.loads().items()
                          if "vm" in load})
            return sum(loads.values()) == 53

        wait_until(all_are_there, "53 calls at once", 2.5)
        check(loads == {1: 1, 2: 51, 3: 1, 4: 0}, f"loads {loads}\n{diagnosis(lab)}")
        check(core.wait(20) == 0, diagnosis(lab))
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
        mbufs.check_none_lost()


def a_killed_box_loses_no_call(device: str, workers: int) -> None:
    """The box dies under load; calls on their way to it go to another, and it is disabled."""
    # It may also die between its 180 and its 200.
    timers = ("\n[timers]\nfr_timeout_ms = 1000\nfr_inv_timeout_ms = 3000\n"
              "t1_ms = 100\nt2_ms = 800\n")
    # Box 1 has more lines left than box 2 also while a BYE to it hangs, so that calls go on to it.
    with study_case(device, workers, boxes={1: {"pstn": 600}, 2: {"pstn": 500}},
                    rules=STUDY_CASE_RULES.replace('"timeout"', '"timeout", "no_answer"'),
                    more=timers) as lab:
        balancer = lab.start_balancer()
        mbufs = MbufWatch(lab)
        for number in lab.configuration.boxes:
            lab.start_box(number)
        injection = write_injection(lab.folder / "waits.csv", [("4930", 0)])
        # Calls that are only set up while the box dies, and held until after: those already
        # answered by the dead box cannot be saved by anybody, so each lasts no time.
        core = lab.sipp(lab.core, "core", "call", target=lab.target,
                        options=("-inf", str(injection), "-m", "300", "-r", "50",
                                 "-max_non_invite_retrans", "4"))
        time.sleep(2)
        lab.boxes[1].kill()
        status = core.wait(60)
        counts = core.counts()
        # Every one was set up. One whose BYE was on its way to the dead box has no other box to go to.
        statistics = balancer.statistics()
        set_up = [statistics[f"load_balancer:calls_{what}"]
                  for what in ("started", "answered", "failed")]
        check(set_up == [300, 300, 0], f"started, answered, failed: {set_up}\n{diagnosis(lab)}")
        check(statistics["load_balancer:failovers"] > 0, "nothing failed over")
        check(status == 0 or counts.failed <= 1, f"{counts}\n{diagnosis(lab)}")
        check(balancer.wait_idle(45), f"loads remain: {balancer.loads()}")
        enabled = {entry["id"]: entry["enabled"] for entry in balancer.ask("list")["Destinations"]}
        check(enabled == {1: "no", 2: "yes"}, f"enabled: {enabled}")
        mbufs.check_none_lost()


for device, workers in DEVICES_AND_WORKERS:
    case(device=device, workers=workers,
         quick=(device, workers) == DEVICES_AND_WORKERS[0])(a_killed_box_loses_no_call)

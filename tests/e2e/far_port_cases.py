# SPDX-License-Identifier: Apache-2.0
"""Two ports in two networks, the boxes behind the second, in the caller's IP version or in the other:
each side sees the address of ours that it can reach, in a Record-Route of its own (RFC 5658)."""

import tempfile
import time
from pathlib import Path

from cases import case, check
from lab.capture import Capture, tshark
from lab.configuration import BALANCER, Configuration, device_of, pairs
from lab.sipp import Sipp, write_injection
from lab.study_case import StudyCase
from lab.wire import address
from lab_setups import (DEVICES_AND_WORKERS, SMALL_POOL, SMALL_TABLES, MbufWatch, diagnosis,
                        ending_well)
from script import (ack, answered, hang_up, pause, recv, reply, request, request_back,
                    ring_and_answer, sdp, take_bye, wait_for_repeats, write)

BOX = 21
CALLS = 6  # of each kind, so that both workers have some


def far_sections(device: str, ipv6: bool) -> str:
    """The second port, its listener, and the one box behind it."""
    ours = address(BALANCER, ipv6, far=True)
    box = address(BOX, ipv6, far=True)
    second = device_of(device, "eth1").replace(f"net_{device}0", f"net_{device}1")
    return "\n".join([
        "", "[[port]]", *pairs({"name": "far", "device": second,
                                "addresses": [f"{ours}/{64 if ipv6 else 24}"]}),
        "[[listen]]", *pairs({"address": ours, "port": "far"}),
        "[[destination]]", *pairs({
            "id": 1, "group": 1, "resources": "line=100",
            "uri": f"sip:[{box}]:5060" if ipv6 else f"sip:{box}:5060"}),
        "[[rule]]", *pairs({"balance": 1, "resources": "line"}), ""])


def call_steps() -> dict:
    """Kind of call: steps of the caller and of the box. Both renew the session; one hangs up."""
    take = [recv("INVITE"), reply(200, "OK", body=sdp("recvonly", 2), attributes='retrans="500"'),
            recv("ACK")]
    renew = [request("INVITE", 2, body=sdp("sendonly", 2)), recv(100, optional=True), recv(200),
             ack(2)]
    renew_back = [request_back("INVITE", 1, body=sdp("sendonly", 2)), recv(100, optional=True),
                  recv(200), request_back("ACK", 1)]
    caller = [answered(), pause(100), renew, take]
    box = [ring_and_answer(2, 2), take, pause(100), renew_back]
    return {
        "bye": ([caller, pause(100), hang_up(3)], [box, take_bye()]),
        "byeback": ([caller, recv("BYE"), reply(200, "OK"), wait_for_repeats()],
                    [box, pause(100), request_back("BYE", 2), recv(200)]),
    }


def check_routes(near: Capture, far: Capture, near_ip: str, far_ip: str) -> None:
    invites = tshark(far.file, 'sip.Method == "INVITE" && !sip.to.tag', "-T", "fields",
                     "-e", "sip.Record-Route")
    answers = tshark(near.file, 'sip.Status-Code == 200 && sip.CSeq.seq == 1 '
                                '&& sip.CSeq.method == "INVITE" && sip.Record-Route',
                     "-T", "fields", "-e", "sip.Record-Route")
    check(len(invites) >= CALLS and len(answers) >= CALLS,
          f"{len(invites)} INVITEs and {len(answers)} answers for {CALLS} calls")
    for line in invites + answers:
        routes = line.replace(">,", ">|").split("|")
        check(len(routes) == 2, f"not two Record-Routes: {line}")
        check(routes[0].startswith(f"<sip:{far_ip}:5060;lr;lh=")
              and routes[1].startswith(f"<sip:{near_ip}:5060;lr;lh="),
              f"not the far side's first and then the near side's: {line}")
        check(routes[0].split("lh=")[1] == routes[1].split("lh=")[1], f"two calls: {line}")
    for capture, side in ((near, "caller"), (far, "box")):
        # What has left us for a party has no Route of ours on it any more.
        towards = tshark(capture.file, "sip.Route && sip.Request-Line && udp.srcport == 5060 "
                         + (f"&& {'ipv6' if ':' in near_ip else 'ip'}.src == {near_ip.strip('[]')}"
                            if side == "caller" else
                            f"&& {'ipv6' if ':' in far_ip else 'ip'}.src == {far_ip.strip('[]')}"))
        check(not towards, f"to the {side} went a Route: {towards[:2]}")


def check_false_sender(lab: StudyCase, balancer) -> None:
    """A host on the callers' side that takes the box's address is not heard."""
    box = address(BOX, far=True)
    lab.core.run("ip", "address", "add", f"{box}/32", "dev", "eth0")
    say = ("import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
           f"s.bind(('{box}', 5060)); s.sendto(b'OPTIONS sip:x SIP/2.0\\r\\n\\r\\n', "
           f"('{address(BALANCER)}', 5060))")
    lab.core.run("/usr/bin/python3", "-c", say)
    check(balancer.wait_statistic("verdict:dropped_other_link", 1, 5),
          f"a false sender was heard: {balancer.statistics()}")
    told = [line for line in balancer.tail(1000).splitlines() if "check_source" in line]
    if not told:  # it is looked at once a second
        time.sleep(1.5)
        told = [line for line in balancer.tail(1000).splitlines() if "check_source" in line]
    check(len(told) == 1, f"the log does not say it once: {told}")


def calls_through_two_ports(device: str, workers: int, far_ipv6: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="linehunt-e2e-") as name:
        configuration = Configuration(Path(name), device, workers=workers, boxes={},
                                      limits=SMALL_TABLES, runtime=SMALL_POOL,
                                      rules=far_sections(device, far_ipv6))
        with StudyCase(configuration) as lab, ending_well(lab):
            box_host = lab.wire.add_far_host("far", BOX, lab.device)
            balancer = lab.start_balancer()
            mbufs = MbufWatch(lab)
            near = Capture(*lab.wire.tap_of(lab.core), lab.folder / "near.pcap")
            far = Capture(box_host.namespace, "eth0", lab.folder / "far.pcap")
            for index, (kind, (caller_steps, box_steps)) in enumerate(call_steps().items()):
                box = Sipp(box_host, lab.folder, f"{kind}-box",
                           write(lab.folder / f"{kind}-box.xml", kind, box_steps), ipv6=far_ipv6)
                lab.sipps.append(box)
                rows = write_injection(lab.folder / f"{kind}.csv", [(kind, 0)])
                caller = lab.sipp(lab.core, f"{kind}-caller",
                                  write(lab.folder / f"{kind}-caller.xml", kind, caller_steps),
                                  port=7200 + 10 * index, target=lab.target,
                                  options=("-inf", str(rows), "-m", str(CALLS), "-r", "20"))
                check(caller.wait(30) == 0, f"{kind}: {caller.counts()}\n{diagnosis(lab)}")
                check(balancer.wait_idle(5), f"{kind}: loads remain: {balancer.loads()}")
                box.stop()
                check(box.counts().successful == CALLS, f"{kind}: box {box.counts()}")
            if not far_ipv6:
                check_false_sender(lab, balancer)
            mbufs.check_none_lost()
            check(balancer.stop() == 0, f"linehunt did not end well:\n{balancer.tail()}")
            for capture in (near, far):
                capture.stop()
                faults = capture.faults()
                check(not faults, "\n".join(faults))
            far_ip = address(BALANCER, far_ipv6, far=True)
            check_routes(near, far, address(BALANCER), f"[{far_ip}]" if far_ipv6 else far_ip)


for device, workers in DEVICES_AND_WORKERS[:2]:
    for far_ipv6 in (False, True):
        case(device=device, workers=workers, far_ipv6=far_ipv6,
             quick=far_ipv6)(calls_through_two_ports)

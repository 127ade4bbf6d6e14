# SPDX-License-Identifier: Apache-2.0
"""What a link that goes down means: it is told, and nobody is taken for dead who cannot be heard."""

import time
from pathlib import Path

from cases import case, check
from event_follower import events_of
from lab.configuration import FIRST_BOX, uri
from lab.wire import ip
from lab_setups import diagnosis, study_case

PROBED_BOX = f"""
[probing]
interval_s = 1
timeout_ms = 500

[[destination]]
id = 1
group = 1
uri = "{uri(FIRST_BOX + 1)}"
resources = "pstn=10"
probe_mode = 2
"""
RESPONDER = Path(__file__).with_name("probe_responder.py")
STATUS = "E_LOAD_BALANCER_STATUS"


def enabled(lab) -> bool:
    return lab.balancer.ask("list")["Destinations"][0]["enabled"] == "yes"


def a_link_that_is_down_disables_nobody(device: str) -> None:
    with study_case(device, boxes={1: {"pstn": 10}}, boxes_in_file=False, more=PROBED_BOX) as lab:
        box = lab.box_hosts[1]
        responder = box.start(["/usr/bin/python3", "-B", str(RESPONDER), box.ip, "60"], lab.folder,
                              lab.folder / "responder.log")
        try:
            balancer = lab.start_balancer()
            with events_of(lab) as events:
                time.sleep(2)  # a probe or two
                check(enabled(lab), f"disabled at first\n{diagnosis(lab)}")
                namespace, interface = lab.wire.tap_of(lab.device)
                for state, up in (("down", 0), ("up", 1)):
                    ip(namespace, f"link set {interface} {state}")
                    check(balancer.wait_statistic("port_access:link_up", up, 5),
                          f"the link is not told to be {state}")
                    time.sleep(4)  # several probes, and whatever they end in
                    check(enabled(lab), f"disabled, with the link {state}: {events.all(STATUS)}")
                links = [(each["port"], each["status"]) for each in events.all("E_LINEHUNT_LINK")]
                check(links == [("access", "down"), ("access", "up")], f"told of links: {links}")
                check(not events.all(STATUS), f"told of a status: {events.all(STATUS)}")

                # One that is dead is still found.
                responder.kill()
                responder.wait()
                told = events.first(STATUS)
                check((told["status"], told["cause"]) == ("disabled", "probe timeout"), f"{told}")
        finally:
            responder.kill()
            responder.wait()


for each_device in ("af_packet", "af_xdp"):
    case(device=each_device)(a_link_that_is_down_disables_nobody)

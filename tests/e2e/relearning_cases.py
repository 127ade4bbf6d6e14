# SPDX-License-Identifier: Apache-2.0
"""What others have told before a restart counts after it while they are silent: a DNS server, and a
FreeSWITCH."""

import json
import shutil
import sys

from cases import NotHere, case, check, wait_until
from feedback_cases import (DNS_PORT, DNSMASQ, EVENT_SOCKET, FOLLOWING_RULES, call, dns_server,
                            following, only_destination, running, wait_for)
from lab.configuration import FIRST_BOX
from lab.wire import address
from restart_cases import crash, end, keeping, state_of

ONE, TWO = address(FIRST_BOX + 1), address(FIRST_BOX + 2)


def destination(uri: str) -> str:
    return following(uri, "machine.test", f"""[dns]
servers = ["127.0.0.1:{DNS_PORT}"]
timeout_ms = 200
min_ttl_s = 1""")


@case(way="end")
@case(way="crash")
def addresses_and_heartbeats_of_before(way: str):
    if not shutil.which(DNSMASQ):
        raise NotHere(f"{DNSMASQ} is not there; run tools/install")
    hosts = [f"--host-record=one.test,{ONE},1", f"--host-record=two.test,{TWO},1",
             "--host-record=machine.test,127.0.0.1,1"]
    with keeping(boxes={1: {"vm": 0}, 2: {"vm": 0}}, rules=FOLLOWING_RULES, workers=2) as lab:
        lab.configuration.boxes = {}  # hosts for SIPp, but no destinations of their own
        service = lab.configuration.more
        lab.configuration.more = service + destination("sip:pbx.test")
        balancer = lab.start_balancer()
        for number in (1, 2):
            lab.start_box(number)
        known = [f"{ONE}:5060", f"{TWO}:5060"]

        def capacity() -> int:
            return only_destination(balancer)["Resources"][0]["max"]

        def beat() -> str:
            return only_destination(balancer)["Resources"][0]["heartbeat"]

        def machine(name: str, most: int):
            return running(lab, name, sys.executable, str(EVENT_SOCKET), "ClueCon", "0", str(most),
                           "100")

        check(capacity() == 1000, "before the first heartbeat")
        with machine("freeswitch-1", 20), dns_server(
                lab, *hosts, "--srv-host=_sip._udp.pbx.test,one.test,5060,1,1",
                "--srv-host=_sip._udp.pbx.test,two.test,5060,2,1"):
            wait_for("both addresses",
                     lambda: only_destination(balancer).get("addresses") == known)
            wait_for("capacity 20", lambda: capacity() == 20)
            if way == "crash":
                wait_for("both in the file", lambda: (state_of(lab) / "learned.json").exists() and
                         all(json.loads((state_of(lab) / "learned.json").read_text())[each]
                             for each in ("names", "socket_names", "heartbeats")), limit_s=30)
        {"end": end, "crash": crash}[way](balancer)

        balancer = lab.start_balancer()  # without anybody who would tell it anything
        listed = only_destination(balancer)
        check(listed.get("addresses") == known and "before the start" in listed.get("stale", ""),
              f"{listed}")
        check(capacity() == 20 and beat() == "waiting", f"{listed}")
        call(lab, "without-a-server")
        wait_until(lambda: "; the addresses are those of before the start" in balancer.tail(200),
                   "a line of the log")
        end(balancer)

        # Another port is another name, and was never looked up.
        lab.configuration.more = service + destination("sip:pbx.test:5060")
        balancer = lab.start_balancer()
        check(only_destination(balancer).get("unresolved"), f"{only_destination(balancer)}")
        end(balancer)

        lab.configuration.more = service + destination("sip:pbx.test")
        balancer = lab.start_balancer()
        check(only_destination(balancer).get("addresses") == known,
              "they are not kept over two restarts")
        with machine("freeswitch-2", 8), dns_server(
                lab, *hosts, "--srv-host=_sip._udp.pbx.test,two.test,5060,1,1"):
            wait_for("the new address",
                     lambda: only_destination(balancer).get("addresses") == known[1:])
            wait_for("capacity 8", lambda: capacity() == 8 and beat() == "fresh")
            check("stale" not in only_destination(balancer), f"{only_destination(balancer)}")
            call(lab, "after-a-change", 7)
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
        for box in lab.boxes.values():
            box.stop()
        taken = {number: lab.calls_taken(number) for number in lab.boxes}
        check(taken == {1: 10, 2: 7}, f"calls by box: {taken}")
        end(balancer)

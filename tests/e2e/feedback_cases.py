# SPDX-License-Identifier: Apache-2.0
"""What linehunt hears from others while calls go on: a real DNS server and the event socket of a
FreeSWITCH, both on loopback beside it, that die and come back; and a box that is overloaded."""

import itertools
import json
import shutil
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from cases import NotHere, case, check
from lab.configuration import FIRST_BOX
from lab.wire import address
from lab_setups import diagnosis, study_case
from script import recv, recv_invite, reply_invite, sdp, take_bye, write

DNSMASQ = "/usr/sbin/dnsmasq"
DNS_PORT = 5353
EVENT_SOCKET = Path(__file__).with_name("event_socket.py")
FOLLOWING_RULES = """
[[rule]]
match = { user = "^VM_" }
balance = 1
resources = "vm"
"""


def wait_for(what: str, holds, limit_s: float = 20):
    """Waits until `holds()` is true, and returns what it gave."""
    began = time.monotonic()
    while not (found := holds()):
        if time.monotonic() - began > limit_s:
            raise AssertionError(f"not within {limit_s} s: {what}")
        time.sleep(0.05)
    return found


@contextmanager
def running(lab, name: str, *words: str):
    """A program beside linehunt, in the same namespace, until the end of the block."""
    process = lab.device.start(list(words), lab.folder, lab.folder / f"{name}.log")
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def dns_server(lab, *records: str):
    return running(lab, "dnsmasq", DNSMASQ, "--keep-in-foreground", "--conf-file=/dev/null",
                   "--pid-file=", "--no-resolv", "--no-hosts", "--no-daemon", "--user=", "--group=",
                   "--bind-interfaces", "--listen-address=127.0.0.1", f"--port={DNS_PORT}",
                   "--local=/test/", *records)


def only_destination(balancer) -> dict:
    return balancer.ask("list")["Destinations"][0]


def call(lab, name: str, count: int = 10) -> None:
    core = lab.start_core([("VM_1", 100)] * count, 50, name=name)
    check(core.wait(20) == 0, f"{name}: {core.counts()}\n{diagnosis(lab)}")


@case
def a_destination_with_a_name():
    if not shutil.which(DNSMASQ):
        raise NotHere(f"{DNSMASQ} is not there; run tools/install")
    destination = f"""
[[destination]]
id = 7
group = 1
uri = "sip:pbx.test"
resources = "vm=50"
[dns]
servers = ["127.0.0.1:{DNS_PORT}"]
timeout_ms = 200
min_ttl_s = 1
max_stale_s = 600
"""
    one, two = address(FIRST_BOX + 1), address(FIRST_BOX + 2)
    hosts = [f"--host-record=one.test,{one},1", f"--host-record=two.test,{two},1"]
    with study_case(boxes={1: {"vm": 0}, 2: {"vm": 0}}, rules=FOLLOWING_RULES,
                    more=destination, workers=2) as lab:
        lab.configuration.boxes = {}  # hosts for SIPp, but no destinations of their own
        balancer = lab.start_balancer()
        for number in (1, 2):
            lab.start_box(number)
        wait_for("unresolved is listed", lambda: only_destination(balancer).get("unresolved"))
        core = lab.start_core([("VM_1", 100)], 50, name="too-early")
        check(core.wait(20) != 0, "a call was taken without an address")

        with dns_server(lab, *hosts, "--srv-host=_sip._udp.pbx.test,one.test,5060,1,1",
                        "--srv-host=_sip._udp.pbx.test,two.test,5060,2,1"):
            wait_for("both addresses", lambda: only_destination(balancer).get("addresses")
                     == [f"{one}:5060", f"{two}:5060"])
            call(lab, "by-priority")
        wait_for("stale is listed", lambda: only_destination(balancer).get("stale"))
        call(lab, "without-a-server")
        check(only_destination(balancer)["addresses"] == [f"{one}:5060", f"{two}:5060"],
              "the addresses were lost with the server")
        with dns_server(lab, *hosts, "--srv-host=_sip._udp.pbx.test,two.test,5060,1,1"):
            wait_for("the new address", lambda: only_destination(balancer).get("addresses")
                     == [f"{two}:5060"])
            call(lab, "after-a-change", 7)
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
        for box in lab.boxes.values():
            box.stop()
        taken = {number: lab.calls_taken(number) for number in lab.boxes}
        check(taken == {1: 20, 2: 7}, f"calls by box: {taken}")


@case
def the_next_address_takes_the_calls_of_a_silent_one():
    if not shutil.which(DNSMASQ):
        raise NotHere(f"{DNSMASQ} is not there; run tools/install")
    more = f"""
[[destination]]
id = 7
group = 1
uri = "sip:pbx.test:5060"
resources = "vm=50"
[dns]
servers = ["127.0.0.1:{DNS_PORT}"]
[timers]
fr_timeout_ms = 700
"""
    one, two = address(FIRST_BOX + 1), address(FIRST_BOX + 2)
    with study_case(boxes={1: {"vm": 0}, 2: {"vm": 0}}, rules=FOLLOWING_RULES, more=more) as lab:
        lab.configuration.boxes = {}
        balancer = lab.start_balancer()
        lab.start_box(2)  # nobody is at the other
        with dns_server(lab, f"--host-record=pbx.test,{one}", f"--host-record=pbx.test,{two}"):
            wait_for("both addresses", lambda: only_destination(balancer).get("addresses")
                     == [f"{one}:5060", f"{two}:5060"])
            call(lab, "half-of-it", 20)
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
        check(only_destination(balancer)["enabled"] == "yes", "the destination was disabled")


def following(uri: str, machine: str, sections: str) -> str:
    """A destination whose lines are what the event socket of `machine` says."""
    beats = f"vm = fs://:ClueCon@{machine}:8021"
    return f"""
[[destination]]
id = 7
group = 1
uri = "{uri}"
resources = {json.dumps(beats)}
{sections}
"""


@case
def a_capacity_that_follows_heartbeats():
    more = following(f"sip:{address(FIRST_BOX + 1)}:5060", "127.0.0.1",
                     "[heartbeat]\ninterval_s = 1")
    with study_case(boxes={1: {"vm": 0}}, rules=FOLLOWING_RULES, more=more, workers=2) as lab:
        lab.configuration.boxes = {}
        balancer = lab.start_balancer()
        lab.start_box(1)

        def resource() -> dict:
            return only_destination(balancer)["Resources"][0]

        check(resource()["max"] == 1000, f"before the first heartbeat: {resource()}")

        def machine(name: str, sessions: int, most: int, idle: float):
            return running(lab, name, sys.executable, str(EVENT_SOCKET), "ClueCon",
                           str(sessions), str(most), str(idle))

        with machine("freeswitch-1", 10, 50, 50.0):
            wait_for("capacity 20", lambda: resource()["max"] == 20)
            check(resource()["heartbeat"] == "fresh", f"{resource()}")
            call(lab, "following")
            # A heartbeat while those calls were up has left more to us.
            wait_for("no call, capacity 20", lambda: resource()["max"] == 20)
            check(balancer.control("reload")[0] == 0, "the reload was refused")
            check(resource()["max"] == 20, f"after a reload: {resource()}")
            check(balancer.control("resize", "7", "vm", "3")[0] == 0, "resize was refused")
            wait_for("the next heartbeat wins", lambda: resource()["max"] == 20)
        wait_for("stale", lambda: resource()["heartbeat"] == "stale")
        check(resource()["max"] == 20, f"when it is stale: {resource()}")
        call(lab, "stale")
        with machine("freeswitch-2", 0, 8, 100.0):
            wait_for("capacity 8", lambda: resource()["max"] == 8)
            check(resource()["heartbeat"] == "fresh", f"{resource()}")
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")


# The topmost Via without what linehunt offers in it, and what an overloaded box says there instead.
OUR_VIA = ('<ereg regexp="SIP/2.0/UDP [^;]*;branch=[^;]*" search_in="hdr" header="Via:" '
           'occurrence="1" assign_to="ours"/>')
OVERLOADED = 'Via: [$ours];oc=100;oc-algo="loss";oc-validity=5000;oc-seq=[call_number].0'


@case(workers=1)
@case(workers=2)
def a_box_that_is_overloaded_gets_no_calls_for_a_while(workers: int):
    """RFC 7339: it takes a call and asks in its 200 for no more; the call itself goes on."""
    with study_case(boxes={1: {"vm": 50}}, more="\n[overload]\nenabled = true\n",
                    workers=workers) as lab:
        balancer = lab.start_balancer()
        lab.start_box(1, write(lab.folder / "overloaded.xml", "overloaded", [
            recv_invite().replace("<action>", "<action>" + OUR_VIA),
            reply_invite(200, "OK", body=sdp()).replace("Via:[$via1]", OVERLOADED),
            recv("ACK"), take_bye()]))
        core = lab.start_core([("VM_1", 1000)], 10, name="first")
        check(balancer.wait_statistic("load_balancer:calls_answered", 1, 10), diagnosis(lab))
        shed = lab.start_core([("VM_1", 100)] * 5, 100, name="shed", port=7100)
        check(shed.wait(10) != 0 and shed.counts().failed == 5, f"{shed.counts()}")
        check("503 Destination Overload" in shed.errors.read_text(errors="replace"),
              shed.complaints())
        check(core.wait(10) == 0, f"its BYE was shed too: {core.counts()}\n{diagnosis(lab)}")
        check(balancer.statistics()["load_balancer:calls_shed"] == 5, "calls shed")
        numbers = itertools.count()

        def one_more() -> bool:
            return lab.start_core([("VM_1", 50)], 10, name=f"later{next(numbers)}").wait(10) == 0
        wait_for("what it asked for is over", one_more)
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
        for box in lab.boxes.values():
            box.stop()
        check(lab.calls_taken(1) == 2, f"{lab.calls_taken(1)} calls came to it")

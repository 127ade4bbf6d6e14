# SPDX-License-Identifier: Apache-2.0
"""Calls over a port with an 802.1Q tag."""

import subprocess
import time
from pathlib import Path

from cases import case, check
from lab.configuration import BALANCER
from lab.wire import address, command
from lab_setups import MbufWatch, diagnosis, study_case

VLAN = 77
RELAY = Path(__file__).resolve().parent / "vlan_relay.py"


def put_on_trunk(lab) -> subprocess.Popen:
    """Moves linehunt's end of the wire behind a relay that tags."""
    namespace, far = lab.wire.tap_of(lab.device)
    for words in (["link", "set", far, "nomaster"],
                  ["link", "add", "untagged", "type", "veth", "peer", "name", "access"],
                  ["link", "set", "access", "master", "br0"],
                  ["link", "set", "access", "up"], ["link", "set", "untagged", "up"]):
        command("ip", "-n", namespace, *words)
    relay = subprocess.Popen(
        ["nsenter", f"--net=/run/netns/{namespace}", "--", "/usr/bin/python3", "-B", str(RELAY),
         "untagged", far, str(VLAN)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True)
    check(relay.stdout.readline().strip() == "relaying", "the relay did not start")
    return relay


@case(device="af_packet")
@case(device="af_xdp")
def calls_over_a_vlan(device: str):
    with study_case(device, port={"vlan": VLAN}) as lab:
        relay = put_on_trunk(lab)
        try:
            balancer = lab.start_balancer()
            lab.core.run("ping", "-c", "2", "-i", "0.2", "-W", "2", address(BALANCER))
            lab.core.run("ping", "-c", "2", "-i", "0.2", "-W", "2", address(BALANCER, ipv6=True))
            mbufs = MbufWatch(lab)
            for number in lab.configuration.boxes:
                lab.start_box(number)
            core = lab.start_core([("VM_1", 100), ("4930", 100)] * 20, 40)
            check(core.wait(20) == 0, f"{core.counts()}\n{diagnosis(lab)}")
            check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
            mbufs.check_none_lost()
        finally:
            relay.terminate()
            relay.wait()


@case
def an_untagged_frame_is_not_for_a_vlan_port():
    with study_case(port={"vlan": VLAN}) as lab:
        balancer = lab.start_balancer()
        told = subprocess.run([*lab.core.prefix(), "ping", "-c", "1", "-W", "1",
                               address(BALANCER)], capture_output=True)
        check(told.returncode != 0, "a ping without the tag was answered")
        time.sleep(0.1)
        check(balancer.running(), "linehunt ended")

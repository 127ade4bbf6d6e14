# SPDX-License-Identifier: Apache-2.0
"""What a link that goes down means: it is told, and nobody is taken for dead who cannot be heard.
And that the interface of the example is a link."""

import os
import tempfile
import time
from pathlib import Path

from cases import case, check
from lab.balancer import ROOT, program
from event_follower import events_of
from lab.configuration import FIRST_BOX, uri
from lab.wire import Wire, ip
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


ASK = """
import socket
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.settimeout(5)
asking.connect(("192.0.2.10", 5060))
asking.send(b"OPTIONS sip:192.0.2.10 SIP/2.0\\r\\n"
            b"Via: SIP/2.0/UDP 192.0.2.254;rport;branch=z9hG4bKa\\r\\n"
            b"From: <sip:a@192.0.2.254>;tag=a\\r\\nTo: <sip:192.0.2.10>\\r\\nCall-ID: a\\r\\n"
            b"CSeq: 1 OPTIONS\\r\\nMax-Forwards: 70\\r\\nContent-Length: 0\\r\\n\\r\\n")
print(asking.recv(2000).decode().split("\\r\\n")[0])
"""


@case
def the_example_is_heard_by_the_interface_that_it_makes():
    text = (ROOT / "tools/linehunt.example.toml").read_text(encoding="utf-8")
    begin = '[runtime]\n'
    check(text.count(begin) == 1 and '"net_tap0,iface=linehunt0"' in text, "another example")
    with tempfile.TemporaryDirectory() as name, Wire() as wire:
        folder = Path(name)
        host = wire.add_device("example", 1)
        file = folder / "linehunt.toml"
        file.write_text(text.replace(begin, f'{begin}file_prefix = "example{os.getpid()}"\n') +
                        f'\n[admin]\nsocket = "{folder}/admin.sock"\nhttp = ""\n', encoding="utf-8")
        log = folder / "log"
        process = host.start([str(program()), "-c", str(file)], folder, log)
        try:
            began = time.monotonic()
            while "ready\n" not in log.read_text(encoding="utf-8"):
                check(process.poll() is None and time.monotonic() - began < 30,
                      log.read_text(encoding="utf-8"))
                time.sleep(0.05)
            ip(host.namespace, "addr add 192.0.2.254/24 dev linehunt0", "link set linehunt0 up")
            host.run("ping", "-c", "1", "-W", "5", "192.0.2.10")
            answer = host.run("/usr/bin/python3", "-c", ASK).strip()
            check(answer == "SIP/2.0 200 OK", answer)
        finally:
            process.terminate()
            process.wait(15)

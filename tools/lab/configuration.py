# SPDX-License-Identifier: Apache-2.0
"""The balancer's configuration file in the lab: the tutorial's study case by default."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from .call_mix import BOXES
from .wire import address

BALANCER = 2  # last number of its address
CORE = 10
FIRST_BOX = 20  # box n is FIRST_BOX + n
CORE_INCOMING_PORT = 5080

STUDY_CASE_RULES = """
[[rule]]
name = "call from a box"
match = { from_group = 1 }
forward = "CORE"
count = "pstn"

[[rule]]
name = "voicemail"
match = { user = "^VM_" }
balance = 1
resources = "vm"
failover = { on = ["5xx", "6xx", "timeout"], disable = true }
full = "500 Service full"

[[rule]]
name = "PSTN call"
match = { user = "^[0-9]+$" }
balance = 1
resources = "pstn"
failover = { on = ["5xx", "6xx", "timeout"], disable = true }
full = "500 Service full"

[[rule]]
name = "anything else"
reply = "404 Destination not found"
"""


def device_of(kind: str, interface: str = "eth0", queues: int = 1) -> str:
    if kind == "af_xdp" and queues > 1:
        return f"net_af_xdp0,iface={interface},start_queue=0,queue_count={queues}"
    if kind == "af_packet" and queues > 1:
        return f"net_af_packet0,iface={interface},qpairs={queues}"
    return f"net_{kind}0,iface={interface}"


def uri(number: int, port: int = 5060, ipv6: bool = False) -> str:
    host = f"[{address(number, True)}]" if ipv6 else address(number)
    return f"sip:{host}:{port}"


@dataclass
class Configuration:
    folder: Path
    device: str  # af_packet, af_xdp
    workers: int = 1
    ipv6: bool = False
    hugepages: bool = False
    boxes: dict = field(default_factory=lambda: dict(BOXES))
    boxes_in_file: bool = True  # else they are somewhere else, such as in a database
    rules: str = STUDY_CASE_RULES
    runtime: dict = field(default_factory=dict)  # more keys of [runtime]
    limits: dict = field(default_factory=dict)  # keys of [limits]
    port: dict = field(default_factory=dict)  # more keys of [[port]]
    socket_folder: str = "."
    admin: dict = field(default_factory=dict)  # more keys of [admin]
    more: str = ""  # further sections as they are

    @property
    def file(self) -> Path:
        return self.folder / "linehunt.toml"

    @property
    def socket(self) -> Path:
        return self.folder / self.socket_folder / "linehunt.sock"

    def write(self) -> Path:
        self.file.write_text(self.text(), encoding="utf-8")
        return self.file

    def text(self) -> str:
        processors = sorted(os.sched_getaffinity(0))
        cores = [processors[-1 - index % len(processors)] for index in range(self.workers)]
        runtime = {
            "workers": self.workers, "cores": cores, "control_core": processors[0],
            "hugepages": self.hugepages, "file_prefix": f"linehunt-{os.getpid()}", **self.runtime,
        }
        port = {
            "name": "access", "device": device_of(self.device),
            "addresses": [f"{address(BALANCER)}/24", f"{address(BALANCER, True)}/64"], **self.port,
        }
        sections = [
            "[runtime]", *pairs(runtime),
            "[[port]]", *pairs(port),
            "[[listen]]", *pairs({"address": address(BALANCER), "port": port["name"]}),
            "[[listen]]", *pairs({"address": address(BALANCER, True), "port": port["name"]}),
            *(["[limits]", *pairs(self.limits)] if self.limits else []),
            "[admin]", *pairs({"socket": str(self.socket), **self.admin}),
        ]
        for number, resources in self.boxes.items() if self.boxes_in_file else ():
            sections += ["[[destination]]", *pairs({
                "id": number, "group": 1, "uri": uri(FIRST_BOX + number, ipv6=self.ipv6),
                "resources": ";".join(f"{name}={lines}" for name, lines in resources.items()),
            })]
        core = uri(CORE, CORE_INCOMING_PORT, self.ipv6)
        return "\n".join(sections) + "\n" + self.rules.replace("CORE", core) + self.more


def pairs(values: dict) -> list:
    """TOML keys and values; JSON writes strings, numbers, booleans and lists the same way."""
    return [f"{key} = {json.dumps(value)}" for key, value in values.items()]

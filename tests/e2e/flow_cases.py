# SPDX-License-Identifier: Apache-2.0
"""Every flow of flows.py through linehunt. All flows of one set-up run side by side, each with a
destination of its own, so that a load that remains names its flow."""

import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cases import case, check
from flows import FLOWS
from lab.configuration import BALANCER, FIRST_BOX, Configuration
from lab.sipp import Sipp, write_injection
from lab.study_case import StudyCase
from lab.wire import LabError, address
from lab_setups import DEVICES_AND_WORKERS, SMALL_POOL, SMALL_TABLES, MbufWatch, ending_well
from script import write

CALLS = 5  # of each flow, so that both workers have some
LINES = 10
FIRST_PORT = 7000  # SIPp takes 6000 and 6002 for media
LIMIT_S = 45


@dataclass
class Result:
    caller: str  # empty: all is well
    box: str
    load: int


def configuration(folder: Path, device: str, workers: int) -> Configuration:
    sections = []
    for index, _ in enumerate(FLOWS):
        sections.append(f"""
[[destination]]
id = {index + 1}
group = {index + 1}
uri = "sip:{address(FIRST_BOX)}:{FIRST_PORT + index}"
resources = "line={LINES}"

[[rule]]
match = {{ user = "^flow{index}$" }}
balance = {index + 1}
resources = "line"
""")
    # A refusal of a flow is meant for the caller, so nothing fails over here.
    return Configuration(folder, device, workers=workers, limits=SMALL_TABLES, runtime=SMALL_POOL,
                         boxes={}, rules="".join(sections), more="\n[timers]\nfr_inv_timeout_ms = 4000\n")


def run_one(lab: StudyCase, boxes, index: int, flow) -> tuple:
    caller_steps, box_steps = flow(vias=2)
    name = f"flow{index}"
    options = ("-max_retrans", "20")
    box = lab.sipp(boxes, f"{name}-box", write(lab.folder / f"{name}-box.xml", name, box_steps),
                   port=FIRST_PORT + index, options=options)
    injection = write_injection(lab.folder / f"{name}.csv", [(name, 0)])
    caller = lab.sipp(lab.core, f"{name}-caller",
                      write(lab.folder / f"{name}-caller.xml", name, caller_steps),
                      port=FIRST_PORT + index, target=f"{address(BALANCER)}:5060",
                      options=(*options, "-inf", str(injection), "-m", str(CALLS), "-r", "20"))
    return caller, box


def verdict(sipp: Sipp, status) -> str:
    counts = sipp.counts()
    if counts.successful == CALLS and not counts.failed:
        return ""
    return f"{sipp.name}: {counts}, exit status {status}\n{sipp.complaints()}"


@functools.cache
def run_all(device: str, workers: int) -> dict:
    with tempfile.TemporaryDirectory(prefix="linehunt-e2e-") as name:
        with StudyCase(configuration(Path(name), device, workers)) as lab, ending_well(lab):
            boxes = lab.wire.add_host("boxes", FIRST_BOX)
            balancer = lab.start_balancer()
            mbufs = MbufWatch(lab)
            started = [run_one(lab, boxes, index, flow)
                       for index, flow in enumerate(FLOWS.values())]
            results = {}
            for flow, (caller, box) in zip(FLOWS, started):
                try:
                    status = caller.wait(LIMIT_S)
                except LabError as error:
                    status = error
                box.stop()
                results[flow] = (verdict(caller, status), verdict(box, "-"))
            balancer.wait_idle(5)
            mbufs.check_none_lost()
            loads = [loads["line"] for _, loads in sorted(balancer.loads().items())]
            return {flow: Result(*results[flow], load) for flow, load in zip(FLOWS, loads)}


def flow_through_linehunt(flow: str, device: str, workers: int) -> None:
    result = run_all(device, workers)[flow]
    check(not result.caller and not result.box, result.caller + result.box)
    check(result.load == 0, f"the flow left {result.load} lines held")


for device, workers in DEVICES_AND_WORKERS:
    for flow in FLOWS:
        case(flow=flow, device=device, workers=workers,
             quick=(device, workers) == DEVICES_AND_WORKERS[0],
             group=f"flows {device} {workers}")(flow_through_linehunt)

# SPDX-License-Identifier: Apache-2.0
"""The demo: real calls through linehunt, the loads live on the terminal, a summary at the end."""

import argparse
import json
import math
import shutil
import sys
import tempfile
import time
from pathlib import Path

from testing import interruption
from testing.builds import PROGRAMS, RELEASE, BuildError

from .balancer import CONTROL, Balancer
from .call_mix import mix
from .configuration import Configuration
from .load_table import LoadTable
from .study_case import StudyCase
from .wire import LabError

POLL_S = 0.2
SETTLE_S = 10  # for the last BYEs
PATIENCE_S = 40  # past the time that the calls take by plan; a lost BYE is repeated for 32 s


def arguments_of(words: list) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools/demo")
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--device", choices=("af_packet", "af_xdp"), default="af_packet")
    parser.add_argument("--ipv6", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args(words)
    if arguments.calls < 1 or not 0 < arguments.rate < math.inf or arguments.workers < 1:
        parser.error("--calls, --rate and --workers must be numbers above 0")
    return arguments


def run_calls(case: StudyCase, arguments: argparse.Namespace) -> tuple:
    """Makes all calls. The table with its peaks, the calls completed, and the final idle state."""
    balancer = case.start_balancer()
    try:
        return watch_calls(case, balancer, arguments)
    except LabError as error:
        if not balancer.running():
            error = f"linehunt ended with {balancer.process.returncode} in the middle"
        raise LabError(f"{error}\nWhat linehunt said last:\n{balancer.tail()}") from None


def watch_calls(case: StudyCase, balancer: Balancer, arguments: argparse.Namespace) -> tuple:
    calls = mix(arguments.calls, arguments.rate)
    table = LoadTable(f"linehunt, {arguments.workers} worker(s), {arguments.device}")
    callers = [case.start_mix(calls)]
    callers += [case.boxes[number] for number, rows in calls.box_calls.items() if rows]

    planned_s = arguments.calls / arguments.rate + max(
        hold for _, hold in calls.core_calls or [("", 0)]) / 1000
    deadline = time.monotonic() + planned_s + PATIENCE_S
    while True:
        counts = [caller.counts() for caller in callers]
        completed = sum(each.successful for each in counts)
        failed = sum(each.failed for each in counts)
        table.update(balancer.ask("list")["Destinations"])
        table.draw(completed + failed, calls.total, failed)
        if completed + failed >= calls.total or time.monotonic() > deadline:
            break
        time.sleep(POLL_S)
    balancer.wait_idle(SETTLE_S)
    table.update(balancer.ask("list")["Destinations"])
    table.draw(completed + failed, calls.total, failed)
    return table, completed


def result_of(case: StudyCase, arguments: argparse.Namespace, table: LoadTable,
              completed: int, seconds: float) -> dict:
    destinations = []
    for entry in table.destinations:
        destinations.append({
            "id": entry["id"], "uri": entry["uri"], "calls": case.calls_taken(entry["id"]),
            "resources": {each["name"]: {
                "capacity": each["max"], "peak": table.peaks[(entry["id"], each["name"])],
                "final": each["load"]} for each in entry["Resources"]},
        })
    return {
        "calls": arguments.calls, "completed": completed, "failed": arguments.calls - completed,
        "from_destinations": case.sipps[0].counts().incoming,
        "retransmissions": sum(sipp.counts().retransmissions for sipp in case.sipps),
        "seconds": round(seconds, 1), "rate": arguments.rate, "workers": arguments.workers,
        "device": arguments.device, "ipv6": arguments.ipv6, "destinations": destinations,
    }


def good(result: dict) -> bool:
    return result["failed"] == 0 and not any(
        load["final"] for entry in result["destinations"] for load in entry["resources"].values())


def print_summary(result: dict) -> None:
    print(f"\n{result['completed']} of {result['calls']} calls completed, {result['failed']} failed,"
          f" {result['retransmissions']} retransmissions, {result['seconds']} s")
    print(f"{result['from_destinations']} of them came from the boxes and went to the core proxy")
    for entry in result["destinations"]:
        loads = "  ".join(f"{name} peak {load['peak']} of {load['capacity']}, now {load['final']}"
                          for name, load in entry["resources"].items())
        print(f"  {entry['id']} {entry['uri']:24} {entry['calls']:6} calls  {loads}")


def leave_running(case: StudyCase) -> None:
    case.keep = case.wire.keep = True
    stop = case.folder / "stop"
    processes = [sipp.process.pid for sipp in case.sipps if sipp.running()]
    processes.append(case.balancer.process.pid)
    lines = ["#!/bin/sh", "# Ends what tools/demo --keep left running."]
    lines += [f"kill {' '.join(map(str, processes))} 2>/dev/null", "sleep 2"]
    lines += [f"ip netns del {name}" for name in case.wire.namespaces()]
    lines += [f"rm -r {case.folder}"]
    stop.write_text("\n".join(lines) + "\n", encoding="utf-8")
    stop.chmod(0o755)
    socket = case.configuration.socket
    print(f"\nStill running. Look:\n"
          f"  {CONTROL} --socket {socket} list\n"
          f"  ip netns exec {case.device.namespace} ip -s link show eth0\n"
          f"  less {case.balancer.log}\n"
          f"End it:\n  sudo {stop}")


def main() -> int:
    arguments = arguments_of(sys.argv[1:])
    interruption.install(patience_s=10)  # for what builds
    try:
        RELEASE.compile(PROGRAMS)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    interruption.install()
    folder = Path(tempfile.mkdtemp(prefix="linehunt-demo-"))
    case = StudyCase(Configuration(folder, arguments.device, workers=arguments.workers,
                                   ipv6=arguments.ipv6))
    try:
        with case:
            began = time.monotonic()
            table, completed = run_calls(case, arguments)
            seconds = time.monotonic() - began
            for sipp in case.sipps:
                if not arguments.keep:
                    sipp.stop()
            result = result_of(case, arguments, table, completed, seconds)
            print_summary(result)
            if not good(result):
                print(f"\nWhat SIPp found wrong:\n{case.complaints()}\n"
                      f"What linehunt said last:\n{case.balancer.tail()}", file=sys.stderr)
            if arguments.keep:
                leave_running(case)
            elif (status := case.balancer.stop()) != 0:
                print(f"linehunt ended with {status}:\n{case.balancer.tail()}", file=sys.stderr)
                return 1
    except LabError as error:
        print(f"tools/demo: {error}", file=sys.stderr)
        return 1
    except interruption.Interrupted as end:
        print(f"\n{end}", file=sys.stderr)
        return end.code
    finally:
        if not case.keep:
            shutil.rmtree(folder, ignore_errors=True)
    if arguments.json:
        print(json.dumps(result), flush=True)
    return 0 if good(result) else 1


if __name__ == "__main__":
    sys.exit(main())

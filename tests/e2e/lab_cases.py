# SPDX-License-Identifier: Apache-2.0
"""The lab itself, without linehunt: if these fail, the machine is to blame and not the balancer."""

import os
import signal
import subprocess
import tempfile
from pathlib import Path

from cases import case, check
from lab import balancer as balancers
from lab import wire as wires
from lab.configuration import Configuration
from lab.sipp import Sipp, write_injection
from lab.study_case import StudyCase
from lab.wire import LabError, Wire


def call_directly(ipv6: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="linehunt-e2e-") as name, Wire() as wire:
        folder = Path(name)
        core = wire.add_host("core", 10)
        box = wire.add_host("box1", 21)
        calls = write_injection(folder / "calls.csv", [("VM_1", 20), ("123", 50)])
        server = Sipp(box, folder, "box1", "answer", ipv6=ipv6)
        target = f"[{box.ip6}]" if ipv6 else box.ip
        caller = Sipp(core, folder, "core", "call", ipv6=ipv6, target=target,
                      options=("-inf", str(calls), "-m", "40", "-r", "100"))
        status = caller.wait(20)
        server.stop()
        check(status == 0, f"the caller failed:\n{caller.complaints()}")
        check(caller.counts().successful == 40, f"caller: {caller.counts()}")
        check(server.counts().incoming == 40, f"server: {server.counts()}")


@case
def sipp_calls_sipp_over_the_bridge():
    call_directly(ipv6=False)


@case
def sipp_calls_sipp_over_the_bridge_in_ipv6():
    call_directly(ipv6=True)


def namespaces_of(wire: Wire) -> list:
    told = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    return [line for line in told.stdout.splitlines() if line.startswith(f"{wire.label}-")]


@case
def who_interrupts_the_making_of_a_namespace_leaves_none():
    made = []

    def interrupted(*words: str, **parameters) -> str:
        said = command(*words, **parameters)
        if words[:3] == ("ip", "netns", "add"):
            made.append(words[3])
            os.kill(os.getpid(), signal.SIGINT)
        return said

    command, wires.command = wires.command, interrupted
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    wire = Wire()
    try:
        with wire:
            check(False, "nothing was interrupted")
    except KeyboardInterrupt:
        check(made == [f"{wire.label}-wire"] and not namespaces_of(wire),
              f"made {made}, left behind: {namespaces_of(wire)}")
    finally:
        wires.command = command
        signal.signal(signal.SIGINT, before)


@case
def a_namespace_that_somebody_keeps_stays():
    """As one of a demo does, whose process number comes again."""
    wire = Wire()
    name = f"{wire.label}-core"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        with subprocess.Popen(["ip", "netns", "exec", name, "cat"], stdin=subprocess.PIPE) as kept:
            try:
                with wire:
                    wire.add_host("core", 10)
                    check(False, "it was made once more")
            except LabError as error:
                check(f"ip netns del {name}" in str(error), str(error))
            check(kept.poll() is None, "what ran in it has been killed")
        check([line.split()[0] for line in namespaces_of(wire)] == [name], f"{namespaces_of(wire)}")
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)


class stubborn:
    """Something that cannot be ended, and says so."""

    def __init__(self, asked: list):
        self.asked = asked

    def running(self) -> bool:
        return True

    def stop(self):
        self.asked.append(self)
        raise OSError("it does not end")

    kill = stop


@case
def what_cannot_be_ended_does_not_keep_the_rest():
    asked = []
    with tempfile.TemporaryDirectory(prefix="linehunt-e2e-") as name:
        lab = StudyCase(Configuration(Path(name), "af_packet", boxes={1: {"vm": 1}}))
        try:
            with lab:
                check(len(namespaces_of(lab.wire)) == 4, f"{namespaces_of(lab.wire)}")
                lab.sipps = [stubborn(asked), stubborn(asked)]
                lab.balancer = stubborn(asked)
            check(False, "nobody says that something runs on")
        except OSError as failure:
            check(str(failure) == "it does not end", f"{failure}")
        check(asked == [*reversed(lab.sipps), lab.balancer], f"{len(asked)} were asked")
        check(not namespaces_of(lab.wire), f"left behind: {namespaces_of(lab.wire)}")


@case
def a_command_that_does_not_end_is_an_error_of_the_lab():
    with tempfile.TemporaryDirectory(prefix="linehunt-e2e-") as name:
        script = Path(name) / "linehuntctl"
        script.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
        script.chmod(0o755)
        asked = balancers.Balancer.__new__(balancers.Balancer)  # nothing runs
        asked.configuration = Configuration(Path(name), "af_packet")
        before = balancers.CONTROL, balancers.CONTROL_LIMIT_S
        balancers.CONTROL, balancers.CONTROL_LIMIT_S = script, 0.2
        try:
            told = asked.ask("list")
            check(False, f"told {told}")
        except LabError as failure:
            check(str(failure) == "linehuntctl --json list: no end after 0.2 s", f"{failure}")
        finally:
            balancers.CONTROL, balancers.CONTROL_LIMIT_S = before

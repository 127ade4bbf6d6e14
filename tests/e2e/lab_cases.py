# SPDX-License-Identifier: Apache-2.0
"""The lab itself, without linehunt: if these fail, the machine is to blame and not the balancer."""

import tempfile
from pathlib import Path

from cases import case, check
from lab.sipp import Sipp, write_injection
from lab.wire import Wire


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

# SPDX-License-Identifier: Apache-2.0
"""The tutorial's study case on the wire: four boxes, a core proxy, and linehunt between them."""

from contextlib import ExitStack
from pathlib import Path

from testing.interruption import held

from .balancer import Balancer
from .call_mix import CallMix
from .configuration import BALANCER, CORE, CORE_INCOMING_PORT, FIRST_BOX, Configuration
from .sipp import SCENARIOS, Sipp, write_injection
from .wire import Wire, address

BIGGEST_CALL_COUNT = 10**6  # SIPp's own limit of live calls is out of the way


def calling_options(folder: Path, name: str, calls: list, rate: float, stay: bool = False) -> tuple:
    """SIPp's options for these (user, hold_ms) calls at so many a second. With `stay` it goes on
    taking calls after its own."""
    rows = list(calls) + ([("stay", 0)] if stay else [])
    period_ms = 10_000
    return (
        "-inf", str(write_injection(folder / f"{name}-calls.csv", rows)),
        "-m", str(len(rows)), "-l", str(BIGGEST_CALL_COUNT),
        "-r", str(max(1, round(rate * period_ms / 1000))), "-rp", str(period_ms),
    )


class StudyCase:
    """A context: entering builds the wire and its hosts, leaving removes all that was started."""

    def __init__(self, configuration: Configuration):
        self.configuration = configuration
        self.folder = configuration.folder
        self.ipv6 = configuration.ipv6
        self.wire = Wire()
        self.sipps = []
        self.boxes = {}  # number -> its SIPp
        self.balancer = None
        self.keep = False

    def __enter__(self) -> "StudyCase":
        try:
            self.wire.__enter__()
            self.core = self.wire.add_host("core", CORE)
            self.box_hosts = {number: self.wire.add_host(f"box{number}", FIRST_BOX + number)
                              for number in self.configuration.boxes}
            self.device = self.wire.add_device("lb", BALANCER)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_) -> None:
        if not self.keep:
            self.close()

    def close(self) -> None:
        """SIPps, linehunt, wire; each of them whatever becomes of the others."""
        with held(), ExitStack() as ending:
            ending.callback(self.wire.close)
            if self.balancer:
                ending.callback(self.balancer.stop)
            for sipp in self.sipps:
                if sipp.running():
                    ending.callback(sipp.kill)

    @property
    def target(self) -> str:
        """linehunt's address as SIPp wants it."""
        ip = address(BALANCER, self.ipv6)
        return f"[{ip}]:5060" if self.ipv6 else f"{ip}:5060"

    def start_balancer(self, environment: dict = None) -> Balancer:
        self.balancer = Balancer(self.device, self.configuration, environment)
        self.balancer.wait_ready()
        return self.balancer

    def sipp(self, host, name: str, scenario, **parameters) -> Sipp:
        process = Sipp(host, self.folder, name, scenario, ipv6=self.ipv6, **parameters)
        self.sipps.append(process)
        return process

    def start_box(self, number: int, scenario="answer", **parameters) -> Sipp:
        self.boxes[number] = self.sipp(self.box_hosts[number], f"box{number}", scenario,
                                       **parameters)
        return self.boxes[number]

    def start_calling_box(self, number: int, calls: list, rate: float) -> Sipp:
        """A box that calls from the same address and port at which it takes calls."""
        options = calling_options(self.folder, f"box{number}", calls, rate, stay=True)
        answer = ("-oocsf", str(SCENARIOS / "answer.xml"))
        return self.start_box(number, "call", target=self.target, options=options + answer)

    def start_core_incoming(self, scenario="answer", **parameters) -> Sipp:
        return self.sipp(self.core, "core-incoming", scenario, port=CORE_INCOMING_PORT,
                         **parameters)

    def start_core(self, calls: list, rate: float, scenario="call", name: str = "core",
                   options: tuple = (), **parameters) -> Sipp:
        calling = calling_options(self.folder, name, calls, rate)
        return self.sipp(self.core, name, scenario, target=self.target,
                         options=calling + tuple(options), **parameters)

    def start_mix(self, mix: CallMix) -> Sipp:
        """All of the mix at once; the caller at the core, which ends when its calls are over."""
        self.start_core_incoming()
        for number in self.configuration.boxes:
            if not mix.box_calls.get(number):
                self.start_box(number)
        for number, calls in mix.box_calls.items():
            if calls:
                self.start_calling_box(number, calls, mix.box_rate)
        return self.start_core(mix.core_calls, mix.core_rate)

    def calls_taken(self, number: int) -> int:
        """Calls that came to a box."""
        box = self.boxes[number]
        return box.counts().incoming + box.out_of_call()

    def complaints(self) -> str:
        return "".join(f"{each.name}: {text}\n" for each in self.sipps
                       if (text := each.complaints().strip()))

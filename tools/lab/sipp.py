# SPDX-License-Identifier: Apache-2.0
"""SIPp processes: callers and servers, their statistics and what they complained of."""

import csv
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .wire import Host, LabError

SCENARIOS = Path(__file__).resolve().parent / "scenarios"
PORT = 5060
EVENT = re.compile(r"\d{4}-\d\d-\d\d\t[\d:.]+\t[\d.]+: ")  # how an entry of its error file begins


@dataclass
class Counts:
    """SIPp's own figures of one process. `incoming` are calls that came to it."""

    incoming: int = 0
    outgoing: int = 0
    successful: int = 0
    failed: int = 0
    retransmissions: int = 0


def write_injection(path: Path, rows: list) -> Path:
    """The file that gives each call its fields, taken in this order."""
    lines = ["SEQUENTIAL"] + [";".join(str(field) for field in row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


class Sipp:
    """One SIPp. `scenario` is a file, or the name of one in scenarios/."""

    def __init__(self, host: Host, folder: Path, name: str, scenario, *, ipv6: bool = False,
                 port: int = PORT, options: tuple = (), target: str = ""):
        self.name = name
        self.address = host.ip6 if ipv6 else host.ip
        self._folder = folder
        self._statistics = folder / f"{name}.csv"
        self.errors = folder / f"{name}.errors"
        file = scenario if isinstance(scenario, Path) else SCENARIOS / f"{scenario}.xml"
        words = ["sipp"]
        if target:
            words.append(target)
        words += [
            "-sf", str(file), "-i", f"[{self.address}]" if ipv6 else self.address,
            "-p", str(port), "-nostdin", "-fd", "1", "-buff_size", "1048576",
            "-trace_stat", "-stf", str(self._statistics),
            "-trace_err", "-error_file", str(self.errors),
            # A busy machine is no reason to give up.
            "-watchdog_interval", "60000", "-watchdog_minor_maxtriggers", "100000",
            "-watchdog_major_maxtriggers", "100000",
            *options,
        ]
        self.process = host.start(words, folder, folder / f"{name}.log")

    def running(self) -> bool:
        return self.process.poll() is None

    def wait(self, limit_s: float) -> int:
        """Exit status: 0 if every call was a success."""
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.stop()
            raise LabError(f"SIPp '{self.name}' was not done after {limit_s:.0f} s") from None

    def stop(self) -> None:
        """Lets the calls end that are about to, then ends the process."""
        for number, patience_s in ((signal.SIGUSR1, 2), (signal.SIGTERM, 2), (signal.SIGKILL, 5)):
            if not self.running():
                return
            self.process.send_signal(number)
            try:
                self.process.wait(patience_s)
            except subprocess.TimeoutExpired:
                continue

    def kill(self) -> None:
        """As if the machine had lost its power."""
        self.process.kill()
        self.process.wait()

    def counts(self) -> Counts:
        """As of SIPp's last dump: a second old, or final once it has ended."""
        try:
            with open(self._statistics, encoding="utf-8", newline="") as file:
                rows = [row for row in csv.DictReader(file, delimiter=";")
                        if row.get("FailedCall(C)")]
        except FileNotFoundError:
            return Counts()
        if not rows:
            return Counts()
        last = rows[-1]
        return Counts(
            incoming=int(last["IncomingCall(C)"]), outgoing=int(last["OutgoingCall(C)"]),
            successful=int(last["SuccessfulCall(C)"]), failed=int(last["FailedCall(C)"]),
            retransmissions=int(last["Retransmissions(C)"]))

    def out_of_call(self) -> int:
        """Calls that came to a caller; SIPp leaves them out of its statistics."""
        return self._error_text().count("using the out-of-call scenario")

    def complaints(self, most: int = 5) -> str:
        """The first things it found wrong, for a failure's report."""
        events = [event.strip() for event in EVENT.split(self._error_text())[1:]]
        return "\n".join([event for event in events if "out-of-call scenario" not in event][:most])

    def _error_text(self) -> str:
        if not self.errors.exists():
            return ""
        return self.errors.read_text(encoding="utf-8", errors="replace")

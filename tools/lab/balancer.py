# SPDX-License-Identifier: Apache-2.0
"""A running linehunt in the lab, asked through linehuntctl as an operator would."""

import json
import signal
import subprocess
import time
from pathlib import Path

from .configuration import Configuration
from .wire import Host, LabError

ROOT = Path(__file__).resolve().parents[2]
CONTROL = ROOT / "build/tools/linehuntctl"
START_LIMIT_S = 30
CONTROL_LIMIT_S = 20


def program() -> Path:
    return ROOT / "build/control/linehunt"


class Balancer:
    """Started when it is made; ready once `wait_ready` returns."""

    def __init__(self, host: Host, configuration: Configuration, environment: dict = None):
        self.configuration = configuration
        self.stopped_by = None  # the signal
        self.log = configuration.folder / "linehunt.log"
        words = [str(program()), "-c", str(configuration.write())]
        if environment:
            words = ["env", *(f"{name}={value}" for name, value in environment.items()), *words]
        self.process = host.start(words, configuration.folder, self.log)

    def wait_ready(self) -> None:
        began = time.monotonic()
        while time.monotonic() - began < START_LIMIT_S:
            if self.process.poll() is not None:
                raise LabError(f"linehunt ended with {self.process.returncode}:\n{self.tail()}")
            if self.configuration.socket.exists() and self.control("list")[0] == 0:
                return
            time.sleep(0.05)
        self.stop()
        raise LabError(f"linehunt was not ready after {START_LIMIT_S} s:\n{self.tail()}")

    def control(self, *words: str) -> tuple:
        """Exit status, standard output and standard error of a linehuntctl command."""
        try:
            told = subprocess.run(
                [str(CONTROL), "--socket", str(self.configuration.socket), *words],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=CONTROL_LIMIT_S)
        except subprocess.TimeoutExpired:
            raise LabError(f"linehuntctl {' '.join(words)}: no end after {CONTROL_LIMIT_S} s") from None
        return told.returncode, told.stdout, told.stderr

    def ask(self, *words: str):
        """The JSON answer of a linehuntctl command."""
        status, output, error = self.control("--json", *words)
        if status != 0:
            raise LabError(f"linehuntctl {' '.join(words)}: {error.strip()}")
        return json.loads(output)

    def statistics(self) -> dict:
        """{"group:name": value}"""
        return self.ask("stats")

    def wait_statistic(self, name: str, wanted: int, limit_s: float) -> bool:
        began = time.monotonic()
        while self.statistics()[name] != wanted:
            if time.monotonic() - began > limit_s:
                return False
            time.sleep(0.1)
        return True

    def loads(self) -> dict:
        """{destination id: {resource: load}}"""
        return {entry["id"]: {each["name"]: each["load"] for each in entry["Resources"]}
                for entry in self.ask("list")["Destinations"]}

    def idle(self) -> bool:
        return not any(load for loads in self.loads().values() for load in loads.values())

    def wait_idle(self, limit_s: float) -> bool:
        """Waits until every load is 0."""
        began = time.monotonic()
        while not self.idle():
            if time.monotonic() - began > limit_s:
                return False
            time.sleep(0.1)
        return True

    def running(self) -> bool:
        return self.process.poll() is None

    def stop(self, by: int = signal.SIGINT, limit_s: float = 15) -> int:
        """Exit status; SIGTERM waits for calls first, SIGINT does not. One that does not stop is killed,
        which its exit status says."""
        if self.running():
            self.stopped_by = by
            self.process.send_signal(by)
            try:
                self.process.wait(limit_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()

    def tail(self, lines: int = 20) -> str:
        if not self.log.exists():
            return ""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

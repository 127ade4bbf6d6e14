# SPDX-License-Identifier: Apache-2.0
"""Events as `linehuntctl events` tells them, from when it has subscribed."""

import contextlib
import json
import subprocess
import time

from cases import check
from lab.balancer import CONTROL


class Follower:
    """What `linehuntctl events` writes to a file."""

    def __init__(self, process, file):
        self.process = process
        self.file = file

    def all(self, name: str) -> list:
        """The parameters of the events of that name up to now."""
        lines = self.file.read_text(encoding="utf-8").splitlines(keepends=True)
        told = [json.loads(line) for line in lines if line.endswith("\n")]
        return [each["params"] for each in told if each["method"] == name]

    def first(self, name: str) -> dict:
        deadline = time.monotonic() + 20
        while not (told := self.all(name)):
            check(time.monotonic() < deadline, f"no {name}: {self.file.read_text()}")
            time.sleep(0.05)
        return told[0]

    def end(self) -> None:
        """The daemon has ended, and so does the follower."""
        self.process.wait(20)


@contextlib.contextmanager
def events_of(lab):
    told = lab.folder / "events"
    socket = ["--socket", str(lab.configuration.socket)]
    with open(told, "wb") as output:
        process = subprocess.Popen([str(CONTROL), *socket, "--json", "events"], stdout=output,
                                   stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        # Events before its subscription are not for it; the first one that it is told says that it
        # has one.
        deadline = time.monotonic() + 20
        while not told.stat().st_size:
            check(time.monotonic() < deadline, "the follower of events hears nothing")
            subprocess.run([str(CONTROL), *socket, "reload"], stdin=subprocess.DEVNULL,
                           capture_output=True)
            time.sleep(0.1)
        yield Follower(process, told)
    finally:
        process.terminate()
        process.wait()

# SPDX-License-Identifier: Apache-2.0
"""Management programs as they are found in the field: each request over HTTP, the FIFO or a datagram
socket, in the shape and order in which opensips-cli does it. As a program it makes one HTTP request
in the namespace that it is started in."""

import json
import os
import random
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

PATIENCE_S = 10


class Refused(Exception):
    """The daemon's error: code, message, data."""

    def __init__(self, error: dict):
        super().__init__(f"{error.get('code')}: {error.get('message')} {error.get('data', '')}")
        self.code = error.get("code")


def http_request(url: str, body: bytes = None) -> tuple:
    """Status and body of a POST, or of a GET where there is no body."""
    headers = {"Content-Type": "application/json"} if body is not None else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers),
                                    timeout=PATIENCE_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def http_in(host, url: str, body: str = None) -> tuple:
    """The same in the namespace of a host of the lab."""
    told = subprocess.run([*host.prefix(), sys.executable, "-B", __file__, url],
                          input="" if body is None else body, capture_output=True, text=True,
                          timeout=2 * PATIENCE_S)
    if told.returncode != 0:
        raise AssertionError(f"{url}: {told.stderr}")
    status, _, text = told.stdout.partition("\n")
    return int(status), text


class Client:
    """`which` first, then the command, as the command line does it."""

    def __init__(self):
        self.methods = None

    def exchange(self, text: str) -> str:
        raise NotImplementedError

    def execute(self, method: str, params=None):
        command = {"jsonrpc": "2.0", "id": str(random.randint(0, 32767)), "method": method,
                   "params": params if params else {}}
        answer = json.loads(self.exchange(json.dumps(command)))
        if "error" in answer:
            raise Refused(answer["error"])
        if answer["id"] != command["id"]:
            raise AssertionError(f"{answer['id']} answers {command['id']}")
        return answer["result"]

    def call(self, method: str, *words: str):
        """As typed: words are strings; all `name=value` makes named parameters."""
        if self.methods is None:
            self.methods = self.execute("which")
        if method not in self.methods:
            raise AssertionError(f"which does not list {method}")
        if words and all("=" in word for word in words):
            return self.execute(method, dict(word.split("=", 1) for word in words))
        params = [list(words)] if method == "get_statistics" else list(words)
        return self.execute(method, params)


class Http(Client):
    def __init__(self, host, url: str):
        super().__init__()
        self.host, self.url = host, url

    def exchange(self, text: str) -> str:
        status, answer = http_in(self.host, self.url, text)
        if status != 200:
            raise AssertionError(f"HTTP status {status}: {answer}")
        return answer


class Fifo(Client):
    def __init__(self, fifo: Path, reply_dir: Path):
        super().__init__()
        self.fifo, self.reply_dir = fifo, reply_dir

    def exchange(self, text: str) -> str:
        # Whether anybody is there: opened for writing, nothing written.
        if not stat.S_ISFIFO(os.stat(self.fifo).st_mode):
            raise AssertionError(f"{self.fifo} is no FIFO")
        with open(self.fifo, "w", encoding="utf-8"):
            pass
        name = f"mi_reply_{os.getpid()}_{time.monotonic_ns()}"
        reply = self.reply_dir / name
        os.mkfifo(reply, 0o666)
        try:
            with open(self.fifo, "w", encoding="utf-8") as request:
                request.write(f":{name}:{text}")
            # A process of its own, so that an answer that never comes ends the case and not hangs it.
            told = subprocess.run(["head", "-n", "1", str(reply)], capture_output=True, text=True,
                                  timeout=PATIENCE_S)
            return told.stdout
        finally:
            reply.unlink()


class Datagram(Client):
    def __init__(self, path: Path, folder: Path):
        super().__init__()
        self.path, self.own = path, folder / f"mi_client_{os.getpid()}"

    def exchange(self, text: str) -> str:
        self.own.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
            one.bind(str(self.own))
            one.settimeout(PATIENCE_S)
            one.sendto(text.encode(), str(self.path))
            return one.recv(1 << 20).decode()


def main() -> int:
    body = sys.stdin.buffer.read()
    status, text = http_request(sys.argv[1], body or None)
    print(status)
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

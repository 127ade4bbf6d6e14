# SPDX-License-Identifier: Apache-2.0
"""A Debian below a folder with its own systemd as process 1, in name spaces of its own. Knows no
linehunt."""

import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

from . import interruption

BOOT_LIMIT_S = 120
# The first is where systems have both kinds of control groups, as Debian 10 had.
CGROUPS = [Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup")]
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")


class BootError(Exception):
    """The message says what the system said."""


def cgroups() -> Path | None:
    """Where control groups of version 2 are, which systemd needs."""
    return next((each for each in CGROUPS if (each / "cgroup.procs").exists()), None)


class BootedSystem:
    """A context: leaving it ends all that runs inside. What is below /run and /dev is gone then."""

    def __init__(self, root: Path):
        self.root = root
        self.group = cgroups() / f"linehunt-{os.getpid()}"
        self.log = root.parent / "systemd.log"

    def __enter__(self) -> "BootedSystem":
        self.group.mkdir()
        with open(self.log, "wb") as output:
            self.process = subprocess.Popen(self._words(), stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=output, start_new_session=True)
        try:
            self._wait_until_booted()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        with interruption.held():
            for process in self._processes():
                os.kill(process, signal.SIGKILL)
            self.process.wait()
            for folder, *_ in os.walk(self.group, topdown=False):
                self._remove(Path(folder))

    @staticmethod
    def _remove(group: Path) -> None:
        deadline = time.monotonic() + 10
        while True:
            try:
                return group.rmdir()
            except OSError:  # its processes have not quite ended
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _words(self) -> list:
        root = shlex.quote(str(self.root))
        inside = f"""set -e
mount --bind {root} {root}
cd {root}
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm dev/hugepages
for name in {" ".join(DEVICES)}; do cp -a /dev/$name dev/; done
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 tmpfs run
exec env -i container=linehunt PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd --log-target=console"""
        # It joins the group before the name space of groups is made, whose root that becomes. systemd
        # takes a SIGTERM, which ends a run of the tests, for something else; so the shell waits for it.
        return ["sh", "-c", f"""set -e
echo $$ > {shlex.quote(str(self.group))}/cgroup.procs
unshare --mount --propagation private --pid --net --uts --ipc --cgroup --fork --kill-child sh -c {shlex.quote(inside)} &
trap 'kill -KILL $!' HUP INT TERM
wait"""]

    def _processes(self) -> list:
        found = []
        for folder, *_ in os.walk(self.group):
            found += [int(each) for each in (Path(folder) / "cgroup.procs").read_text().split()]
        return found

    def _wait_until_booted(self) -> None:
        deadline = time.monotonic() + BOOT_LIMIT_S
        state = ""
        while state not in ("running", "degraded"):  # not all that Debian starts may be possible here
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise BootError(f"systemd does not boot ({state}):\n{self.log.read_text(errors='replace')}")
            time.sleep(0.2)
            if self._first_process():
                state = self.run("systemctl", "is-system-running", any_status=True).strip()

    def _first_process(self) -> str:
        """systemd, once it is there: empty before, and when it has ended."""
        try:
            return (self.group / "init.scope/cgroup.procs").read_text().partition("\n")[0]
        except OSError:
            return ""

    def words(self, *command: str) -> list:
        """What runs the command inside."""
        first = self._first_process()
        if not first:
            raise BootError(f"systemd has ended:\n{self.log.read_text(errors='replace')}")
        return ["nsenter", f"--target={first}", "--mount", "--pid", "--net", "--uts", "--ipc",
                "--cgroup", "--root", "--wd", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", "HOME=/root", *command]

    def make_veth(self, name: str, peer: str) -> None:
        """By the ip of this machine."""
        for words in (f"link add {name} type veth peer name {peer}", f"link set {name} up",
                      f"link set {peer} up"):
            subprocess.run(["nsenter", f"--target={self._first_process()}", "--net", "ip", *words.split()],
                           check=True, capture_output=True)

    def run(self, *command: str, any_status: bool = False, limit_s: float = 120) -> str:
        told = interruption.run_as_session(
            self.words(*command), timeout=limit_s, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace")
        if told.returncode != 0 and not any_status:
            raise BootError(f"{shlex.join(command)}: exit status {told.returncode}\n{told.stdout}")
        return told.stdout

# SPDX-License-Identifier: Apache-2.0
"""Network namespaces on one bridge: a host each, joined by veth pairs. Every interface is born
inside its namespace, and the namespaces bear this process's number, so any number of runs on one
machine do not meet."""

import os
import subprocess
from pathlib import Path

from testing.interruption import end_all, held

NETWORK = "10.77.0"
NETWORK6 = "fd00:77:"
FAR_NETWORK = "10.78.0"
FAR_NETWORK6 = "fd00:78:"
NAMESPACES = Path("/run/netns")  # where ip(8) has them
WITHOUT_OFFLOADS = ("tx", "off", "tso", "off", "gso", "off", "gro", "off")


class LabError(Exception):
    """Something of the lab could not be set up; the message says what."""


def command(*words: str, lines: tuple = ()) -> str:
    told = subprocess.run(words, input="\n".join(lines), capture_output=True, text=True)
    if told.returncode != 0:
        said = told.stderr.strip() or told.stdout.strip()
        raise LabError("\n".join([f"{' '.join(words)}: {said}", *lines]))
    return told.stdout


def ip(namespace: str, *lines: str) -> None:
    """All of them by one process, since most of a case's beginning is starting processes."""
    command("ip", "-n", namespace, "-batch", "-", lines=lines)


def address(number: int, ipv6: bool = False, far: bool = False) -> str:
    if ipv6:
        return f"{FAR_NETWORK6 if far else NETWORK6}:{number:x}"
    return f"{FAR_NETWORK if far else NETWORK}.{number}"


def network_of(file: Path):
    """What is the same for every file of one network namespace; None where there is no such file."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


class Host:
    """One namespace with one interface, `eth0`, and the addresses that end in its number."""

    def __init__(self, namespace: str, name: str, number: int, far: bool = False):
        self.namespace = namespace
        self.name = name
        self.ip = address(number, far=far)
        self.ip6 = address(number, ipv6=True, far=far)

    def prefix(self) -> list:
        """What runs a command in this namespace, its process id kept. The file systems stay the
        machine's, so that libxdp finds bpffs."""
        return ["nsenter", f"--net={NAMESPACES / self.namespace}", "--"]

    def run(self, *words: str) -> str:
        return command(*self.prefix(), *words)

    def start(self, words: list, directory: Path, log: Path) -> subprocess.Popen:
        with open(log, "ab") as output:
            return subprocess.Popen([*self.prefix(), *words], cwd=directory,
                                    stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                    start_new_session=True)


class Wire:
    """The bridge and its hosts. A context: leaving it removes everything, unless `keep` is set."""

    def __init__(self):
        self.label = f"lh{os.getpid()}"
        self.hosts = {}
        self.keep = False
        self._namespaces = []

    def __enter__(self) -> "Wire":
        try:
            self._bridge = self._namespace("wire")
            ip(self._bridge, "link add br0 type bridge mcast_snooping 0", "link set br0 up")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_) -> None:
        if not self.keep:
            self.close()

    def close(self) -> None:
        with held():
            # An interruption may have come between the start of one and anybody's knowing it.
            networks = {network_of(NAMESPACES / name) for name in self._namespaces} - {None}
            end_all(lambda process: network_of(Path(f"/proc/{process}/ns/net")) in networks)
            for namespace in reversed(self._namespaces):
                subprocess.run(["ip", "netns", "del", namespace], stdin=subprocess.DEVNULL,
                               capture_output=True)
            self._namespaces.clear()

    def add_host(self, name: str, number: int) -> Host:
        """A host with the kernel's own IP stack."""
        host = self._add(name, number)
        self._give_addresses(host)
        return host

    @staticmethod
    def _give_addresses(host: Host) -> None:
        ip(host.namespace, f"addr add {host.ip}/24 dev eth0",
           f"addr add {host.ip6}/64 dev eth0 nodad")

    def add_device(self, name: str, number: int, queues: int = 1) -> Host:
        """A host whose interface belongs to linehunt: the kernel has no address on it. What
        arrives is spread over its queues, so there may be no more than linehunt reads."""
        host = self._add(name, number, queues)
        host.run("sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=1")
        return host

    def add_far_host(self, name: str, number: int, device: Host) -> Host:
        """A host of the far network, on a wire of its own to a second interface, `eth1`, of the
        device."""
        host = Host(self._namespace(name), name, number, far=True)
        size = ["numrxqueues", "1", "numtxqueues", "1"]
        command("ip", "link", "add", "name", "eth1", "netns", device.namespace, *size,
                "type", "veth", "peer", "name", "eth0", "netns", host.namespace, *size)
        for end, interface in ((device, "eth1"), (host, "eth0")):
            end.run("ethtool", "-K", interface, *WITHOUT_OFFLOADS)
            end.run("ip", "link", "set", interface, "up")
        device.run("sysctl", "-qw", "net.ipv6.conf.eth1.disable_ipv6=1")
        self._give_addresses(host)
        ip(host.namespace, "link set lo up")
        self.hosts[name] = host
        return host

    def namespaces(self) -> list:
        return list(self._namespaces)

    def tap_of(self, host: Host) -> tuple:
        """Namespace and interface on the bridge's side where all of the host's frames pass."""
        return self._bridge, f"to-{host.name}"

    def _add(self, name: str, number: int, queues: int = 1) -> Host:
        host = Host(self._namespace(name), name, number)
        far = f"to-{name}"
        size = ["numrxqueues", str(queues), "numtxqueues", str(queues)]
        command("ip", "link", "add", "name", "eth0", "netns", host.namespace, *size,
                "type", "veth", "peer", "name", far, "netns", self._bridge, *size)
        # A veth leaves checksums for later by telling its peer that all is well. linehunt and the
        # captures see the bytes, so the bytes must be right.
        host.run("ethtool", "-K", "eth0", *WITHOUT_OFFLOADS)
        command("nsenter", f"--net={NAMESPACES / self._bridge}", "--",
                "ethtool", "-K", far, *WITHOUT_OFFLOADS)
        ip(host.namespace, "link set lo up", "link set eth0 up")
        ip(self._bridge, f"link set {far} master br0 up")
        self.hosts[name] = host
        return host

    def _namespace(self, name: str) -> str:
        namespace = f"{self.label}-{name}"
        if (NAMESPACES / namespace).exists():  # not ours to remove
            raise LabError(f"the network namespace {namespace} exists already: end what a tools/demo --keep "
                           f"left running by its 'stop', or run ip netns del {namespace}")
        self._namespaces.append(namespace)  # first, so that a half made one is removed too
        command("ip", "netns", "add", namespace)
        return namespace

# SPDX-License-Identifier: Apache-2.0
"""Records what passes on an interface, and has tshark, which shares no code with linehunt, say
whether every message is sound and every checksum right."""

import subprocess
import time
from pathlib import Path

from .wire import LabError

# An ICMP error, as of a host on which nobody listens yet, quotes as much of a message as fits.
QUOTES = "(icmp.type == 3 || icmpv6.type < 128)"
# Each is a display filter that no frame of a sound capture matches.
FAULTS = {
    "malformed": f"_ws.malformed && !{QUOTES}",
    "expert errors": f"_ws.expert.severity >= 0x800000 && !{QUOTES}",
    "IP checksum not right": "ip && !(ip.checksum.status == 1)",
    "UDP checksum not right": "udp && !(udp.checksum.status == 1) && !icmp && !icmpv6",
    "ICMP checksum not right": "(icmp && !(icmp.checksum.status == 1)) "
                               "|| (icmpv6 && !(icmpv6.checksum.status == 1))",
    "on a SIP port and not SIP": "(udp.port == 5060 || udp.port == 5080) && !sip && !icmp "
                                 "&& !icmpv6 && !ipv6.fragment && !ip.flags.mf == 1",
}
START_LIMIT_S = 10


class Capture:
    """tcpdump on one interface of a namespace, from its making to `stop`."""

    def __init__(self, namespace: str, interface: str, file: Path):
        self.file = file
        self._log = file.with_suffix(".log")
        with open(self._log, "wb") as output:
            self._process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{namespace}", "--",
                 # Otherwise the frames of up to a second are in a block that the kernel still fills,
                 # and lost when tcpdump is ended.
                 "tcpdump", "--immediate-mode", "-n", "-i", interface, "-s", "0", "-B", "32768",
                 "-Z", "root", "-w", str(file)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        began = time.monotonic()
        while "listening on" not in self._said():
            if self._process.poll() is not None or time.monotonic() - began > START_LIMIT_S:
                self.stop()
                raise LabError(f"tcpdump on {interface}: {self._said().strip()}")
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process.poll() is None:
            time.sleep(0.2)  # for what is still in the kernel's buffer
            self._process.terminate()
            self._process.wait(10)

    def lost_frames(self) -> int:
        """Frames that tcpdump itself missed, so that nothing is known of them."""
        for line in self._said().splitlines():
            if "dropped by kernel" in line:
                return int(line.split()[0])
        return 0

    def frames(self, expression: str) -> int:
        """How many match an expression of pcap-filter(7). In a hundredth of the time of tshark."""
        told = subprocess.run(
            ["tcpdump", "-n", "-t", "-q", "-r", str(self.file), "-Z", "root", expression],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
        if told.returncode != 0:
            raise LabError(f"tcpdump: {told.stderr.strip()}")
        return sum(not line[:1].isspace() for line in told.stdout.splitlines())

    def faults(self) -> list:
        return faults_of(self.file)

    def _said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")


def faults_of(file: Path) -> list:
    """What tshark finds wrong, a line for each kind with its first frames."""
    # One pass over the file for the usual answer.
    if not tshark(file, " || ".join(f"({each})" for each in FAULTS.values())):
        return []
    wrong = []
    for name, display_filter in FAULTS.items():
        frames = tshark(file, display_filter)
        if frames:
            wrong.append(f"{len(frames)} frames {name}: " + "; ".join(frames[:3]))
    return wrong


def tshark(file: Path, display_filter: str, *more: str) -> list:
    """One line for each frame that matches."""
    told = subprocess.run(
        ["tshark", "-n", "-r", str(file), "-o", "ip.check_checksum:TRUE",
         "-o", "udp.check_checksum:TRUE", "-d", "udp.port==5080,sip", "-Y", display_filter, *more],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    if told.returncode != 0:
        raise LabError(f"tshark: {told.stderr.strip()}")
    return [line for line in told.stdout.splitlines() if line.strip()]

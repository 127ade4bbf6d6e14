# SPDX-License-Identifier: Apache-2.0
"""Sends datagrams one after the other and tells what came back for each, to whatever port. Run inside a
namespace: exchange.py LOCAL_IP PEER_IP WAIT_MS < messages. Both ways one JSON list: of base64 texts in,
of lists of base64 texts out."""

import base64
import json
import select
import socket
import sys
import time

ETH_P_IP = 0x0800
UDP = 17


def replies(raw: socket.socket, peer: bytes, wait_s: float) -> list:
    """UDP payloads from the peer, until it is silent."""
    found = []
    deadline = time.monotonic() + wait_s
    while (left := deadline - time.monotonic()) > 0 and select.select([raw], [], [], left)[0]:
        frame, source = raw.recvfrom(65536)
        if source[2] == socket.PACKET_OUTGOING or frame[23] != UDP or frame[26:30] != peer:
            continue
        start = 14 + 4 * (frame[14] & 15)
        length = int.from_bytes(frame[start + 4:start + 6], "big")
        found.append(frame[start + 8:start + length])
    return found


def main() -> None:
    local, peer, wait_ms = sys.argv[1:4]
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind((local, 5060))
    answers = []
    for text in json.load(sys.stdin):
        sender.sendto(base64.b64decode(text), (peer, 5060))
        answers.append([base64.b64encode(payload).decode()
                        for payload in replies(raw, socket.inet_aton(peer), int(wait_ms) / 1000)])
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()

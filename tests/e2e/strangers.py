# SPDX-License-Identifier: Apache-2.0
"""Sends what nobody should, from whole messages to noise, for a while. Run inside a namespace:
strangers.py LOCAL_IP PEER_IP SECONDS FOLDER; FOLDER holds messages. Prints how many datagrams it sent."""

import random
import socket
import sys
import time
from pathlib import Path

PER_SECOND = 1000
LARGEST = 65507  # bytes of a UDP datagram over IPv4


def changed(text: bytes, chance: random.Random) -> bytes:
    """Cut off, or with some bytes that are others."""
    if not text or chance.random() < 0.3:
        return text
    if chance.random() < 0.3:
        return text[:chance.randrange(len(text))]
    out = bytearray(text)
    for _ in range(chance.randrange(1, 6)):
        out[chance.randrange(len(out))] = chance.randrange(256)
    return bytes(out)


def main() -> None:
    local, peer, seconds, folder = sys.argv[1:5]
    chance = random.Random(1)
    messages = [file.read_bytes() for file in sorted(Path(folder).iterdir())
                if file.name != "INDEX.tsv"]
    rare = [b"\r\n" * 30_000, b"\0" * LARGEST, b"INVITE " * 9000]  # large: fragments
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind((local, 5060))
    sent = 0
    began = time.monotonic()
    while (passed := time.monotonic() - began) < float(seconds):
        if sent > passed * PER_SECOND:
            time.sleep(0.005)
            continue
        text = chance.choice(rare) if sent % 100 == 99 else changed(chance.choice(messages), chance)
        sender.sendto(text[:LARGEST], (peer, 5060))
        sent += 1
    print(sent)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Sends OPTIONS with ever new Call-IDs, each after the answer to the one before. Run inside a namespace:
nudge.py LOCAL_IP PEER_IP COUNT"""

import os
import socket
import sys


def main() -> None:
    local, peer, count = sys.argv[1:4]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as party:
        party.bind((local, 0))
        party.settimeout(1)
        port = party.getsockname()[1]
        for _ in range(int(count)):
            number = os.urandom(8).hex()
            text = "\r\n".join([
                f"OPTIONS sip:{peer} SIP/2.0",
                f"Via: SIP/2.0/UDP {local}:{port};rport;branch=z9hG4bK{number}",
                f"From: <sip:nudge@{local}>;tag={number}", f"To: <sip:{peer}>",
                f"Call-ID: {number}", "CSeq: 1 OPTIONS", "Max-Forwards: 70",
                "Content-Length: 0", "", ""]).encode()
            for _ in range(3):
                party.sendto(text, (peer, 5060))
                try:
                    party.recv(65536)
                    break
                except TimeoutError:
                    continue
            else:
                sys.exit(f"{peer} does not answer")


if __name__ == "__main__":
    main()

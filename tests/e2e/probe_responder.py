# SPDX-License-Identifier: Apache-2.0
"""Says 200 to every OPTIONS, and when each came. Run inside a namespace: probe_responder.py LOCAL_IP
SECONDS; at the end one JSON list of the times in seconds, one for each request that is no repetition."""

import json
import select
import socket
import sys
import time

SO_RCVBUFFORCE = 33  # Python has no name for it
COPIED = ("via:", "from:", "call-id:", "cseq:")


def reply_to(request: str) -> str:
    lines = request.split("\r\n")
    kept = [line for line in lines if line.lower().startswith(COPIED)]
    to = next(line for line in lines if line.lower().startswith("to:"))
    return "\r\n".join(["SIP/2.0 200 OK", *kept, f"{to};tag=r", "Content-Length: 0", "", ""])


def main() -> None:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    server.bind((sys.argv[1], 5060))
    deadline = time.monotonic() + float(sys.argv[2])
    first_at = {}
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([server], [], [], left)[0]:
            break
        request, source = server.recvfrom(65536)
        now = time.monotonic()
        text = request.decode()
        if text.startswith("OPTIONS "):
            server.sendto(reply_to(text).encode(), source)
            first_at.setdefault(text[text.index("Call-ID:"):].split("\r\n", 1)[0], now)
    json.dump(sorted(first_at.values()), sys.stdout)


if __name__ == "__main__":
    main()

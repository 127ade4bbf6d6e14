# SPDX-License-Identifier: Apache-2.0
"""The event socket of a FreeSWITCH, as far as heartbeats go: event_socket.py PASSWORD SESSIONS
MAX IDLE. Listens on 127.0.0.1:8021, asks for the password, and beats five times a second."""

import socket
import sys
import time


def conversation(peer: socket.socket, password: str, body: str) -> None:
    lines = peer.makefile("rw", newline="\n")

    def say(text: str) -> None:
        lines.write(text)
        lines.flush()

    def command() -> str:
        line = lines.readline().strip()
        lines.readline()  # the empty one
        return line

    say("Content-Type: auth/request\n\n")
    if command() != f"auth {password}":
        say("Content-Type: command/reply\nReply-Text: -ERR invalid\n\n")
        return
    say("Content-Type: command/reply\nReply-Text: +OK accepted\n\n")
    if command() != "event plain HEARTBEAT":
        return
    say("Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n")
    while True:
        say(f"Content-Length: {len(body)}\nContent-Type: text/event-plain\n\n{body}")
        time.sleep(0.2)


def main() -> None:
    password, sessions, most, idle = sys.argv[1:]
    body = (f"Event-Name: HEARTBEAT\nEvent-Info: System%20Ready\nSession-Count: {sessions}\n"
            f"Max-Sessions: {most}\nIdle-CPU: {idle}\n\n")
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 8021))
    listener.listen()
    while True:
        peer, _ = listener.accept()
        try:
            conversation(peer, password, body)
        except OSError:
            pass
        peer.close()


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Joins two interfaces, one untagged and one with an 802.1Q tag: a trunk port for kernels that have
no VLAN interfaces. Run inside a namespace: vlan_relay.py UNTAGGED TAGGED VLAN"""

import select
import socket
import struct
import sys

SOL_PACKET = 263
PACKET_AUXDATA = 8
TP_STATUS_VLAN_VALID = 1 << 4
ETH_P_ALL = 3
ETH_P_8021Q = 0x8100


def listen(interface: str) -> socket.socket:
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    raw.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    raw.bind((interface, 0))
    return raw


def receive(raw: socket.socket) -> tuple:
    """The frame without a tag, and its VLAN or None. The kernel takes the tag out of the frame and
    tells it beside (struct tpacket_auxdata). None, None for what we sent ourselves."""
    frame, beside, _, source = raw.recvmsg(65536, 256)
    if source[2] == socket.PACKET_OUTGOING:
        return None, None
    for level, kind, data in beside:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", data[:20])
            if status & TP_STATUS_VLAN_VALID:
                return frame, tci & 0xfff
    if frame[12:14] == struct.pack("!H", ETH_P_8021Q):
        return frame[:12] + frame[16:], struct.unpack("!H", frame[14:16])[0] & 0xfff
    return frame, None


def main() -> None:
    untagged, tagged = listen(sys.argv[1]), listen(sys.argv[2])
    vlan = int(sys.argv[3])
    tag = struct.pack("!HH", ETH_P_8021Q, vlan)
    print("relaying", flush=True)
    while True:
        for raw in select.select([untagged, tagged], [], [])[0]:
            frame, seen = receive(raw)
            if frame is None:
                continue
            if raw is untagged and seen is None:
                tagged.send(frame[:12] + tag + frame[12:])
            elif raw is tagged and seen == vlan:
                untagged.send(frame)


if __name__ == "__main__":
    main()

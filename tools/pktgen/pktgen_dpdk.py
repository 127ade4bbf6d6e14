#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Writes pcaps of SIP requests and a Lua script for Pktgen-DPDK, for floods without state: what a
balancer does with INVITEs that nobody answers, with requests to itself, and with rubbish."""

import argparse
import ipaddress
import random
import struct
import sys
from pathlib import Path

SDP = ("v=0\r\no=gw {n} {n} IN IP4 {caller}\r\ns=call\r\nc=IN IP4 {caller}\r\nt=0 0\r\n"
       "m=audio 16384 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
       "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n")


def request(method: str, uri: str, chance: random.Random, target: str, caller: str,
            to_tag: str = "", body: str = "") -> bytes:
    number = chance.randrange(10**10)
    lines = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {caller}:5060;branch=z9hG4bK{chance.randrange(16**16):016x};rport",
        "Max-Forwards: 70",
        f'From: "Line {number:010}" <sip:+49{number:010}@{caller}>;tag={chance.randrange(16**16):016x}',
        f"To: <{uri}>" + (f";tag={to_tag}" if to_tag else ""),
        f"Call-ID: {chance.randrange(16**16):016x}@pktgen.example",
        f"CSeq: {2 if to_tag else 1} {method}",
        f"Contact: <sip:core@{caller}:5060>",
        "User-Agent: pktgen",
    ]
    if body:
        lines.append("Content-Type: application/sdp")
    lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def messages(kind: str, count: int, seed: int, target: str, caller: str) -> list:
    chance = random.Random(f"{kind} {seed}")
    out = []
    for _ in range(count):
        if kind == "invite":
            user = chance.choice([f"4930{chance.randrange(10**7):07}",
                                  f"VM_{chance.randrange(10**7):07}"])
            sdp = SDP.format(n=chance.randrange(10**10), caller=caller)
            out.append(request("INVITE", f"sip:{user}@{target}:5060", chance, target, caller,
                               body=sdp))
        elif kind == "options":
            out.append(request("OPTIONS", f"sip:{target}:5060", chance, target, caller))
        elif kind == "unknown-bye":
            out.append(request("BYE", f"sip:gw@{target}:5060", chance, target, caller,
                               to_tag=f"{chance.randrange(16**8):08x}"))
        else:  # an INVITE with a few bytes changed
            spoiled = bytearray(request("INVITE", f"sip:4930@{target}:5060", chance, target, caller,
                                        body=SDP.format(n=1, caller=caller)))
            for _ in range(chance.randrange(1, 12)):
                spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
            out.append(bytes(spoiled))
    return out


KINDS = ("invite", "options", "unknown-bye", "spoiled")


def ones_sum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def frame(payload: bytes, source: str, target: str, source_mac: bytes, target_mac: bytes) -> bytes:
    addresses = ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(target).packed
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 28 + len(payload), 0, 0x4000, 64, 17, 0) + addresses
    ip = ip[:10] + struct.pack("!H", ~ones_sum(ip) & 0xffff) + ip[12:]
    udp = struct.pack("!HHHH", 5060, 5060, 8 + len(payload), 0)
    total = ~ones_sum(addresses + struct.pack("!HH", 17, 8 + len(payload)) + udp + payload) & 0xffff
    udp = udp[:6] + struct.pack("!H", total or 0xffff)
    return target_mac + source_mac + b"\x08\x00" + ip + udp + payload


def pcap(frames: list) -> bytes:
    out = [struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)]
    for number, each in enumerate(frames):
        out.append(struct.pack("<IIII", number // 10**6, number % 10**6, len(each), len(each)))
        out.append(each)
    return b"".join(out)


LUA = """-- SPDX-License-Identifier: Apache-2.0
-- Sends the pcap of port 0 at rising shares of the line rate and says what came back. Start with
--   pktgen -l 0-2 -n 4 -a PCI -- -P -m "[1:2].0" -s 0:KIND.pcap -f flood.lua
package.path = package.path .. ";?.lua;test/?.lua;app/?.lua;../?.lua"
require "Pktgen"

local port = "0"
local shares = SHARES   -- per cent of the line rate
local seconds = SECONDS

pktgen.stop(port)
pktgen.clr()
for _, share in ipairs(shares) do
  pktgen.set(port, "count", 0)     -- until stopped
  pktgen.set(port, "rate", share)
  pktgen.delay(500)
  local before = pktgen.portStats(port, "port")[0]
  pktgen.start(port)
  pktgen.delay(seconds * 1000)
  pktgen.stop(port)
  pktgen.delay(500)
  local after = pktgen.portStats(port, "port")[0]
  printf("%5.2f %%  sent %12d/s  back %12d/s\\n", share,
         (after.opackets - before.opackets) / seconds,
         (after.ipackets - before.ipackets) / seconds)
end
pktgen.quit()
"""


def mac(text: str) -> bytes:
    parts = bytes(int(part, 16) for part in text.split(":"))
    if len(parts) != 6:
        raise argparse.ArgumentTypeError(f"'{text}' is no MAC address")
    return parts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the files go")
    parser.add_argument("--target", default="10.9.0.1", help="address of the balancer (10.9.0.1)")
    parser.add_argument("--target-mac", type=mac, default=mac("ff:ff:ff:ff:ff:ff"),
                        help="MAC of the balancer's port")
    parser.add_argument("--caller", default="10.9.0.10", help="address that calls (10.9.0.10)")
    parser.add_argument("--caller-mac", type=mac, default=mac("02:70:6b:74:67:6e"))
    parser.add_argument("--count", type=int, default=10_000, help="messages a pcap (10000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shares", default="0.1,0.5,1,2,5,10", help="per cent of the line rate")
    parser.add_argument("--seconds", type=int, default=10, help="for each of them")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        frames = [frame(each, given.caller, given.target, given.caller_mac, given.target_mac)
                  for each in messages(kind, given.count, given.seed, given.target, given.caller)]
        (given.folder / f"{kind}.pcap").write_bytes(pcap(frames))
    script = LUA.replace("SHARES", "{" + given.shares + "}")
    (given.folder / "flood.lua").write_text(script.replace("SECONDS", str(given.seconds)))
    print(f"{', '.join(kind + '.pcap' for kind in KINDS)} and flood.lua are in {given.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

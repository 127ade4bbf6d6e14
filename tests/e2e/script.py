# SPDX-License-Identifier: Apache-2.0
"""Writes SIPp scenarios from short lists of steps, so that a flow reads like its ladder diagram.

A script is a list of steps. The caller's requests have From with its tag; `[next_url]` and
`[routes]` are SIPp's words for the dialog's target and route set. A called party (`callee=True`)
remembers the INVITE's From, To, Via and CSeq, so it can answer the INVITE late and send requests of
its own. Steps know nothing of linehunt."""

import re
from pathlib import Path

CALLER_FROM = 'From: "caller" <sip:caller@[local_ip]:[local_port]>;tag=[pid]c[call_number]'
CALLER_TO = "To: <sip:[field0]@[remote_ip]:[remote_port]>"
VIA = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]"
CONTACT = "Contact: <sip:[local_ip]:[local_port]>"
CALLEE_TAG = ";tag=[pid]s[call_number]"

SDP = """v=0
o=lab 1 {version} IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0 8
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a={direction}"""


def sdp(direction: str = "sendrecv", version: int = 1) -> str:
    return SDP.format(direction=direction, version=version)


def message(lines: list, body: str = "") -> str:
    if body:
        lines = [*lines, "Content-Type: application/sdp"]
    return "\n".join([*lines, "Content-Length: [len]" if body else "Content-Length: 0", "", body])


def send(text: str, attributes: str = "") -> str:
    return f"<send {attributes}><![CDATA[\n{text}\n]]></send>"


# ---- both parties


def recv(what, *, optional: bool = False, attributes: str = "", actions: str = "") -> str:
    """A status (number) or a method (word) to wait for."""
    kind = "response" if isinstance(what, int) else "request"
    more = ' optional="true"' if optional else ""
    inner = f"<action>{actions}</action>" if actions else ""
    return f'<recv {kind}="{what}"{more} {attributes}>{inner}</recv>'


def pause(milliseconds: int) -> str:
    return f'<pause milliseconds="{milliseconds}"/>'


def until_bye(first_label: int = 1) -> list:
    """Answers OPTIONS within the call until a BYE comes, and that too."""
    again, pong, bye = first_label, first_label + 1, first_label + 2
    return [f'<label id="{again}"/>',
            recv("OPTIONS", optional=True, attributes=f'next="{pong}"'),
            recv("BYE", attributes=f'next="{bye}"'),
            f'<label id="{pong}"/>', reply(200, "OK", attributes=f'next="{again}"'),
            f'<label id="{bye}"/>', reply(200, "OK"), wait_for_repeats()]


def wait_for_repeats(milliseconds: int = 1000) -> str:
    """Answers repeated messages for a while, then the call is over."""
    return f'<timewait milliseconds="{milliseconds}"/>'


def reply(status: int, reason: str, *extra: str, body: str = "", attributes: str = "") -> str:
    """To the request received last, inside a dialog."""
    return send(message([f"SIP/2.0 {status} {reason}", "[last_Via:]", "[last_From:]", "[last_To:]",
                         "[last_Call-ID:]", "[last_CSeq:]", CONTACT, *extra], body), attributes)


# ---- the caller


def invite(*extra: str, body: str = None, attributes: str = 'retrans="500"') -> str:
    return send(message(["INVITE sip:[field0]@[remote_ip]:[remote_port] SIP/2.0", VIA, CALLER_FROM,
                         CALLER_TO, "Call-ID: [call_id]", "CSeq: 1 INVITE", CONTACT,
                         "Max-Forwards: 70", *extra], sdp() if body is None else body), attributes)


def request(method: str, cseq: int, *extra: str, body: str = "", retransmit: bool = True) -> str:
    """Of the caller, inside the dialog."""
    attributes = 'retrans="500"' if retransmit and method != "ACK" else ""
    return send(message([f"{method} [next_url] SIP/2.0", VIA, "[routes]", CALLER_FROM,
                         f"{CALLER_TO}[peer_tag_param]", "Call-ID: [call_id]",
                         f"CSeq: {cseq} {method}", CONTACT, "Max-Forwards: 70", *extra], body),
                attributes)


def ack(cseq: int = 1) -> str:
    return request("ACK", cseq)


def ack_failure() -> str:
    """The ACK of the same transaction: the Via of the INVITE, which the reply echoes."""
    return send(message(["ACK sip:[field0]@[remote_ip]:[remote_port] SIP/2.0", "[last_Via:]",
                         CALLER_FROM, "[last_To:]", "Call-ID: [call_id]", "CSeq: 1 ACK",
                         "Max-Forwards: 70"]))


def cancel() -> str:
    """Of the INVITE whose provisional reply was received last."""
    return send(message(["CANCEL sip:[field0]@[remote_ip]:[remote_port] SIP/2.0", "[last_Via:]",
                         CALLER_FROM, CALLER_TO, "Call-ID: [call_id]", "CSeq: 1 CANCEL",
                         "Max-Forwards: 70"]), 'retrans="500"')


def answered(*extra: str) -> list:
    """From the INVITE to the ACK of a call that is answered."""
    return [invite(*extra), recv(100, optional=True), recv(180, optional=True),
            recv(200, attributes='rrs="true"'), ack()]


def hang_up(cseq: int = 2) -> list:
    return [request("BYE", cseq), recv(200)]


# ---- the called party


def remember(header: str, name: str, occurrence: int = 1) -> str:
    return (f'<ereg regexp=".*" search_in="hdr" header="{header}:" occurrence="{occurrence}" '
            f'assign_to="{name}"/>')


def recv_invite(vias: int = 2, routes: int = 1) -> str:
    """The INVITE that makes the call. `vias` is how many Via it comes with: one straight from the
    caller, two and `routes` Record-Routes through a proxy."""
    actions = remember("From", "from") + remember("To", "to") + remember("CSeq", "cseq")
    if vias > 1:
        actions += "".join(remember("Record-Route", f"route{number}", number)
                           for number in range(1, routes + 1))
    actions += "".join(remember("Via", f"via{number}", number) for number in range(1, vias + 1))
    return recv("INVITE", attributes='rrs="true"', actions=actions)


def reply_invite(status: int, reason: str, *extra: str, body: str = "", vias: int = 2,
                 routes: int = 1, attributes: str = None) -> str:
    """To the INVITE that made the call, also when other requests came since."""
    if attributes is None:
        attributes = 'retrans="500"' if status >= 200 else ""
    route = [f"Record-Route:[$route{number}]" for number in range(1, routes + 1)
             if vias > 1 and status < 300]
    return send(message([f"SIP/2.0 {status} {reason}",
                         *(f"Via:[$via{number}]" for number in range(1, vias + 1)), *route,
                         "From:[$from]", f"To:[$to]{CALLEE_TAG}", "[last_Call-ID:]",
                         "CSeq:[$cseq]", CONTACT, *extra], body), attributes)


def ring_and_answer(vias: int = 2, routes: int = 1, *extra: str) -> list:
    return [recv_invite(vias, routes), reply_invite(180, "Ringing", vias=vias, routes=routes),
            reply_invite(200, "OK", *extra, body=sdp(), vias=vias, routes=routes), recv("ACK")]


def request_back(method: str, cseq: int, *extra: str, body: str = "") -> str:
    """Of the called party, inside the dialog."""
    attributes = 'retrans="500"' if method != "ACK" else ""
    return send(message([f"{method} [next_url] SIP/2.0", VIA, "[routes]",
                         f"From:[$to]{CALLEE_TAG}", "To:[$from]", "[last_Call-ID:]",
                         f"CSeq: {cseq} {method}", CONTACT, "Max-Forwards: 70", *extra], body),
                attributes)


def take_bye() -> list:
    return [recv("BYE"), reply(200, "OK"), wait_for_repeats()]


def recv_bye_for_later(vias: int = 2) -> str:
    """A BYE that is answered after other messages have come."""
    return recv("BYE", actions="".join(
        remember("Via", f"bye_via{number}", number) for number in range(1, vias + 1)))


def reply_to_earlier_bye(vias: int = 2) -> str:
    return send(message(["SIP/2.0 200 OK",
                         *(f"Via:[$bye_via{number}]" for number in range(1, vias + 1)),
                         "From:[$from]", f"To:[$to]{CALLEE_TAG}", "[last_Call-ID:]",
                         "CSeq: 2 BYE"]))


def flat(steps: list) -> list:
    return [each for step in steps
            for each in (flat(step) if isinstance(step, list) else [step])]


def write(path: Path, name: str, steps: list) -> Path:
    """The scenario file. Nested lists of steps are one after the other."""
    text = "\n".join(flat(steps))
    # SIPp takes a variable that is set and never read for a mistake.
    variables = sorted(set(re.findall(r'assign_to="(\w+)"', text)))
    reference = f'<Reference variables="{",".join(variables)}"/>\n' if variables else ""
    path.write_text('<?xml version="1.0" encoding="UTF-8"?>\n'
                    f'<scenario name="{name}">\n{text}\n{reference}</scenario>\n',
                    encoding="utf-8")
    return path

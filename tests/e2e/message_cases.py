# SPDX-License-Identifier: Apache-2.0
"""Single messages to the running program: what is answered, and with what."""

import base64
import csv
import json
import os
import re
import subprocess
from pathlib import Path

from call_cases import wait_for_calls
from cases import NotHere, case, check
from lab.call_mix import mix
from lab.capture import Capture, tshark
from lab.configuration import BALANCER, CORE, FIRST_BOX, STUDY_CASE_RULES
from lab.wire import LabError, address
from lab_setups import MbufWatch, diagnosis, study_case

HERE = Path(__file__).resolve().parent
EXCHANGE = HERE / "exchange.py"
CORPUS = Path(os.environ.get("LINEHUNT_CORPUS",
                             HERE.parents[2] / "shared/corpus"))
US = address(BALANCER)
CALLER = address(CORE)


def statuses(lab, messages: list, wait_ms: int = 300, host=None) -> list:
    """For each message the status codes that came back, without 100; from the core proxy, or another
    host."""
    prefix, ip = (host.prefix(), host.ip) if host else (lab.core.prefix(), CALLER)
    told = subprocess.run(
        [*prefix, "/usr/bin/python3", "-B", str(EXCHANGE), ip, US, str(wait_ms)],
        input=json.dumps([base64.b64encode(each).decode() for each in messages]),
        capture_output=True, text=True)
    if told.returncode != 0:
        raise LabError(f"exchange: {told.stderr}")
    result = []
    for payloads in json.loads(told.stdout):
        codes = [int(found.group(1)) for text in payloads
                 if (found := re.match(rb"SIP/2\.0 (\d{3}) ", base64.b64decode(text)))]
        result.append(sorted(set(codes) - {100}))
    return result


def message(method: str, user: str = "nobody", *, number: int = 1, forwards: int = 70,
            to_tag: str = "") -> bytes:
    uri = f"sip:{user}@{US}" if user else f"sip:{US}"
    return "\r\n".join([
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {CALLER}:5060;branch=z9hG4bK-{method}-{number}",
        f"From: <sip:caller@{CALLER}>;tag=a{number}", f"To: <{uri}>{to_tag}",
        f"Call-ID: {method}-{number}@{CALLER}", f"CSeq: 1 {method}",
        f"Contact: <sip:{CALLER}>", f"Max-Forwards: {forwards}", "Content-Length: 0", "", "",
    ]).encode()


@case
def requests_that_are_no_call_are_answered():
    tag = ";tag=unknown"
    expected = [
        (message("INVITE"), [404]),
        (message("INVITE", "VM_1", number=2, forwards=0), [483]),
        (message("REGISTER"), [405]),
        (message("SUBSCRIBE"), [405]),
        (message("OPTIONS", ""), [200]),
        (message("BYE", to_tag=tag), [481]),
        (message("INFO", to_tag=tag), [481]),
        (message("CANCEL"), [481]),
        (message("ACK", to_tag=tag), []),
        (b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\n"
         b"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n"
         b"Content-Length: 0\r\n\r\n", []),
        (b"\r\n\r\n", []),
        (b"\0" * 100, []),
        (b"x", []),
    ]
    with study_case() as lab:
        lab.start_balancer()
        for (text, wanted), got in zip(expected, statuses(lab, [text for text, _ in expected])):
            check(got == wanted, f"{wanted} expected, {got} came for\n"
                  f"{text.decode(errors='replace')}\n{lab.balancer.tail()}")


@case
def a_scanner_gets_no_answer():
    def of_scanner(text: bytes) -> bytes:
        return text.replace(b"Max-Forwards", b"User-Agent: friendly-scanner\r\nMax-Forwards", 1)

    rule = '[[rule]]\nmatch = { header.User-Agent = "^friendly-scanner" }\ndrop = true\n'
    messages = [message("OPTIONS", ""), message("REGISTER"), message("INVITE"), message("CANCEL")]
    with study_case() as lab:
        lab.configuration.rules = rule + STUDY_CASE_RULES
        lab.start_balancer()
        got = statuses(lab, [*map(of_scanner, messages), *messages])
        check(got == [[], [], [], [], [200], [405], [404], [481]], f"answers: {got}")
        stats = lab.balancer.ask("stats")
        check(stats["verdict:dropped_by_rule"] == 4, str(stats["verdict:dropped_by_rule"]))


@case
def tcp_is_refused_at_once():
    """Who takes TCP for a long request (RFC 3261 18.1.1) goes on with UDP then, instead of waiting."""
    attempt = ("import socket, sys\ntry: socket.create_connection((sys.argv[1], 5060), 3)\n"
               "except OSError as error: print(type(error).__name__)")
    with study_case() as lab:
        balancer = lab.start_balancer()
        for ours in (US, address(BALANCER, ipv6=True)):
            told = subprocess.run([*lab.core.prefix(), "/usr/bin/python3", "-B", "-c", attempt, ours],
                                  capture_output=True, text=True)
            check(told.stdout.strip() == "ConnectionRefusedError", f"{ours}: {told.stdout}{told.stderr}")
        check(balancer.statistics()["verdict:tcp_refused"] == 2, "counted otherwise")


@case
def calls_that_no_line_of_their_box_is_counted_for_are_told():
    with study_case(boxes={1: {"vm": 5, "pstn": 5}, 2: {"vm": 5}}) as lab:
        balancer = lab.start_balancer()
        check("note: [[rule]] count 'pstn' is not offered by destination 2 of" in balancer.tail(50),
              balancer.tail(50))
        for number in (1, 2):
            statuses(lab, [message("INVITE", number=number)], host=lab.box_hosts[number])
        stats = balancer.ask("stats")
        check(stats["load_balancer:calls_started"] == 2, "the calls did not go on")
        check(stats["load_balancer:calls_uncounted"] == 1, str(stats["load_balancer:calls_uncounted"]))


def acceptable(expect: str, is_request: bool) -> callable:
    """From a word of the corpus index to a check of the status codes that came."""
    if expect == "reject-483":
        return lambda codes: codes in ([483], [200])  # OPTIONS may be answered: RFC 3261 16.3 (3)
    exact = re.fullmatch(r"reject-(\d{3})", expect)
    if exact:
        return lambda codes: codes == [int(exact.group(1))]
    if expect == "reject-501-or-400":
        return lambda codes: codes in ([400], [501])
    if expect == "drop" or not is_request:
        return lambda codes: not codes
    if expect.startswith("accept"):
        # It gets as far as the rules, which then may not like it (404), or its method (405).
        return lambda codes: 400 not in codes
    return lambda codes: True


def rfc_messages() -> tuple:
    """The rows of the index and, in the same order, the messages."""
    if not (CORPUS / "INDEX.tsv").exists():
        raise NotHere(f"the messages are not at {CORPUS}; set LINEHUNT_CORPUS")
    with open(CORPUS / "INDEX.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return rows, [(CORPUS / row["file"]).read_bytes() for row in rows]


@case
def the_rfc_messages_get_what_the_index_says():
    rows, texts = rfc_messages()
    with study_case() as lab:
        balancer = lab.start_balancer()
        wrong = []
        for row, text, codes in zip(rows, texts, statuses(lab, texts)):
            if not acceptable(row["expect"], not text.startswith(b"SIP/2.0"))(codes):
                wrong.append(f"{row['file']} ({row['expect']}: {row['note']}): {codes}")
        check(not wrong, "\n".join(wrong))
        for number in lab.configuration.boxes:
            lab.start_box(number)
        core = lab.start_core([("VM_1", 100)], 10)
        check(core.wait(20) == 0, f"no call after the messages\n{diagnosis(lab)}")
        check(balancer.wait_idle(40), f"loads remain: {balancer.loads()}")


OPEN_TO_ALL = """
[[rule]]
match = { method = "INVITE" }
balance = 1
resources = "line"
"""
OURS = (rb"\r\nVia: SIP/2\.0/UDP [^\r]*;branch=z9hG4bKi[0-9a-f]{32}"
        rb"\r\nRecord-Route: <sip:[^\r]*;lr;lh=[0-9a-f]{16}>\r\n")


def as_it_should_go(text: bytes) -> bytes:
    """A message without what is around it, and with one hop less."""
    head, body = text.lstrip(b"\r\n").split(b"\r\n\r\n", 1)
    length = re.search(rb"\r\n(?:content-length|l)[ \t]*:\s*(\d+)", head, re.I)
    if length:
        body = body[:int(length.group(1))]
    hops = re.search(rb"\r\nmax-forwards[ \t]*:\s*(\d+)", head, re.I)
    if hops:
        head = head[:hops.start(1)] + b"%d" % (int(hops.group(1)) - 1) + head[hops.end(1):]
    else:
        head += b"\r\nMax-Forwards: 70"
    return head + b"\r\n\r\n" + body


def without_ours(text: bytes) -> bytes:
    text = re.sub(OURS, b"\r\n", text, count=1)
    text = text.replace(b";received=" + CALLER.encode(), b"", 1)
    return text.replace(b";rport=5060", b";rport", 1)


@case
def the_rfc_invites_reach_a_box_byte_for_byte():
    """Rules that take every INVITE; what the index accepts arrives as it came, and nothing else."""
    rows, texts = rfc_messages()
    with study_case("af_xdp", 2, boxes={1: {"line": 200}}, rules=OPEN_TO_ALL) as lab:
        balancer = lab.start_balancer()
        capture = Capture(*lab.wire.tap_of(lab.box_hosts[1]), lab.folder / "box.pcap")
        codes = statuses(lab, texts)
        capture.stop()
        arrived = {without_ours(bytes.fromhex(line.replace(":", ""))) for line in tshark(
            capture.file, f"ip.dst == {address(FIRST_BOX + 1)} && sip.Method == INVITE",
            "-T", "fields", "-e", "udp.payload")}
        wrong, expected = [], 0
        for row, text, told in zip(rows, texts, codes):
            method = text.lstrip(b"\r\n").split(b" ", 1)[0]
            if not row["expect"].startswith("accept") or method in (b"SIP/2.0", b"ACK"):
                continue
            # 408: of an INVITE before, which nobody has answered. 481: it has a To tag.
            answer = set(told) - {408}
            if method == b"INVITE" and 481 not in answer:
                expected += 1
                if as_it_should_go(text) not in arrived:
                    wrong.append(f"{row['file']} did not arrive as it came: {told}")
            elif len(answer) != 1 or not answer & {200, 405, 481}:
                wrong.append(f"{row['file']}: {told}")
        check(not wrong, "\n".join(wrong))
        check(expected >= 8, f"only {expected} INVITEs")
        refused = {as_it_should_go(text) for row, text in zip(rows, texts)
                   if re.fullmatch(r"drop|reject-\d{3}", row["expect"])
                   and text.startswith(b"INVITE ") and b"\r\n\r\n" in text}
        check(not refused & arrived, "what is to be refused was passed on")
        # No box listened, so each ends with fr_timeout.
        check(balancer.wait_idle(20), f"loads remain: {balancer.loads()}")
        lab.start_box(1)
        core = lab.start_core([("4930", 100)] * 4, 10)
        check(core.wait(20) == 0, f"no call after the messages\n{diagnosis(lab)}")
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")


STRANGER = 30


@case(device="af_xdp", workers=2)
@case(device="af_packet", workers=1, quick=False)
def strangers_harm_no_call(device: str, workers: int) -> None:
    """Broken messages, forged ones and noise, a thousand a second, while calls go on."""
    refused = f"""
[[rule]]
match = {{ source = ["{address(STRANGER)}/32"] }}
reply = "403 Forbidden"
"""
    calls = mix(300, 50)
    with study_case(device, workers, rules=refused + STUDY_CASE_RULES) as lab:
        host = lab.wire.add_host("stranger", STRANGER)
        balancer = lab.start_balancer()
        mbufs = MbufWatch(lab)
        with subprocess.Popen(
                [*host.prefix(), "/usr/bin/python3", "-B", str(HERE / "strangers.py"), host.ip, US,
                 "8", str(HERE.parent / "corpus/own")], stdout=subprocess.PIPE, text=True) as strangers:
            core = lab.start_mix(calls)
            wait_for_calls(lab, calls, core, 50)
            sent = int(strangers.communicate(timeout=30)[0])
        check(sent > 1000, f"only {sent} datagrams of strangers; the case proves little")
        check(balancer.wait_idle(10), f"loads remain: {balancer.loads()}\n{diagnosis(lab)}")
        statistics = balancer.statistics()
        check(statistics["load_balancer:calls_started"] == 300, "a stranger's call was taken")
        for name in ("rejected_malformed", "dropped_malformed", "dropped_not_sip",
                     "rejected_by_rule"):
            check(statistics[f"verdict:{name}"] > 0, f"nothing was {name}")
        mbufs.check_none_lost(40)

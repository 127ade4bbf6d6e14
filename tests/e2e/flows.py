# SPDX-License-Identifier: Apache-2.0
"""Call flows in the manner of RFC 3665: what the caller does and what the box does, by name. Whether
linehunt is between them or not makes no difference to either."""

from script import (
    ack,
    ack_failure,
    answered,
    cancel,
    hang_up,
    invite,
    pause,
    recv,
    recv_bye_for_later,
    recv_invite,
    reply,
    reply_invite,
    reply_to_earlier_bye,
    request,
    request_back,
    ring_and_answer,
    sdp,
    take_bye,
    wait_for_repeats,
)

RINGING = recv(180)
TRYING = recv(100, optional=True)


def refused(status: int, reason: str, *extra: str) -> callable:
    """The box refuses the call and the caller hears it."""
    def flow(vias: int) -> tuple:
        return (
            [invite(), TRYING, recv(180, optional=True), recv(status), ack_failure(),
             wait_for_repeats()],
            [recv_invite(vias), reply_invite(180, "Ringing", vias=vias),
             reply_invite(status, reason, *extra, vias=vias), recv("ACK"), wait_for_repeats()],
        )
    return flow


def redirect(vias: int) -> tuple:
    seen = ('<ereg regexp="sip:elsewhere@192.0.2.99" search_in="hdr" header="Contact:" '
            'check_it="true" assign_to="contact"/><log message="[$contact]"/>')
    return (
        [invite(), TRYING, recv(302, actions=seen), ack_failure(), wait_for_repeats()],
        [recv_invite(vias),
         reply_invite(302, "Moved Temporarily", vias=vias).replace(
             "Contact: <sip:[local_ip]:[local_port]>", "Contact: <sip:elsewhere@192.0.2.99>"),
         recv("ACK"), wait_for_repeats()],
    )


def cancelled(vias: int) -> tuple:
    """CANCEL after ringing: its own 200, then 487 for the INVITE (RFC 3261 9)."""
    return (
        [invite(), TRYING, RINGING, pause(100), cancel(), recv(200), recv(487), ack_failure(),
         wait_for_repeats()],
        [recv_invite(vias), reply_invite(180, "Ringing", vias=vias), recv("CANCEL"),
         reply(200, "OK"), reply_invite(487, "Request Terminated", vias=vias), recv("ACK"),
         wait_for_repeats()],
    )


def no_answer(vias: int) -> tuple:
    """It rings, and the box itself gives up."""
    return (
        [invite(), TRYING, RINGING, recv(480), ack_failure(), wait_for_repeats()],
        [recv_invite(vias), reply_invite(180, "Ringing", vias=vias), pause(1500),
         reply_invite(480, "Temporarily Unavailable", vias=vias), recv("ACK"),
         wait_for_repeats()],
    )


def no_answer_in_time(vias: int) -> tuple:
    """It rings for longer than fr_inv_timeout: linehunt withdraws the call and says 408."""
    return (
        [invite(), TRYING, RINGING, recv(408), ack_failure(), wait_for_repeats()],
        [recv_invite(vias), reply_invite(180, "Ringing", vias=vias), recv("CANCEL"),
         reply(200, "OK"), reply_invite(487, "Request Terminated", vias=vias), recv("ACK"),
         wait_for_repeats()],
    )


def no_response(vias: int) -> tuple:
    """Not a word from the box, and 408 after fr_timeout."""
    return (
        [invite(), TRYING, recv(408), ack_failure(), wait_for_repeats()],
        [recv_invite(vias), pause(6000)],
    )


def authentication(vias: int) -> tuple:
    """407 goes to the caller, who tries again in the same Call-ID (RFC 3665 3.3)."""
    again = invite('Proxy-Authorization: Digest username="caller", response="0"').replace(
        "CSeq: 1 INVITE", "CSeq: 2 INVITE")
    return (
        [invite(), TRYING, recv(407), ack_failure(), again, TRYING, recv(180, optional=True),
         recv(200, attributes='rrs="true"'), ack(2), pause(100), hang_up(3)],
        [recv_invite(vias),
         reply_invite(407, "Proxy Authentication Required",
                      'Proxy-Authenticate: Digest realm="lab", nonce="1"', vias=vias),
         recv("ACK"), ring_and_answer(vias), take_bye()],
    )


def info_both_ways(vias: int) -> tuple:
    return (
        [answered(), request("INFO", 2), recv(200), recv("INFO"), reply(200, "OK"), pause(100),
         hang_up(3)],
        [ring_and_answer(vias), recv("INFO"), reply(200, "OK"), pause(100),
         request_back("INFO", 1), recv(200), take_bye()],
    )


def reinvite_by_caller(vias: int) -> tuple:
    """Hold (sendonly) and retrieve (RFC 3264 8.4)."""
    def again(cseq: int, direction: str) -> list:
        return [request("INVITE", cseq, body=sdp(direction, cseq)), TRYING, recv(200), ack(cseq)]

    take = [recv("INVITE"), reply(200, "OK", body=sdp("recvonly", 2), attributes='retrans="500"'),
            recv("ACK")]
    return (
        [answered(), pause(100), again(2, "sendonly"), pause(100), again(3, "sendrecv"), pause(100),
         hang_up(4)],
        [ring_and_answer(vias), take, take, take_bye()],
    )


def reinvite_by_box(vias: int) -> tuple:
    return (
        [answered(), recv("INVITE"), reply(200, "OK", body=sdp("recvonly", 2),
                                           attributes='retrans="500"'),
         recv("ACK"), pause(100), hang_up()],
        [ring_and_answer(vias), pause(100), request_back("INVITE", 1, body=sdp("sendonly", 2)),
         recv(100, optional=True), recv(200), request_back("ACK", 1), take_bye()],
    )


def bye_by_box(vias: int) -> tuple:
    return (
        [answered(), recv("BYE"), reply(200, "OK"), wait_for_repeats()],
        [ring_and_answer(vias), pause(300), request_back("BYE", 1), recv(200)],
    )


def byes_cross(vias: int) -> tuple:
    """Both hang up at once; each answers the other's BYE."""
    return (
        [answered(), pause(300), request("BYE", 2), recv("BYE"), reply(200, "OK"), recv(200),
         wait_for_repeats()],
        [ring_and_answer(vias), recv_bye_for_later(vias), request_back("BYE", 1), recv(200),
         reply_to_earlier_bye(vias), wait_for_repeats()],
    )


def transfer(vias: int) -> tuple:
    """REFER, its 202 and the NOTIFYs in the dialog (RFC 5589 6.1, the transferee's part)."""
    notify = ["Event: refer", "Subscription-State: active;expires=60"]
    done = ["Event: refer", "Subscription-State: terminated;reason=noresource"]
    return (
        [answered(), request("REFER", 2, "Refer-To: <sip:third@192.0.2.77>"), recv(202),
         recv("NOTIFY"), reply(200, "OK"), recv("NOTIFY"), reply(200, "OK"), pause(100),
         hang_up(3)],
        [ring_and_answer(vias), recv("REFER"), reply(202, "Accepted"), pause(50),
         request_back("NOTIFY", 1, *notify), recv(200), pause(100),
         request_back("NOTIFY", 2, *done), recv(200), take_bye()],
    )


def session_refresh(vias: int) -> tuple:
    """UPDATE refreshes the session (RFC 4028)."""
    timer = ["Supported: timer", "Session-Expires: 90;refresher=uac"]
    return (
        [answered(*timer), pause(300), request("UPDATE", 2, *timer), recv(200), pause(300),
         request("UPDATE", 3, *timer), recv(200), hang_up(4)],
        [recv_invite(vias), reply_invite(180, "Ringing", vias=vias),
         reply_invite(200, "OK", "Require: timer", timer[1], body=sdp(), vias=vias), recv("ACK"),
         recv("UPDATE"), reply(200, "OK", timer[1]), recv("UPDATE"), reply(200, "OK", timer[1]),
         take_bye()],
    )


def early_media_with_prack(vias: int) -> tuple:
    """A reliable 183 with SDP, and its PRACK (RFC 3262)."""
    return (
        [invite("Supported: 100rel"), TRYING, recv(183, attributes='rrs="true"'),
         request("PRACK", 2, "RAck: 7001 1 INVITE"), recv(200), recv(200, attributes='rrs="true"'),
         ack(), pause(100), hang_up(3)],
        [recv_invite(vias),
         reply_invite(183, "Session Progress", "Require: 100rel", "RSeq: 7001", body=sdp(),
                      vias=vias, attributes='retrans="500"'),
         recv("PRACK"), reply(200, "OK"), pause(100),
         reply_invite(200, "OK", vias=vias),
         recv("ACK"), take_bye()],
    )


def early_media(vias: int) -> tuple:
    """183 with SDP, then the answer."""
    return (
        [invite(), TRYING, recv(183), recv(200, attributes='rrs="true"'), ack(), pause(100),
         hang_up()],
        [recv_invite(vias), reply_invite(183, "Session Progress", body=sdp(), vias=vias),
         pause(200), reply_invite(200, "OK", body=sdp(), vias=vias), recv("ACK"), take_bye()],
    )


def ok_repeated(vias: int) -> tuple:
    """The caller takes its time with the ACK, as if the first 200s were lost; all copies pass."""
    return (
        [invite(), TRYING, recv(180, optional=True), recv(200, attributes='rrs="true"'),
         pause(1800), ack(), pause(100), hang_up()],
        [ring_and_answer(vias), take_bye()],
    )


def ack_lost(vias: int) -> tuple:
    """Two of five ACKs are lost at the box's door; it repeats its 200, and the caller its ACK."""
    return (
        [answered(), recv("BYE"), reply(200, "OK"), wait_for_repeats()],
        [ring_and_answer(vias)[:-1], recv("ACK", attributes='lost="40"'), pause(100),
         request_back("BYE", 1), recv(200)],
    )


FLOWS = {
    "busy": refused(486, "Busy Here"),
    "declined": refused(603, "Decline"),
    "no answer": no_answer,
    "no answer in time": no_answer_in_time,
    "no response": no_response,
    "authentication": authentication,
    "redirect 302": redirect,
    "cancel": cancelled,
    "re-INVITE by the caller, hold and retrieve": reinvite_by_caller,
    "re-INVITE by the box": reinvite_by_box,
    "BYE by the box": bye_by_box,
    "BYEs cross": byes_cross,
    "INFO both ways": info_both_ways,
    "transfer": transfer,
    "session refresh": session_refresh,
    "early media": early_media,
    "early media with PRACK": early_media_with_prack,
    "200 lost and repeated": ok_repeated,
    "ACK lost": ack_lost,
}

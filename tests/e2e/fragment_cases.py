# SPDX-License-Identifier: Apache-2.0
"""SIP that no frame holds: INVITE and 200 of some 4 kB, in fragments of the kernel's towards us and of ours
towards both parties."""

from cases import case, check
from lab.capture import Capture
from lab.sipp import write_injection
from lab_setups import DEVICES_AND_WORKERS, MbufWatch, diagnosis, study_case
from script import answered, hang_up, ring_and_answer, take_bye, write

CALLS = 6
# A frame holds 1,500 bytes, so each such message is three fragments.
LONG = [f"X-Long-{number}: {'0123456789' * 18}" for number in range(20)]
FRAGMENTS = 3
FRAGMENT = {False: "ip[6:2] & 0x3fff != 0", True: "ip6[6] == 44"}  # for tcpdump


def device_for_long(device: str) -> str:
    """The kernel gives IPv4 to af_packet in one piece, which must fit its slots."""
    if device != "af_packet":
        return ""
    return "net_af_packet0,iface=eth0,framesz=16384,blocksz=16384"


def check_capture(capture: Capture, name: str, ours: str, ipv6: bool) -> None:
    capture.stop()
    check(capture.lost_frames() == 0, "tcpdump lost frames; the capture proves nothing")
    faults = capture.faults()
    check(not faults, f"{name}: " + "\n".join(faults))
    for direction, who in ((f"src host {ours}", "us"), (f"not src host {ours}", "the party")):
        seen = capture.frames(f"{FRAGMENT[ipv6]} and {direction}")
        check(seen >= FRAGMENTS * CALLS, f"{name}: {seen} fragments from {who} for {CALLS} calls")


def long_messages_in_fragments(device: str, workers: int, ipv6: bool) -> None:
    own_device = device_for_long(device)
    with study_case(device, workers, ipv6=ipv6, boxes={1: {"pstn": 50}},
                    port={"device": own_device} if own_device else {},
                    runtime={"mbufs": 8192}) as lab:
        balancer = lab.start_balancer()
        mbufs = MbufWatch(lab)
        captures = {host.name: Capture(*lab.wire.tap_of(host), lab.folder / f"{host.name}-wire.pcap")
                    for host in (lab.core, lab.box_hosts[1])}
        lab.start_box(1, write(lab.folder / "box.xml", "long",
                               [ring_and_answer(2, 1, *LONG), take_bye()]))
        rows = write_injection(lab.folder / "rows.csv", [("4930", 0)])
        core = lab.sipp(lab.core, "core", write(lab.folder / "core.xml", "long",
                                                [answered(*LONG), hang_up()]),
                        target=lab.target,
                        options=("-inf", str(rows), "-m", str(CALLS), "-r", "10"))
        check(core.wait(30) == 0, f"{core.counts()}\n{diagnosis(lab)}")
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
        statistics = balancer.statistics()
        # All but the last fragment of INVITE and 200 wait for the rest; unless the kernel does it.
        kept = 0 if device == "af_packet" and not ipv6 else 2 * (FRAGMENTS - 1) * CALLS
        check(statistics["verdict:fragment_kept"] >= kept,
              f"{statistics['verdict:fragment_kept']} fragments kept, not {kept}")
        check((statistics["verdict:fragment_kept"] == 0) == (kept == 0), "whose fragments?")
        check(statistics["verdict:dropped_fragment"] == 0, "fragments were dropped")
        mbufs.check_none_lost()
        for name, capture in captures.items():
            check_capture(capture, name, lab.target.strip("[]").removesuffix(":5060").strip("[]"),
                          ipv6)


for device, workers in DEVICES_AND_WORKERS[:2]:
    for ipv6 in (False, True):
        case(device=device, workers=workers, ipv6=ipv6,
             quick=device == "af_xdp")(long_messages_in_fragments)

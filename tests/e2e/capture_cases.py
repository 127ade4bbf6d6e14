# SPDX-License-Identifier: Apache-2.0
"""linehuntctl capture, judged by tshark: real calls, both ways, of all calls or of one number."""

import signal
import stat
import subprocess
import time
from pathlib import Path

from cases import case, check
from disks import disk_at, freeze, thaw
from event_follower import events_of
from lab.balancer import CONTROL
from lab.capture import faults_of, tshark
from lab_setups import MbufWatch, diagnosis, study_case

# What one call looks like; each message comes in and goes out.
CALL = ["INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"]
FIELDS = ("-T", "fields", "-E", "separator=|", "-e", "sip.Call-ID", "-e", "sip.Method",
          "-e", "sip.Status-Code", "-e", "sip.CSeq.method", "-e", "sip.to.user",
          "-e", "frame.packet_flags_direction")


def captures_folder(lab) -> Path:
    folder = lab.folder / "captures"
    folder.mkdir()
    lab.configuration.admin = {"capture_dir": str(folder)}
    return folder


def begin(balancer, *words: str) -> subprocess.Popen:
    """linehuntctl capture; once this returns, it captures."""
    process = subprocess.Popen(
        [str(CONTROL), "--socket", str(balancer.configuration.socket), "capture", *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    if not line:
        check(False, process.communicate(timeout=10)[1])
    check(line.startswith("captures to "), line)
    return process


def end(process: subprocess.Popen) -> str:
    process.send_signal(signal.SIGINT)
    output, error = process.communicate(timeout=20)
    check(process.returncode == 0, f"exit status {process.returncode}: {output}{error}")
    return output


def calls_in(file: Path) -> dict:
    """{Call-ID: [(direction, what, user), ...]} in the order of the file."""
    calls = {}
    for line in tshark(file, "sip", *FIELDS):
        call, method, code, of_method, user, direction = line.split("|")
        calls.setdefault(call, []).append(
            ("in" if int(direction, 0) & 3 == 1 else "out", method or f"{code} {of_method}", user))
    return calls


def check_whole(messages: list) -> None:
    seen = [(direction, what) for direction, what, _ in messages]
    # A busy machine may make somebody send a message again.
    for direction in ("in", "out"):
        order = list(dict.fromkeys(what for where, what in seen if where == direction))
        check([what for what in order if what in CALL] == CALL, f"{direction}: {order}")
    for what in CALL:
        check(seen.index(("in", what)) < seen.index(("out", what)), f"{what} left before it came")


@case(device="af_packet", workers=1)
@case(device="af_xdp", workers=2)
def a_capture_shows_all_of_one_number_both_ways(device: str, workers: int):
    with study_case(device, workers=workers) as lab:
        folder = captures_folder(lab)
        balancer = lab.start_balancer()
        for number in lab.configuration.boxes:
            lab.start_box(number)
        watch = MbufWatch(lab)
        with events_of(lab) as events:
            process = begin(balancer, "number.pcapng", "--match", "4930777")
            calls = ([("VM_1", 100), ("4930123", 100)] * 10 + [("4930777", 100)]) * 5
            core = lab.start_core(calls, 100)
            check(core.wait(30) == 0, f"{core.counts()}\n{diagnosis(lab)}")
            check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
            told = end(process)
            check("missed" not in told, told)
            check(events.first("E_LINEHUNT_CAPTURE")["state"] == "running", "no event")
        check(core.counts().successful == len(calls), f"{core.counts()}")
        file = folder / "number.pcapng"
        check(stat.S_IMODE(file.stat().st_mode) & 0o137 == 0, oct(file.stat().st_mode))
        found = calls_in(file)
        check(len(found) == 5, f"{len(found)} calls: {list(found)}")
        for messages in found.values():
            check_whole(messages)
            check({user for _, _, user in messages} == {"4930777"}, f"{messages}")
        check(not tshark(file, "!(sip contains \"4930777\")"), "there is more than that number")
        watch.check_none_lost()


@case
def a_capture_of_everything_is_what_passes_on_the_wire():
    with study_case(workers=2) as lab:
        folder = captures_folder(lab)
        balancer = lab.start_balancer()
        for number in lab.configuration.boxes:
            lab.start_box(number)
        earliest = time.time()
        process = begin(balancer)
        core = lab.start_core([("VM_1", 200), ("4930", 200)] * 100, 200)
        check(core.wait(30) == 0, f"{core.counts()}\n{diagnosis(lab)}")
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
        end(process)
        latest = time.time()
        file, = folder.iterdir()
        check(not faults_of(file), "\n".join(faults_of(file)))
        found = calls_in(file)
        check(len(found) == 200, f"{len(found)} calls")
        for messages in found.values():
            check_whole(messages)
        times = [float(line) for line in tshark(file, "frame", "-T", "fields", "-e",
                                                "frame.time_epoch")]
        check(times == sorted(times), "the frames are not in the order of their times")
        check(earliest < times[0] and times[-1] < latest,
              f"{times[0]} to {times[-1]}, it ran from {earliest} to {latest}")


@case
def a_capture_ends_at_its_limits_and_refuses_what_it_cannot_do():
    with study_case(boxes={1: {"vm": 50}}) as lab:
        folder = captures_folder(lab)
        balancer = lab.start_balancer()
        lab.start_box(1)
        status, output, _ = balancer.control("capture", "time", "--seconds", "1")
        check(status == 0 and "ended (after 1 s)" in output, output)
        process = begin(balancer, "some", "--packets", "10", "--port", "access")
        core = lab.start_core([("VM_1", 50)] * 20, 100)
        check(core.wait(20) == 0, f"{core.counts()}\n{diagnosis(lab)}")
        output, _ = process.communicate(timeout=20)
        check("10 packets" in output and "ended (at 10 packets)" in output, output)
        check(len(tshark(folder / "some", "frame")) == 10, "not 10 frames")
        for words, named in ((("some",), "--overwrite"), (("../some",), "no '/'"),
                             (("--port", "wan"), "access"),
                             (("--max-mb", "10000", "large", "--stop"), "")):
            status, _, error = balancer.control("capture", *words)
            check(status != 0 and named in error, f"{words}: {status} {error}")
        told = balancer.ask("capture", "--status")
        check(told["file"] == str(folder / "some") and told["packets"] == 10, f"refused: {told}")
        status, output, error = balancer.control("capture", "some", "--overwrite", "--seconds", "1")
        check(status == 0, error)
        process = begin(balancer, "more")
        status, _, error = balancer.control("capture", "other")
        check(status == 1 and "capture_stop" in error, error)
        check(balancer.control("capture", "--stop")[0] == 0, "it was not ended")
        check("ended (stopped)" in process.communicate(timeout=20)[0], "the first did not see it")
        folder.rename(folder.with_name("gone"))
        status, _, error = balancer.control("capture")
        check(status == 1 and "install -d" in error, error)


@case
def a_full_disk_ends_a_capture_and_no_call():
    with study_case(boxes={1: {"vm": 200}}) as lab:
        folder = captures_folder(lab)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)], check=True)
        try:
            balancer = lab.start_balancer()
            lab.start_box(1)
            status, _, error = balancer.control("capture")
            check(status == 1 and "MB free" in error, error)
            process = begin(balancer, "full", "--max-mb", "1")
            (folder / "other").write_bytes(bytes(1_900_000))
            core = lab.start_core([("VM_1", 100)] * 200, 100)
            check(core.wait(30) == 0, f"{core.counts()}\n{diagnosis(lab)}")
            check(core.counts().successful == 200, f"{core.counts()}")
            _, error = process.communicate(timeout=20)
            check(process.returncode == 1 and "No space left" in error, error)
            check(len(tshark(folder / "full", "sip")) > 50, "the file cannot be read")
            check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)


@case
def a_disk_that_hangs_ends_a_capture_and_nothing_else():
    with study_case(boxes={1: {"vm": 200}}) as lab:
        folder = captures_folder(lab)
        with disk_at(folder):
            balancer = lab.start_balancer()
            lab.start_box(1)
            process = begin(balancer, "hangs", "--max-mb", "1")
            freeze(folder)
            core = lab.start_core([("VM_1", 100)] * 400, 50)
            longest = 0.0
            while process.poll() is None:
                began = time.monotonic()
                balancer.ask("list")
                longest = max(longest, time.monotonic() - began)
                time.sleep(0.1)
            check(longest < 2, f"the control thread was away for {longest:.1f} s")
            error = process.communicate(timeout=20)[1]
            check(process.returncode == 1 and "the disk is too slow" in error, error)
            status, _, error = balancer.control("capture", "next")
            check(status == 1 and "does not answer since" in error, error)
            thaw(folder)
            check(core.wait(30) == 0, f"{core.counts()}\n{diagnosis(lab)}")
            check(core.counts().successful == 400, f"{core.counts()}")
            check(balancer.control("capture", "next", "--max-mb", "1", "--seconds", "1")[0] == 0,
                  "no capture, though the disk answers again")
            told = balancer.ask("capture", "--status")
            check(told["file"] == str(folder / "next") and told["reason"] == "seconds", f"{told}")
            tshark(folder / "hangs", "sip")  # it can be read

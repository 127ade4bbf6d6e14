# SPDX-License-Identifier: Apache-2.0
"""The demo command itself: its result, and that nothing of it remains."""

import glob
import json
import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from cases import EndedBadly, case, check

ROOT = Path(__file__).resolve().parents[2]


LIMIT_S = 600  # with the build that a changed source may need


@contextmanager
def running_demo(*words: str):
    # A job in the background of a script ignores SIGINT, and so would the demo that it starts.
    demo = subprocess.Popen(["tools/demo", *words], cwd=ROOT, stdin=subprocess.DEVNULL, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    try:
        yield demo
    finally:
        if demo.poll() is None:
            demo.terminate()
            demo.communicate(timeout=60)


def leftovers(demo: subprocess.Popen) -> list:
    """Namespaces that bear the demo's process number."""
    told = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True)
    return [line for line in told.stdout.splitlines() if line.startswith(f"lh{demo.pid}-")]


def check_result(demo: subprocess.Popen, calls: int) -> None:
    output, _ = demo.communicate(timeout=LIMIT_S)
    if re.search(r"linehunt ended with (-\d|\d+ in the middle)", output):
        raise EndedBadly(output)
    check(demo.returncode == 0, f"exit status {demo.returncode}\n{output}")
    result = json.loads(output.strip().splitlines()[-1])
    check((result["calls"], result["completed"], result["failed"]) == (calls, calls, 0),
          f"result {result}")
    taken = sum(entry["calls"] for entry in result["destinations"])
    check(taken + result["from_destinations"] == calls, f"calls by destination: {result}")
    for entry in result["destinations"]:
        for name, load in entry["resources"].items():
            check(load["final"] == 0 and load["peak"] <= load["capacity"], f"{name}: {load}")
    check(any(load["peak"] > 0 for entry in result["destinations"]
              for load in entry["resources"].values()), "no load was ever seen")
    check(not leftovers(demo), f"left behind: {leftovers(demo)}")


@case(group="demos")
def two_demos_at_once_do_not_meet():
    with running_demo("--calls", "200", "--rate", "50", "--workers", "2", "--json") as first, \
            running_demo("--calls", "100", "--rate", "50", "--device", "af_xdp", "--json") as second:
        check_result(first, 200)
        check_result(second, 100)


def linehunt_of(demo: subprocess.Popen) -> int:
    """Its process number."""
    children = Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text().split()
    found = [int(child) for child in children
             if os.path.basename(os.readlink(f"/proc/{child}/exe")) == "linehunt"]
    check(len(found) == 1, f"linehunt among {children}: {found}")
    return found[0]


@case(group="demos")
def the_demo_says_why_linehunt_ended():
    with running_demo("--calls", "2000", "--rate", "20") as demo:
        for line in demo.stdout:
            if "calls over" in line:
                break
        os.kill(linehunt_of(demo), signal.SIGKILL)
        output, _ = demo.communicate(timeout=60)
        check(demo.returncode == 1, f"exit status {demo.returncode}\n{output}")
        for said in ("tools/demo: ", "What linehunt said last:", "ready"):
            check(said in output, f"no {said!r} in\n{output}")
        check(not leftovers(demo), f"left behind: {leftovers(demo)}")


@case(said="linehunt ended with 0 in the middle")
@case(said="linehunt ended with 139 in the middle")
@case(said="linehunt ended with -11 in the middle")
@case(said="linehunt ended with -6:")
def a_linehunt_that_dies_under_the_demo_is_seen(said: str):
    demo = subprocess.Popen(["sh", "-c", 'echo "tools/demo: $1"; exit 1', "sh", said], text=True,
                            stdout=subprocess.PIPE)
    try:
        check_result(demo, 1)
    except EndedBadly as error:
        check(said in str(error), str(error))
    else:
        check(False, "nobody has seen it")


@case
def the_demo_wants_a_rate_that_is_a_number():
    for rate in ("nan", "inf"):
        told = subprocess.run(["tools/demo", f"--rate={rate}"], cwd=ROOT, capture_output=True, text=True,
                              timeout=60)
        check(told.returncode == 2 and "must be numbers above 0" in told.stderr,
              f"{rate}: {told.returncode} {told.stderr}")


# Each looks for folders that appear meanwhile.
@case(group="demos", number="SIGINT")
@case(group="demos", number="SIGTERM")
def an_interrupted_demo_leaves_nothing(number: str):
    before = set(glob.glob("/tmp/linehunt-demo-*"))
    with running_demo("--calls", "2000", "--rate", "20") as demo:
        for line in demo.stdout:
            if "calls over" in line:
                break
        time.sleep(1)
        check(leftovers(demo), "there are no namespaces to leave behind; the case proves nothing")
        # Who has no patience does it again.
        deadline = time.monotonic() + 30
        while demo.poll() is None and time.monotonic() < deadline:
            demo.send_signal(getattr(signal, number))
            time.sleep(0.05)
        demo.communicate(timeout=1)
        check(demo.returncode != 0, "an interrupted demo was a success")
        check(not leftovers(demo), f"left behind: {leftovers(demo)}")
        check(set(glob.glob("/tmp/linehunt-demo-*")) <= before, "its folder is left behind")

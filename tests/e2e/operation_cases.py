# SPDX-License-Identifier: Apache-2.0
"""What an operator does to it: wrong configurations, pings, signals, admin commands under load."""

import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from cases import case, check, wait_until
from event_follower import events_of
from lab.balancer import program
from lab.configuration import BALANCER, STUDY_CASE_RULES, Configuration
from lab.wire import Wire, address
from lab_setups import check_not_killed, diagnosis, study_case
from script import recv, recv_invite, reply_invite, wait_for_repeats, write

# What is wrong: the text to change in a right configuration, the new text, and what the error names.
WRONG = {
    "unknown key": ("[runtime]", "[runtime]\nworkerz = 3", "workerz"),
    "bad pattern": ('"^VM_"', '"^VM_("', "VM_("),
    "bad URI": ("sip:10.77.0.22:5060", "sip:10.77.0.22:port", "port"),
    "capacity -1": ("vm=100", "vm=-1", "-1"),
    "duplicate id": ("id = 2", "id = 1", "id"),
    "missing device": ("iface=eth0", "iface=nowhere7", "nowhere7"),
    "address of no port": (f'address = "{address(BALANCER)}"', 'address = "10.99.9.9"',
                           "10.99.9.9"),
}


def run_with(text: str, *words: str, before: list = ()) -> subprocess.CompletedProcess:
    with tempfile.TemporaryDirectory(prefix="linehunt-e2e-") as name:
        file = Path(name) / "linehunt.toml"
        file.write_text(text, encoding="utf-8")
        told = subprocess.run([*before, str(program()), *words, "-c", str(file)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
        check_not_killed(told)
        return told


def right_configuration() -> str:
    with tempfile.TemporaryDirectory() as name:
        # The check looks for the interface; lo is on every machine.
        # Without HTTP, since other cases that start it here may run at the same time.
        return Configuration(Path(name), "af_packet", admin={"http": ""}, port={
            "device": "net_af_packet0,iface=lo"}).text().replace("iface=lo", "iface=eth0")


def errors_of(told: subprocess.CompletedProcess) -> list:
    return [line for line in (told.stdout + told.stderr).splitlines() if line.strip()]


def wrong_configuration(what: str) -> None:
    """One clear line that names the place, and exit status 1, from the check and from a start."""
    before, after, named = WRONG[what]
    text = right_configuration()
    if what != "missing device":
        text = text.replace("iface=eth0", "iface=lo")
    check(before in text, f"the configuration has no '{before}' to spoil")
    spoiled = text.replace(before, after, 1)
    for words in (["check"], []):
        told = run_with(spoiled, *words)
        check(told.returncode == 1, f"exit status {told.returncode}\n{told.stderr}")
        lines = [line for line in errors_of(told) if "linehunt.toml:" in line]
        check(len(lines) == 1, f"{len(lines)} error lines:\n{told.stdout}{told.stderr}")
        check(named in lines[0], f"the line does not name '{named}': {lines[0]}")


for what in WRONG:
    case(what=what)(wrong_configuration)


WITHOUT_HUGEPAGES = ["unshare", "--mount", "--propagation", "private", "sh", "-ec",
                     """for each in /sys/devices/system/node/node*/hugepages/*/*r*_hugepages; do
                            mount --bind /dev/null $each
                        done
                        exec "$0" "$@\""""]


@case
def a_start_without_hugepages_names_the_node():
    text = right_configuration().replace("iface=eth0", "iface=lo")
    text = text.replace("hugepages = false", "hugepages = true")
    told = run_with(text, before=WITHOUT_HUGEPAGES)
    check(told.returncode == 1, f"exit status {told.returncode}\n{told.stderr}")
    checked = run_with(text, "check", before=WITHOUT_HUGEPAGES)
    check(checked.returncode == 0, f"exit status {checked.returncode}\n{checked.stderr}")
    for line in (told.stderr, checked.stderr):
        check("control_core: processor" in line and "where there are no hugepages" in line, line)
    check("EAL" not in told.stderr, f"DPDK was asked\n{told.stderr}")


@case
def a_start_without_the_rights_to_an_interface_names_them():
    text = right_configuration().replace("iface=eth0", "iface=lo")
    for device in ("net_af_packet0", "net_af_xdp0"):
        told = run_with(text.replace("net_af_packet0", device), before=[
            "setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"])
        check(told.returncode == 1, f"exit status {told.returncode}\n{told.stderr}")
        check("Operation not permitted; start it as root, or with CAP_NET_RAW" in told.stderr,
              told.stderr)


@case
def every_error_of_a_configuration_is_told():
    text = right_configuration()
    chosen = [each for name, each in WRONG.items() if name != "address of no port"]
    for before, after, _ in chosen:
        text = text.replace(before, after, 1)
    told = run_with(text, "check")
    check(told.returncode == 1, f"exit status {told.returncode}")
    for _, _, named in chosen:
        check(any(named in line for line in errors_of(told)), f"no line names '{named}':\n"
              f"{told.stdout}{told.stderr}")


@case
def a_right_configuration_passes_the_check():
    text = right_configuration().replace("iface=eth0", "iface=lo")
    told = run_with(text, "check")
    check(told.returncode == 0, f"exit status {told.returncode}\n{told.stdout}{told.stderr}")
    with tempfile.TemporaryDirectory(prefix="linehunt-e2e-") as name:
        file = Path(name) / "linehunt.toml"
        file.write_text(text, encoding="utf-8")
        told = subprocess.run([str(program()), "check", str(file)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=20)
    check(told.returncode == 0, f"without -c: exit status {told.returncode}\n{told.stderr}")


@case(device="af_packet", second="af_packet")
@case(device="af_packet", second="af_xdp")
@case(device="af_xdp", second="af_packet")
@case(device="af_xdp", second="af_xdp")
def two_with_one_address_notice_each_other(device: str, second: str):
    """And the first one goes on. With af_xdp they cannot share the interface either."""
    with study_case(device, boxes={1: {"vm": 50}, 2: {"fax": 1}}) as lab:
        balancer = lab.start_balancer()
        lab.start_box(1)
        text = lab.configuration.text().replace("linehunt.sock", "second.sock")
        text = text.replace('file_prefix = "', 'file_prefix = "second-').replace("[admin]", '[admin]\nhttp = ""')
        text = text.replace(f"net_{device}0", f"net_{second}0")
        own, other = address(BALANCER), address(BALANCER + 1)
        alone = text.replace(f'"{own}/', f'"{other}/').replace(f'"{own}"', f'"{other}"')
        for ipv6 in re.findall(r'"(fd[^"/]*)[/"]', alone):
            alone = alone.replace(ipv6, address(BALANCER + 1, True))
        whose = {text: f"{own} on interface 'eth0'"}
        if "af_xdp" in (device, second):
            whose[alone] = "interface 'eth0', which af_xdp needs alone,"
        for configured, what in whose.items():
            told = run_with(configured, before=lab.device.prefix())
            check(told.returncode == 1 and f"{what} belongs to another linehunt that runs, "
                  f"process {balancer.process.pid} of user 0; end that one" in told.stderr,
                  f"{told.returncode}: {told.stderr}")
        core = lab.start_core([("VM_1", 100)], 10)
        check(core.wait(10) == 0, f"{core.counts()}\n{diagnosis(lab)}")
        balancer.process.kill()
        balancer.stopped_by = signal.SIGKILL
        balancer.process.wait()
        lab.start_balancer()


# Binds the name of linehunt's address on eth0 as any user may, and listens there or not.
STRANGER = """import socket, sys, time
taken = socket.socket(socket.AF_UNIX)
taken.bind(f"\\0linehunt/{socket.if_nametoindex('eth0')}/0/" + sys.argv[1])
if sys.argv[2] == "True":
    taken.listen()
print("taken", flush=True)
time.sleep(60)"""


@case(listens=True)
@case(listens=False)
def a_user_who_has_its_name_does_not_keep_it_from_starting(listens: bool):
    with study_case() as lab:
        words = ["setpriv", "--reuid=65534", "--clear-groups", "/usr/bin/python3", "-c", STRANGER,
                 address(BALANCER), str(listens)]
        with subprocess.Popen([*lab.device.prefix(), *words], stdout=subprocess.PIPE, text=True) as stranger:
            try:
                check(stranger.stdout.readline() == "taken\n", "the name was not taken")
                balancer = lab.start_balancer()
            finally:
                stranger.kill()
        who = f", process {stranger.pid} of user 65534" if listens else ""
        check(f"something that is no linehunt{who}, has the name '@linehunt/" in balancer.tail(),
              balancer.tail())


@case
def a_configuration_that_is_long_in_coming_is_waited_for_and_said():
    """A pipe whose writer pauses, as a disk that hangs."""
    text = right_configuration().replace("iface=eth0", "iface=lo")
    with tempfile.TemporaryDirectory(prefix="linehunt-e2e-") as name:
        pipe, said = Path(name) / "linehunt.toml", Path(name) / "said"
        os.mkfifo(pipe)
        with said.open("wb") as errors:
            process = subprocess.Popen([str(program()), "check", str(pipe)], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=errors, text=True)
        with pipe.open("w", encoding="utf-8") as writer:
            writer.write(text[:100])
            writer.flush()
            wait_until(lambda: f"{pipe}: reading it takes long" in said.read_text(encoding="utf-8"),
                       "what it waits for", limit_s=25)
            writer.write(text[100:])
        output = process.communicate(timeout=20)[0]
        check(process.returncode == 0 and "no errors" in output, f"{process.returncode}: {output}")


@case
def a_copy_of_rows_that_is_long_in_coming_is_waited_for_and_said():
    """strace holds up the check where it opens the copy, as a disk that hangs."""
    with tempfile.TemporaryDirectory(prefix="linehunt-e2e-") as name:
        copy = Path(name) / "rows.json"
        copy.write_text("none", encoding="ascii")
        text = right_configuration().replace("iface=eth0", "iface=lo")
        text += f'\n[database]\nurl = "sqlite://{name}/rows.sqlite"\ncopy = "{copy}"\n'
        told = run_with(text, "check", before=["strace", "-f", "-o", "/dev/null", "-P", str(copy), "-e",
                                               "inject=openat:delay_enter=11s:when=1"])
        check(told.returncode == 0 and f"reading [database] copy {copy} takes long; look at its disk"
              in told.stderr and f"copy {copy} is damaged" in told.stderr,
              f"{told.returncode}: {told.stdout}{told.stderr}")


@case
def the_check_warns_of_a_processor_that_is_not_there():
    text = re.sub(r"\ncores = .*", "", right_configuration().replace("iface=eth0", "iface=lo"))
    told = run_with(text.replace("[runtime]", "[runtime]\ncores = [1023]"), "check")
    check(told.returncode == 0, f"exit status {told.returncode}\n{told.stdout}{told.stderr}")
    check("warning" in told.stderr and "processor 1023" in told.stderr, told.stderr)


@case
def the_check_warns_of_queues_that_nobody_polls():
    with Wire() as wire:
        host = wire.add_host("queues", 10)
        host.run("ip", "link", "add", "two", "numrxqueues", "2", "numtxqueues", "2", "type", "veth",
                 "peer", "name", "far", "numrxqueues", "1", "numtxqueues", "1")
        for there, device, queues, warned in ((2, "net_af_xdp0", "", True),
                                              (2, "net_af_packet0", "", False),
                                              (2, "net_af_xdp0", ",queue_count=2", False),
                                              (1, "net_af_xdp0", "", False)):
            host.run("ethtool", "-L", "two", "rx", str(there))
            text = right_configuration().replace("net_af_packet0,iface=eth0",
                                                 f"{device},iface=two{queues}")
            told = run_with(text, "check", before=host.prefix())
            check(told.returncode == 0, f"exit status {told.returncode}\n{told.stderr}")
            lines = [line for line in errors_of(told) if "warning" in line and "queues" in line]
            check(len(lines) == warned, f"{device}{queues}: {told.stderr}")
            check(not warned or re.search(r"linehunt\.toml:\d+:\d+: .*`ethtool -L two rx 1`",
                                          lines[0]), told.stderr)


@case(device="af_packet")
@case(device="af_xdp")
def ping_is_answered(device: str):
    with study_case(device) as lab:
        lab.start_balancer()
        for ip in (address(BALANCER), address(BALANCER, ipv6=True)):
            for size in ("56", "1400"):
                lab.core.run("ping", "-c", "3", "-i", "0.2", "-W", "2", "-s", size, ip)


@case(number="SIGINT")
@case(number="SIGTERM")
def a_signal_ends_it_under_load(number: str):
    with study_case(workers=2) as lab:
        balancer = lab.start_balancer()
        for each in lab.configuration.boxes:
            lab.start_box(each)
        lab.start_core([("VM_1", 500)] * 1000, 100)
        time.sleep(1)
        began = time.monotonic()
        status = balancer.stop(getattr(signal, number), limit_s=5)
        check(status == 0, f"exit status {status}\n{balancer.tail()}")
        check(time.monotonic() - began < 5, "it took more than 5 s")
        check(not lab.configuration.socket.exists(), "the admin socket is left behind")


@case
def it_starts_again_on_the_same_device():
    with study_case() as lab:
        for _ in range(3):
            balancer = lab.start_balancer()
            check(balancer.stop() == 0, balancer.tail())


@case(alone=True)  # another start would remove it first
def no_folder_of_dpdk_is_left_behind():
    """Neither by an end nor, once another one starts, by a crash."""
    folders = [Path("/var/run/dpdk") / f"linehunt-e2e-{os.getpid()}-{number}" for number in range(2)]
    with study_case() as lab:
        lab.configuration.runtime["file_prefix"] = folders[0].name
        balancer = lab.start_balancer()
        check(folders[0].exists(), f"no {folders[0]}; does this case know where it is?")
        balancer.stop(signal.SIGKILL)
        check(folders[0].exists(), "it went with the crash; is this case of any use?")
        lab.configuration.runtime["file_prefix"] = folders[1].name
        balancer = lab.start_balancer()
        check(not folders[0].exists(), f"{folders[0]} stays after a crash")
        check(balancer.stop() == 0, balancer.tail())
        check(not folders[1].exists(), f"{folders[1]} stays after the end: "
              f"{[each.name for each in folders[1].glob('*')]}")


@case(alone=True, workers=1)
@case(alone=True, workers=2)
def admin_commands_while_calls_go_on(workers: int):
    with study_case(workers=workers) as lab:
        balancer = lab.start_balancer()
        for number in lab.configuration.boxes:
            lab.start_box(number)
        core = lab.start_core([("VM_1", 300), ("4930", 300)] * 200, 100)
        time.sleep(0.5)
        rounds = 0
        while core.running():
            check(balancer.control("status", "3", "disable")[0] == 0, "status disable was refused")
            check(balancer.ask("status", "3")["enable"] == "no", "box 3 is not disabled")
            check(balancer.control("resize", "2", "vm", str(90 + rounds % 20))[0] == 0,
                  "resize was refused")
            check(balancer.control("status", "3", "enable")[0] == 0, "status enable was refused")
            check(balancer.control("stats")[0] == 0, "stats was refused")
            check(balancer.control("resize", "2", "fax", "5")[0] == 1, "an unknown resource passed")
            check(balancer.control("status", "99")[0] == 1, "an unknown destination passed")
            rounds += 1
        check(rounds > 3, "the calls were over too soon")
        check(core.wait(5) == 0, f"{core.counts()}\n{diagnosis(lab)}")
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
        entries = {entry["id"]: entry for entry in balancer.ask("list")["Destinations"]}
        capacity = next(each["max"] for each in entries[2]["Resources"] if each["name"] == "vm")
        check(capacity == 90 + (rounds - 1) % 20, f"capacity {capacity} after {rounds} rounds")


@case
def a_disabled_box_gets_no_new_call():
    with study_case(boxes={1: {"vm": 50}, 2: {"vm": 50}}) as lab:
        balancer = lab.start_balancer()
        for number in lab.configuration.boxes:
            lab.start_box(number)
        check(balancer.control("status", "1", "disable")[0] == 0, "status was refused")
        for capacity in ("40", "40"):
            check(balancer.control("resize", "2", "vm", capacity)[0] == 0, "resize was refused")
        told = [line for line in balancer.tail().splitlines() if "by an operator" in line]
        check(len(told) == 2 and "destination 1 " in told[0] and "disabled" in told[0]
              and "destination 2 " in told[1] and "40 calls of vm, 50 before" in told[1],
              f"the log does not say once what an operator has changed: {told}")
        core = lab.start_core([("VM_1", 50)] * 40, 100)
        check(core.wait(15) == 0, f"{core.counts()}\n{diagnosis(lab)}")
        for box in lab.boxes.values():
            box.stop()
        taken = {number: lab.calls_taken(number) for number in lab.boxes}
        check(taken == {1: 0, 2: 40}, f"calls by box: {taken}")


@case
def a_reload_takes_all_or_nothing_and_calls_go_on():
    with study_case(boxes={1: {"vm": 50}, 2: {"vm": 60}}) as lab:
        balancer = lab.start_balancer()
        for number in lab.configuration.boxes:
            lab.start_box(number)
        core = lab.start_core([("VM_1", 2000)] * 40, 20)
        time.sleep(1)
        file = lab.configuration.file
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("vm=60", "vm=-1"), encoding="utf-8")
        status, _, error = balancer.control("reload")
        check(status == 1 and "-1" in error, f"a wrong file: exit status {status}, {error}")
        file.write_text(text.replace("vm=60", "vm=70"), encoding="utf-8")
        check(balancer.control("reload")[0] == 0, "a right file was refused")
        entries = {entry["id"]: entry for entry in balancer.ask("list")["Destinations"]}
        resource = entries[2]["Resources"][0]
        check(resource["max"] == 70, f"after the reload: {resource}")
        check(resource["load"] > 0, "the loads were lost")
        check(core.wait(20) == 0, f"{core.counts()}\n{diagnosis(lab)}")
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")


@case
def a_reload_that_moves_a_disabled_box_tells_that_it_is_enabled():
    with study_case(boxes={1: {"vm": 50}, 2: {"vm": 60}}) as lab:
        balancer = lab.start_balancer()
        file = lab.configuration.file
        with events_of(lab) as events:
            check(balancer.control("status", "2", "disable")[0] == 0, "status was refused")
            text = file.read_text(encoding="utf-8")
            file.write_text(text.replace("sip:10.77.0.22:5060", "sip:10.77.0.29:5060"),
                            encoding="utf-8")
            check(balancer.control("reload")[0] == 0, "a reload was refused")
            deadline = time.monotonic() + 5
            while len(told := events.all("E_LOAD_BALANCER_STATUS")) < 2:
                check(time.monotonic() < deadline, f"told: {told}")
                time.sleep(0.05)
        got = [(each["destination_id"], each["status"], each["cause"]) for each in told]
        check(got == [(2, "disabled", "admin"), (2, "enabled", "reload")], f"told: {got}")


@case
def a_reload_changes_rules_and_refuses_what_needs_a_restart():
    with study_case(boxes={1: {"vm": 5}}, limits={}) as lab:
        balancer = lab.start_balancer()
        lab.start_box(1)
        file = lab.configuration.file
        whole = file.read_text(encoding="utf-8")
        text = re.sub(r"\ncores = .*", "", whole)
        for before, after, named in (("workers = 1", "workers = 2", "[runtime] workers"),
                                     ('"access"', '"other"', "[[port]]"),
                                     ("[runtime]", "[limits]\nparked = 5\n[runtime]", "[limits]")):
            check(before in text, f"the configuration has no '{before}' to change")
            file.write_text(text.replace(before, after), encoding="utf-8")
            status, _, error = balancer.control("reload")
            check(status == 1 and f"{named} cannot change while linehunt runs" in error,
                  f"{named}: exit status {status}, {error}")
        rule = '[[rule]]\nname = "closed"\nmatch = { user = "^VM_" }\nreply = "480 Closed today"\n\n'
        file.write_text(whole.replace("[[rule]]", rule + "[[rule]]", 1), encoding="utf-8")
        check(balancer.control("reload")[0] == 0, "a new rule was refused")
        core = lab.start_core([("VM_1", 10)], 10)
        check(core.wait(10) != 0, "the call was taken against the new rule")
        check("480 Closed today" in core.errors.read_text(errors="replace"), core.complaints())


@case
def a_failover_is_told_with_the_box_that_failed():
    with study_case(boxes={1: {"vm": 50}, 2: {"vm": 10}}) as lab:
        balancer = lab.start_balancer()
        lab.start_box(1, write(lab.folder / "refuse.xml", "refuse", [
            recv_invite(), reply_invite(503, "Broken"), recv("ACK"), wait_for_repeats()]))
        lab.start_box(2)
        with events_of(lab) as events:
            core = lab.start_core([("VM_1", 50)], 10)
            check(core.wait(15) == 0, f"{core.counts()}\n{diagnosis(lab)}")
            failover = events.first("E_LINEHUNT_FAILOVER")
            status = events.first("E_LOAD_BALANCER_STATUS")
        check(failover["calls"] == 1 and [each["destination_id"] for each in failover["from"]] == [1],
              f"{failover}")
        check((status["destination_id"], status["cause"]) == (1, "failover 503"), f"{status}")
        check(balancer.statistics()["load_balancer:failovers"] == 1, "failovers")


# Its count begins anew, so the count that was told before must be forgotten.
@case
def a_failover_is_told_of_a_box_that_was_taken_out_and_is_back():
    rules = STUDY_CASE_RULES.replace(", disable = true", "")
    with study_case(boxes={1: {"vm": 50}, 2: {"vm": 10}}, rules=rules) as lab:
        balancer = lab.start_balancer()
        lab.start_box(1, write(lab.folder / "refuse.xml", "refuse", [
            recv_invite(), reply_invite(503, "Broken"), recv("ACK"), wait_for_repeats()]))
        lab.start_box(2)
        file = lab.configuration.file
        whole = file.read_text(encoding="utf-8")
        without = re.sub(r"\[\[destination\]\]\nid = 1\n(?:\w.*\n)+", "", whole)
        check(without != whole, "the configuration has no box 1 to take out")
        with events_of(lab) as events:
            for times in (1, 2):
                core = lab.start_core([("VM_1", 50)], 10)
                check(core.wait(15) == 0, f"{core.counts()}\n{diagnosis(lab)}")
                deadline = time.monotonic() + 20
                while len(told := events.all("E_LINEHUNT_FAILOVER")) < times:
                    check(time.monotonic() < deadline, f"failover {times} is not told: {told}")
                    time.sleep(0.1)
                check([(each["destination_id"], each["calls"]) for each in told[-1]["from"]] ==
                      [(1, 1)], f"{told}")
                for text in (without, whole):
                    file.write_text(text, encoding="utf-8")
                    check(balancer.control("reload")[0] == 0, "a reload was refused")


@case(workers=2)
def a_box_that_asks_for_a_pause_is_shown_with_it(workers: int):
    rules = STUDY_CASE_RULES.replace(", disable = true", "")
    with study_case(boxes={1: {"vm": 50}, 2: {"vm": 10}}, workers=workers, rules=rules) as lab:
        balancer = lab.start_balancer()
        lab.start_box(1, write(lab.folder / "busy.xml", "busy", [
            recv_invite(), reply_invite(503, "Busy", "Retry-After: 3"), recv("ACK"),
            wait_for_repeats()]))
        lab.start_box(2)
        with events_of(lab) as events:
            core = lab.start_core([("VM_1", 50)], 10)
            check(core.wait(15) == 0, f"{core.counts()}\n{diagnosis(lab)}")
            first = events.first("E_LOAD_BALANCER_STATUS")
            boxes = {entry["id"]: entry for entry in balancer.ask("list")["Destinations"]}
            check(boxes[1]["enabled"] == "yes" and 1 <= boxes[1]["paused"] <= 3, f"{boxes[1]}")
            check("paused" not in boxes[2], f"{boxes[2]}")
            deadline = time.monotonic() + 20
            while len(told := events.all("E_LOAD_BALANCER_STATUS")) < 2:
                check(time.monotonic() < deadline, f"its end is not told: {told}")
                time.sleep(0.1)
        check((first["destination_id"], first["status"], first["cause"]) ==
              (1, "paused", "Retry-After 3"), f"{first}")
        check((told[1]["destination_id"], told[1]["status"]) == (1, "enabled"), f"{told}")
        check("paused" not in balancer.ask("list")["Destinations"][0], "it pauses still")


@case
def a_call_without_room_is_told_with_what_it_needed():
    with study_case(boxes={1: {"vm": 0, "pstn": 5}}) as lab:
        lab.start_balancer()
        lab.start_box(1)
        with events_of(lab) as events:
            core = lab.start_core([("VM_1", 10)], 10)
            check(core.wait(15) != 0, "the call was taken, though there is no line for it")
            told = events.first("E_LINEHUNT_CAPACITY")
        check(told["for"] == [{"group": 1, "resources": ["vm"], "calls": told["calls"]}], f"{told}")


@case(workers=2)
@case(workers=4)
def calls_without_room_are_all_told_whoever_has_the_lines(workers: int):
    """A worker without a line of its own asks the others, and says no later."""
    lines, calls = 10, 40
    with study_case(boxes={1: {"vm": lines, "pstn": 5}}, workers=workers) as lab:
        balancer = lab.start_balancer()
        lab.start_box(1)
        with events_of(lab) as events:
            core = lab.start_core([("VM_1", 6000)] * calls, 20)
            core.wait(30)
            check(core.counts().successful == lines, f"{core.counts()}\n{diagnosis(lab)}")
            deadline = time.monotonic() + 20
            while (told := sum(each["calls"] for each in events.all("E_LINEHUNT_CAPACITY"))) \
                    < calls - lines:
                check(time.monotonic() < deadline, f"{told} of {calls - lines} are told")
                time.sleep(0.1)
        check(told == calls - lines, f"{told} are told, {calls - lines} were refused")
        check(balancer.wait_idle(10), f"loads remain: {balancer.loads()}")

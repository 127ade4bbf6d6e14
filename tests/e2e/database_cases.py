# SPDX-License-Identifier: Apache-2.0
"""Destinations in a database: one scenario against each kind, with calls going on all the time."""

import bisect
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from cases import case, check
from databases import KINDS
from event_follower import events_of
from lab.balancer import CONTROL
from lab.configuration import FIRST_BOX, uri
from lab.sipp import SCENARIOS
from lab_setups import diagnosis, study_case

MORE = """
[database]
url = "URL"
copy = "COPY"
timeout_s = 2
retry_s = 2
[probing]
interval_s = 1
timeout_ms = 300
"""
CALLS = 600  # in 33 s, which is longer than all that happens to them
PLAIN_ANSWER = (SCENARIOS / "answer.xml").read_text(encoding="utf-8")


def answer_probes(folder: Path) -> Path:
    """The scenario of a box that takes calls, and says 200 to OPTIONS."""
    text = PLAIN_ANSWER.replace(
        '  <recv request="INVITE"',
        '  <recv request="OPTIONS" optional="true" next="probed"/>\n  <recv request="INVITE"', 1)
    end = text.rindex("  <send>")
    text = text[:end] + text[end:].replace("<send>", '<send next="over">', 1)
    text = text.replace('  <timewait milliseconds="500"/>\n', """  <label id="probed"/>
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[pid]s[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
  <label id="over"/>
  <timewait milliseconds="500"/>
""", 1)
    file = folder / "answer_probes.xml"
    file.write_text(text, encoding="utf-8")
    return file


def entries(balancer) -> dict:
    return {entry["id"]: entry for entry in balancer.ask("list")["Destinations"]}


def capacity(balancer, number: int, name: str = "vm") -> int:
    return next(each["max"] for each in entries(balancer)[number]["Resources"]
                if each["name"] == name)


def wait_for(holds, what: str, limit_s: float = 30) -> None:
    deadline = time.monotonic() + limit_s
    while not holds():
        check(time.monotonic() < deadline, f"not after {limit_s:.0f} s: {what}")
        time.sleep(0.05)


def reload_is_refused(balancer, *named: str) -> None:
    before = balancer.ask("list")
    status, _, error = balancer.control("reload")
    check(status == 1, f"a reload that must fail ended with {status}")
    for word in named:
        check(word in error, f"the error does not name '{word}': {error}")
    for entry in before["Destinations"] + (after := balancer.ask("list"))["Destinations"]:
        for each in entry["Resources"]:
            del each["load"]  # calls come and go
    check(before == after, f"the refused reload has changed {before} to {after}")


def destinations_live_in_a_database(kind: str) -> None:
    boxes = {1: {"vm": 50}, 2: {"vm": 10}}  # as they are first provisioned
    with study_case(boxes=boxes, boxes_in_file=False, workers=2) as lab:
        with KINDS[kind](lab.device) as database:
            lab.configuration.more = MORE.replace("URL", database.url).replace(
                "COPY", str(lab.folder / "copy.json"))
            live_with(database, lab)


def live_with(database, lab) -> None:
    # In the wrong order; linehunt shall list them by id.
    database.insert(2, uri(FIRST_BOX + 2), "vm=10", probe_mode=2)
    database.insert(1, uri(FIRST_BOX + 1), "vm=50; conf=3;")
    for number in lab.box_hosts:  # before anybody probes them
        lab.start_box(number, answer_probes(lab.folder))
    balancer = lab.start_balancer()
    with events_of(lab) as events:
        change_everything(database, lab, balancer)
        start_without_it(database, lab)
        events.end()
        causes = [told["cause"] for told in events.all("E_LOAD_BALANCER_STATUS")
                  if told["uri"] == uri(FIRST_BOX + 2)]
    check(causes == ["probe timeout", "probe 200", "admin"], f"causes of status changes: {causes}")


def change_everything(database, lab, balancer) -> None:
    """Rows, boxes, the admin's words and the database itself, with calls going on."""
    core = lab.start_core([("VM_1", 1500)] * CALLS, 18)

    listed = balancer.ask("list")["Destinations"]
    check([entry["id"] for entry in listed] == [1, 2], f"listed: {listed}")
    check((listed[0]["uri"], listed[0]["attrs"]) == (uri(FIRST_BOX + 1), "row 1"), str(listed[0]))
    check([each["name"] for each in listed[0]["Resources"]] == ["vm", "conf"], str(listed[0]))

    # Resized by an admin, until the database says something new.
    check(balancer.control("resize", "1", "vm", "44")[0] == 0, "resize was refused")
    check(balancer.control("reload")[0] == 0, "a reload was refused")
    check(capacity(balancer, 1) == 44, "the reload took a resized capacity back")
    database.update(1, resources="vm=48", attrs="moved")
    check(balancer.control("reload")[0] == 0, "a reload was refused")
    check(capacity(balancer, 1) == 48, "the database's new capacity does not count")
    check(entries(balancer)[1]["attrs"] == "moved", "attrs were not read again")
    wait_for(lambda: balancer.loads()[1]["vm"] > 10, "calls on destination 1")

    # A box that says nothing is disabled by probes, and comes back by them.
    lab.boxes[2].process.send_signal(signal.SIGSTOP)
    wait_for(lambda: entries(balancer)[2]["enabled"] == "no", "the silent box is disabled")
    check(entries(balancer)[2]["auto-reenable"] == "on", "it would not come back")
    lab.boxes[2].process.send_signal(signal.SIGCONT)
    wait_for(lambda: entries(balancer)[2]["enabled"] == "yes", "the box is back")

    # What an admin disables stays so, whatever probes say and over a reload.
    check(balancer.control("status", "2", "disable")[0] == 0, "status was refused")
    check(balancer.control("reload")[0] == 0, "a reload was refused")
    disabled_at = time.monotonic()

    # Wrong rows change nothing.
    database.update(2, dst_uri="sip:10.77.0.22:port")
    reload_is_refused(balancer, "row 2", "port")
    database.update(2, dst_uri=uri(FIRST_BOX + 2), resources="vm=-4")
    reload_is_refused(balancer, "row 2", "-4")
    database.update(2, resources="vm=10", probe_mode=7)
    reload_is_refused(balancer, "row 2", "probe_mode is '7'")
    database.update(2, probe_mode=2)

    # It hangs: two who reload are told so, and everybody else is answered meanwhile.
    database.hang()
    words = [str(CONTROL), "--socket", str(lab.configuration.socket)]
    reloads = [subprocess.Popen([*words, "reload"], stdin=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True) for _ in range(2)]
    listed_meanwhile = 0
    while any(each.poll() is None for each in reloads):
        balancer.ask("list")
        listed_meanwhile += 1
    for each in reloads:
        error = each.stderr.read()
        check(each.wait() == 1 and "database" in error, f"a reload of a hung database: {error}")
    check(listed_meanwhile > 10, f"only {listed_meanwhile} lists while the database hung")
    database.go_on()

    # The database dies: nothing changes, and a reload says so.
    check(core.running(), "the calls were over too soon")
    database.kill()
    reload_is_refused(balancer, "cannot be read", database.url.split("@")[-1].split("//")[-1])
    check("secret" not in balancer.tail(100), "the log holds a password")
    database.start()
    database.update(1, resources="vm=46")
    check(balancer.control("reload")[0] == 0, "a reload from the new server was refused")
    check(capacity(balancer, 1) == 46, "the new server was not asked")
    time.sleep(max(0.0, disabled_at + 1.5 - time.monotonic()))  # an interval and an answer
    check(entries(balancer)[2]["enabled"] == "no", "a probe enabled what an admin disabled")

    check(core.wait(60) == 0, f"{core.counts()}\n{diagnosis(lab)}")
    check(core.counts().successful == CALLS, str(core.counts()))
    check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")


def start_without_it(database, lab) -> None:
    """The last good copy serves until the database is there."""
    database.update(1, resources="vm=45")  # now, since it may be read as soon as it is back
    database.kill()
    check(lab.balancer.stop() == 0, lab.balancer.tail())
    balancer = lab.start_balancer()
    check(capacity(balancer, 1) == 46, f"not from the copy: {balancer.ask('list')}")
    check("serving with the copy" in balancer.tail(100), balancer.tail(100))
    core = lab.start_core([("VM_1", 100)] * 5, 50, name="core2")
    check(core.wait(15) == 0, f"{core.counts()}\n{diagnosis(lab)}")
    database.start()
    try:
        wait_for(lambda: capacity(balancer, 1) == 45, "the database is read when it is back")
    except AssertionError as failure:
        raise AssertionError(f"{failure}\n{balancer.tail(30)}") from None
    check(balancer.stop() == 0, balancer.tail())


for kind in KINDS:
    case(kind=kind, quick=kind == "SQLite", group="databases")(destinations_live_in_a_database)


@case(in_file=True)
@case(in_file=False)
def a_damaged_copy_is_said_and_ignored(in_file: bool):
    """With what the file has a start goes well, and be it nothing."""
    with study_case(boxes={1: {"vm": 5}}, boxes_in_file=in_file) as lab:
        copy = lab.folder / "copy.json"
        copy.write_text('{"linehunt_copy": 1, "rows": [', encoding="utf-8")
        lab.configuration.more = MORE.replace("URL", "mysql://u@127.0.0.1:1/none").replace(
            "COPY", str(copy))
        balancer = lab.start_balancer()
        check(list(entries(balancer)) == ([1] if in_file else []), str(balancer.ask("list")))
        check("damaged" in balancer.tail(100), balancer.tail(100))


@case
def a_start_goes_without_a_row_that_has_no_number():
    with study_case(boxes={1: {"vm": 5}}, boxes_in_file=False) as lab:
        with KINDS["SQLite"](lab.device) as database:
            for number in (1, 2):
                database.insert(number, uri(FIRST_BOX + number), "vm=5")
            database.update(1, group_id="first")  # SQLite takes it
            lab.configuration.more = MORE.replace("URL", database.url).replace(
                "COPY", str(lab.folder / "copy.json"))
            balancer = lab.start_balancer()
            check(list(entries(balancer)) == [2], str(balancer.ask("list")))
            check("row 1: group_id is 'first'" in balancer.tail(100), balancer.tail(100))
            reload_is_refused(balancer, "row 1", "group_id is 'first'")
            database.update(1, group_id=1)
            check(balancer.control("reload")[0] == 0, "a reload of mended rows was refused")
            check(list(entries(balancer)) == [1, 2], str(balancer.ask("list")))


@case
def a_table_that_has_lost_its_rows_is_refused_until_that_is_meant():
    with study_case(boxes={1: {"vm": 5}}, boxes_in_file=False) as lab:
        with KINDS["SQLite"](lab.device) as database:
            database.insert(1, uri(FIRST_BOX + 1), "vm=5")
            copy = lab.folder / "copy.json"
            lab.configuration.more = MORE.replace("URL", database.url).replace("COPY", str(copy))
            balancer = lab.start_balancer()
            check("destinations added 1" in balancer.tail(100), balancer.tail(100))
            wait_for(copy.exists, "the copy is there")
            database.execute("delete from load_balancer")
            reload_is_refused(balancer, "has no rows", "1 destinations of it", str(copy))
            check(balancer.stop() == 0, balancer.tail())
            balancer = lab.start_balancer()
            check(list(entries(balancer)) == [1], f"not from the copy: {balancer.ask('list')}")
            check(balancer.stop() == 0, balancer.tail())
            copy.unlink()
            balancer = lab.start_balancer()
            check(not entries(balancer), str(balancer.ask("list")))
            check(balancer.control("reload")[0] == 0, "a reload without rows was refused")


@case(quick=False, alone=True)
def ten_thousand_rows_are_probed_without_a_burst():
    """One box stands in for all of them. Each is probed once in an interval."""
    rows, interval_s, seconds = 10_000, 5, 13
    with study_case(boxes={1: {"vm": 1}}, boxes_in_file=False, workers=2) as lab:
        with KINDS["SQLite"](lab.device) as database:
            database.execute(f"""with recursive n(i) as (select 1 union all select i + 1 from n where
                i < {rows}) insert into load_balancer (id, group_id, dst_uri, resources, probe_mode)
                select i, 1, '{uri(FIRST_BOX + 1)}', 'vm=1', 2 from n""")
            probing = MORE.replace("interval_s = 1", f"interval_s = {interval_s}").replace(
                "timeout_ms = 300", "timeout_ms = 5000")
            lab.configuration.limits = {"destinations": rows, "slots": rows}
            lab.configuration.more = probing.replace("URL", database.url).replace("COPY", "")
            with open(lab.folder / "probes", "wb") as output:
                responder = subprocess.Popen(
                    [*lab.box_hosts[1].prefix(), sys.executable, "-B",
                     str(Path(__file__).with_name("probe_responder.py")), lab.box_hosts[1].ip,
                     str(seconds)], stdin=subprocess.DEVNULL, stdout=output)
            balancer = lab.start_balancer()
            began = time.monotonic()
            check(balancer.control("reload")[0] == 0, "a reload was refused")
            reload_s = time.monotonic() - began
            check(responder.wait(seconds + 20) == 0, "the responder failed")
            times = json.loads((lab.folder / "probes").read_text(encoding="ascii"))
            check(len(times) >= rows, f"only {len(times)} probes of {rows} destinations")
            # In any second the share of a second; twice that, since the machine is not ours alone.
            most = max(bisect.bisect_right(times, at + 1) - number for number, at in enumerate(times))
            stats = balancer.ask("stats")
            disabled = stats["load_balancer:destinations_disabled"]
            pause_us = max(value for name, value in stats.items()
                           if name.endswith("longest_adopt_us"))
            print(f"    {len(times)} probes, {most} at most in a second of {rows // interval_s} on "
                  f"average; a reload took {reload_s:.2f} s and a worker {pause_us} us", flush=True)
            check(most < 2 * rows / interval_s, f"{most} probes in one second")
            check(disabled == 0, f"{disabled} destinations are disabled")


def resident_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError(f"process {pid} has no VmRSS")


@case(quick=False, alone=True)
def a_hundred_reloads_in_ten_seconds_under_load():
    """Destinations come, go and change, and so do rules and timers; no call and no count is lost."""
    reloads = 100
    with study_case(boxes={1: {"vm": 300}, 2: {"vm": 200}, 3: {"vm": 100}}, workers=2) as lab:
        balancer = lab.start_balancer()
        for number in lab.configuration.boxes:
            lab.start_box(number)
        rate, hold_ms = 60, 700
        core = lab.start_core([("VM_1", hold_ms)] * (rate * 14), rate)
        wait_for(lambda: sum(each["vm"] for each in balancer.loads().values()) > 20, "calls")
        text = lab.configuration.file.read_text(encoding="utf-8")
        without_3 = text[:text.index("[[destination]]\nid = 3")] + text[text.index("\n[[rule]]"):]
        texts = [text.replace("vm=300", "vm=310") + "\n[timers]\nfr_timeout_ms = 4000\n",
                 without_3.replace('"^VM_"', '"^VM_[0-9]+$"'), text]
        memory, began = [], time.monotonic()
        for number in range(reloads):
            lab.configuration.file.write_text(texts[number % len(texts)], encoding="utf-8")
            check(balancer.control("reload")[0] == 0, f"reload {number} was refused")
            memory.append(resident_kib(balancer.process.pid))
            time.sleep(max(0.0, began + (number + 1) * 0.1 - time.monotonic()))
        took_s = time.monotonic() - began
        check(core.running(), "the calls were over before the reloads")
        check(core.wait(40) == 0, f"{core.counts()}\n{diagnosis(lab)}")
        counts = core.counts()
        check(counts.successful == rate * 14, str(counts))
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
        stats = balancer.ask("stats")
        check(stats["load_balancer:calls_started"] == stats["load_balancer:calls_ended"]
              == rate * 14, json.dumps(stats))
        check(stats["linehunt:generation"] >= reloads, str(stats["linehunt:generation"]))
        pauses = {what: max(value for name, value in stats.items() if name.endswith(what))
                  for what in ("longest_adopt_us", "longest_loop_us")}
        print(f"    {reloads} reloads in {took_s:.1f} s: slowest worker pause "
              f"{pauses['longest_adopt_us']} us for a snapshot, {pauses['longest_loop_us']} us for "
              f"any loop; memory {memory[reloads // 3]} to {memory[-1]} KiB", flush=True)
        check(took_s < 20, f"{reloads} reloads took {took_s:.1f} s")
        growth = memory[-1] - memory[reloads // 3]
        check(growth < 4096, f"memory grew by {growth} KiB: {memory}")

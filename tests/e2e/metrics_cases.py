# SPDX-License-Identifier: Apache-2.0
"""What Prometheus scrapes while calls go on, judged by promtool and against what operators see."""

import re
import shutil
import subprocess
import time
from pathlib import Path

from cases import NotHere, case, check
from lab.balancer import program
from lab_setups import check_not_killed, diagnosis, study_case
from mi_client import http_in

URL = "http://127.0.0.1:8888/metrics"
RULES = Path(__file__).resolve().parents[2] / "tools/grafana/linehunt.rules.yml"
RULES_TEST = Path(__file__).resolve().parent / "alert_rules_test.yml"
SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? ([^ ]+)$')


def scrape(lab) -> tuple:
    """The text, and {(name, frozenset of label pairs): value}."""
    status, text = http_in(lab.device, URL)
    check(status == 200, f"HTTP status {status}: {text}")
    samples = {}
    for line in text.splitlines():
        if line.startswith("#") or not line:
            continue
        found = SAMPLE.match(line)
        check(found, f"no sample: {line}")
        labels = frozenset(re.findall(r'(\w+)="([^"]*)"', found[2] or ""))
        check((found[1], labels) not in samples, f"twice: {line}")
        samples[found[1], labels] = float(found[3])
    return text, samples


def value(samples: dict, name: str, **labels) -> float:
    return samples[name, frozenset((key, str(one)) for key, one in labels.items())]


def loads_in(samples: dict) -> dict:
    loads = {}
    for (name, labels), load in samples.items():
        if name == "linehunt_destination_load":
            pairs = dict(labels)
            loads.setdefault(int(pairs["destination"]), {})[pairs["resource"]] = load
    return loads


@case(workers=2)
def prometheus_scrapes_what_operators_see(workers: int):
    if not shutil.which("promtool"):
        raise NotHere("promtool is missing: tools/install")
    with study_case(workers=workers, boxes={1: {"vm": 50, "pstn": 20}, 2: {"vm": 60}}) as lab:
        balancer = lab.start_balancer()
        for number in lab.configuration.boxes:
            lab.start_box(number)
        core = lab.start_core([("VM_1", 5000), ("4930", 5000)] * 15, 60)
        while sum(sum(loads.values()) for loads in balancer.loads().values()) < 30:
            check(core.running(), f"{core.counts()}\n{diagnosis(lab)}")
            time.sleep(0.05)
        # All 30 calls are up and stay so for a while: nothing moves between the two looks.
        text, samples = scrape(lab)
        check(loads_in(samples) == balancer.loads(), f"{loads_in(samples)}\n{balancer.loads()}")
        for entry in balancer.ask("list")["Destinations"]:
            check(value(samples, "linehunt_destination_enabled", destination=entry["id"]) == 1,
                  "a box is shown as disabled")
            for each in entry["Resources"]:
                shown = value(samples, "linehunt_destination_capacity", destination=entry["id"],
                              resource=each["name"])
                check(shown == each["max"], f"capacity {shown}, not {each['max']}")
        told = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                              text=True, timeout=20)
        check(told.returncode == 0 and not told.stdout and not told.stderr,
              f"promtool: {told.stdout}{told.stderr}")

        check(balancer.control("status", "2", "disable")[0] == 0, "status was refused")
        check(core.wait(20) == 0, f"{core.counts()}\n{diagnosis(lab)}")
        check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
        _, after = scrape(lab)
        check(value(after, "linehunt_destination_enabled", destination=2) == 0, "box 2 is enabled")
        check(value(after, "linehunt_calls_total", outcome="answered") == 30, "calls answered")
        check(value(after, "linehunt_calls_total", outcome="failed") == 0, "calls failed")
        check(value(after, "linehunt_calls_started_total") == 30, "calls started")
        rang = sum(count for (name, _), count in after.items()
                   if name == "linehunt_post_dial_delay_seconds_count")
        check(rang == 30, f"{rang} post-dial delays of 30 calls")
        for number in range(workers):
            busy = value(after, "linehunt_worker_busy_cycles_total", worker=number)
            total = value(after, "linehunt_worker_cycles_total", worker=number)
            check(0 < busy <= total, f"worker {number}: {busy} of {total} cycles")
        received = sum(count for (name, _), count in after.items()
                       if name == "linehunt_worker_received_packets_total")
        verdicts = sum(count for (name, _), count in after.items()
                       if name == "linehunt_verdicts_total")
        check(0 < received and abs(received - verdicts) <= 0.05 * received,
              f"{received} packets, {verdicts} verdicts")
        falling = [key for key, before in samples.items()
                   if key[0].endswith("_total") and after[key] < before]
        check(not falling, f"counters that fell: {falling}")


@case
def promtool_takes_the_alert_rules():
    if not shutil.which("promtool"):
        raise NotHere("promtool is missing: tools/install")
    for words in (["check", "rules", RULES], ["test", "rules", RULES_TEST]):
        told = subprocess.run(["promtool", *words], capture_output=True, text=True)
        check(told.returncode == 0, told.stdout + told.stderr)


@case
def metrics_have_an_address_of_their_own():
    with study_case(boxes={1: {"vm": 5}}, admin={"metrics": "127.0.0.1:9888"}) as lab:
        lab.start_balancer()
        status, text = http_in(lab.device, "http://127.0.0.1:9888/metrics")
        check(status == 200 and "linehunt_port_link_up" in text, f"HTTP status {status}: {text}")
        status, text = http_in(lab.device, "http://127.0.0.1:9888/mi",
                               '{"jsonrpc":"2.0","id":1,"method":"lb_list"}')
        check(status == 404, f"it takes commands as well: {status}, {text}")


@case
def a_second_linehunt_says_that_its_http_port_is_taken():
    with study_case(boxes={1: {"vm": 5}}) as lab:
        lab.start_balancer()
        second = lab.configuration.file.read_text(encoding="utf-8").replace(
            "linehunt.sock", "second.sock")
        file = lab.folder / "second.toml"
        file.write_text(second, encoding="utf-8")
        told = subprocess.run([*lab.device.prefix(), str(program()), "-c", str(file)],
                              capture_output=True, text=True, timeout=20)
        check_not_killed(told)
        check(told.returncode == 1, f"exit status {told.returncode}")
        check("127.0.0.1 port 8888" in told.stderr and "in [admin]" in told.stderr, told.stderr)

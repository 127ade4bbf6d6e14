# SPDX-License-Identifier: Apache-2.0
"""What tools/bench makes of its figures. What it measures is no matter of a test."""

import contextlib
import io
import json
import subprocess
import sys
import tempfile
import xml.dom.minidom
from dataclasses import asdict
from pathlib import Path

from cases import case, check
from measuring import __main__ as bench
from measuring import built, calls, overload, peers, programs, scale, syscalls, trust
from measuring.machine import (PAGES, ROOT, BenchError, Hugepages, Stopwatch, SysctlAtLeast, stop,
                               wait_for)
from measuring.results import Results, compare, figure, table
from measuring.svg import Axis, chart


def result(**values) -> dict:
    """name -> (values of the runs, what is better)"""
    return {"machine": {"processor": "x"},
            "figures": [asdict(figure(name, runs, "/s", better))
                        for name, (runs, better) in values.items()]}


@contextlib.contextmanager
def stubbed(module, **stubs):
    """Names of a module stand for something else meanwhile."""
    before = {name: getattr(module, name) for name in stubs}
    try:
        for name, stub in stubs.items():
            setattr(module, name, stub)
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


@case
def a_comparison_names_what_got_worse():
    old = result(rate=([100, 101, 102], "higher"), time=([50, 51, 52], "lower"),
                 noisy=([90, 100, 110], "higher"), plain=([1], ""), gone=([1], "higher"))
    new = result(rate=([80, 81, 82], "higher"), time=([40, 41, 42], "lower"),
                 noisy=([85, 88, 95], "higher"), plain=([9], ""))
    lines, worse = compare(old, new)
    check(worse == 2, f"{worse} worse or gone: {lines}")
    check([line.split()[:2] for line in lines] ==
          [["WORSE", "rate"], ["better", "time"], ["GONE", "gone"]], f"{lines}")
    check(compare(old, old) == (["nothing changed by more than noise"], 0), "with itself")


@case
def a_comparison_takes_a_figure_of_one_run_for_less():
    old = result(once=([100], "higher"), none=([0], "lower"))
    check(compare(old, result(once=([90], "higher"), none=([0], "lower")))[1] == 0, "10 % of one run")
    check(compare(old, result(once=([80], "higher"), none=([0], "lower")))[1] == 1, "20 % of one run")
    lines, worse = compare(old, result(once=([100], "higher"), none=([1], "lower")))
    check(worse == 1 and "none" in lines[0], f"one where there was none: {lines}")


@case
def a_comparison_fails_where_figures_are_gone_or_failed():
    old = result(**{"calls: rate": ([100], "higher"), "scale: rate": ([100], "higher")})
    part = result(**{"calls: rate": ([100], "higher")})
    check(compare(old, part)[1] == 1, "what a result from before `asked` lacks is not gone")
    check(compare(old, {**part, "asked": ["calls"]})[1] == 0, "what nobody asked for is gone")
    check(compare(old, {**part, "asked": ["calls", "scale"]})[1] == 1, "what was asked for is not")
    for failed in (["calls"], {"calls": "no rate passed"}):
        lines, bad = compare(part, {**part, "failed": failed})
        check(bad == 1 and lines == ["FAILED calls"], f"{lines}")
    lines, bad = compare({**old, "quick": True}, {**old, "quick": False})
    check(bad == 0 and "only the old result is of --quick" in lines[0], f"{lines}")


@case
def only_a_release_build_by_a_profile_and_without_sanitizers_is_measured():
    good = {"buildtype": "release", "b_sanitize": "none", "optimization": "3", "prefix": "/usr",
            "profile": "/x/1.profdata"}
    check(built.checked(good) == {"buildtype": "release", "b_sanitize": "none", "optimization": "3"},
          f"{built.checked(good)}")
    check(built.checked({**good, "b_sanitize": []})["b_sanitize"] == "none", "newer meson")
    for name, value in (("buildtype", "debug"), ("b_sanitize", "address,undefined"),
                        ("b_sanitize", ["address"])):
        try:
            built.checked({**good, name: value})
            check(False, f"{name}={value} was taken")
        except BenchError as failure:
            check(f"-D{name}={good[name]}" in str(failure), str(failure))
    for without in ({**good, "profile": ""}, {"buildtype": "release"}):
        try:
            built.checked(without)
            check(False, "a build without a profile was taken")
        except BenchError as failure:
            check("profile" in str(failure), str(failure))


@case
def what_one_benchmark_raises_does_not_end_the_others():
    def raising(what):
        def run(*_):
            raise what
        return run

    def good(results, *_):
        results.add(figure("syscalls: messages", [1], ""))

    broken = {bench.overload: IndexError("no step"), bench.scale: OSError("no room"),
              bench.peers: BenchError("no veth")}
    names = ["overload", "scale", "peers", "syscalls"]
    with contextlib.ExitStack() as stubs, tempfile.TemporaryDirectory() as name:
        for module, what in broken.items():
            stubs.enter_context(stubbed(module, run=raising(what)))
        stubs.enter_context(stubbed(bench.syscalls, run=good))
        stubs.enter_context(stubbed(built, described=dict))
        stubs.enter_context(contextlib.redirect_stderr(io.StringIO()))
        stubs.enter_context(contextlib.redirect_stdout(io.StringIO()))
        file = Path(name) / "result.json"
        check(not bench.run(names, True, file, Path(name)), "all is said to be good")
        found = json.loads(file.read_text())
    check(found["failed"] == {"overload": "IndexError: no step", "scale": "OSError: no room",
                              "peers": "no veth"}, f"{found['failed']}")
    check(found["asked"] == names and len(found["figures"]) == 1, f"{found}")


@case
def peers_are_measured_without_kamailio():
    def none():
        raise BenchError("no package")

    found = Results({}, quick=True)
    with stubbed(peers, unpacked_kamailio=none), contextlib.redirect_stderr(io.StringIO()):
        names = [each.name for each in peers.contenders_of(found, True)]
    check(names == ["linehunt af_xdp", "linehunt af_packet"], f"{names}")
    check(found.failed == {"peers: Kamailio": "no package"}, f"{found.failed}")


@case
def a_result_becomes_tables():
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "result.json"
        found = Results({"processor": "x"}, quick=True)
        found.figures = [figure("peers: A, calls", [1, 2000, 3000], "/s"),
                         figure("peers: A, time", [7], "us"), figure("peers: B, calls", [4], "/s"),
                         figure("peers: B, time", [8], "us"), figure("peers: of A, B", [9, 11], "")]
        found.failed = {"scale": "no room"}
        found.write(file)
        told = subprocess.run([ROOT / "tools/bench", "--table", file], capture_output=True, text=True)
        check(told.returncode == 0, told.stderr)
        for line in ("| peers | calls | time |", "| A | 2,000/s (1 to 3,000) | 7 us |", "| B | 4/s | 8 us |",
                     "| of A, B | 10 | 9 to 11 |", "Not measured: scale"):
            check(line in told.stdout.splitlines(), f"no line {line!r} in\n{told.stdout}")


@case
def options_of_bench_that_would_do_nothing_are_refused():
    for words, says in ((("--table", "r.json", "--quick"), "--table FILE only shows"),
                        (("--table", "r.json", "--json", "j.json"), "--table FILE only shows"),
                        (("--table", "r.json", "--charts", "c"), "--table FILE only shows"),
                        (("--compare", "r.json", "--table", "r.json"), "--table FILE only shows"),
                        (("parse", "--table", "r.json"), "--table FILE only shows"),
                        (("--compare", "r.json", "--charts", "c"), "--charts is of what is measured")):
        told = subprocess.run([ROOT / "tools/bench", *words], capture_output=True, text=True)
        check((told.returncode, told.stdout) == (2, "") and says in told.stderr,
              f"{words}: {told.returncode} {told.stdout}{told.stderr}")


@case
def a_space_in_the_folder_of_a_file_is_refused():
    with tempfile.TemporaryDirectory(prefix="linehunt e2e ") as name:
        for file in ("r.json", f"{name}/r.json"):
            told = subprocess.run([ROOT / "tools/bench", "--table", file], cwd=name,
                                  capture_output=True, text=True)
            check(told.returncode == 2 and f"no spaces in file and folder names, please: '{name}/r.json'"
                  in told.stderr, f"{file}: {told.returncode} {told.stderr}")


@case
def charts_are_drawn_within_their_axes():
    with tempfile.TemporaryDirectory() as name:
        for logarithmic in (False, True):
            file = Path(name) / "chart.svg"
            line = [(10.0 ** power, 3.0 * power + 1) for power in range(1, 8)]
            chart(file, "a < b", Axis("calls", logarithmic), Axis("us"), {"one & only": line})
            circles = xml.dom.minidom.parse(str(file)).getElementsByTagName("circle")
            places = [(float(c.getAttribute("cx")), float(c.getAttribute("cy"))) for c in circles]
            check(len(places) == len(line), f"{len(places)} points")
            check(all(92 <= x <= 736 and 56 <= y <= 376 for x, y in places), f"{places}")
            check(places == sorted(places, key=lambda p: (p[0], -p[1])), f"not rising: {places}")


@case
def points_of_steps_that_failed_are_crosses():
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "chart.svg"
        chart(file, "a", Axis("calls"), Axis("us"), {"p50": [(1, 2), (3, 4)], "p99": [(1, 3), (3, 9)]},
              crossed=[3], crossed_name="not without loss")
        drawn = xml.dom.minidom.parse(str(file))
        crosses = [p for p in drawn.getElementsByTagName("path") if p.getAttribute("class") == "cross"]
        check(len(drawn.getElementsByTagName("circle")) == 2, "the others are circles")
        check(len(crosses) == 3, f"{len(crosses)} crosses, one of them in the legend")
        check("not without loss" in file.read_text(), "no legend")


def step(passed: bool, **values) -> dict:
    """As the generator has it, as far as it is quoted."""
    quantiles = {"p50_us": 1.0, "p99_us": 2.0, "p999_us": 3.0, "count": 20_000}
    return {"passed": passed, "rate_from": 1e6, "held": 5, "windows": 10, "disturbed_windows": 1,
            "generator_busy_share": 0.5, "forced": 0,
            "latency": {"all": quantiles, "undisturbed": quantiles},
            "window": {"sent_per_s": 1e6, "calls_begun_per_s": 1e5}, **values}


@case
def a_step_that_lost_something_is_tried_again_and_not_quoted():
    with contextlib.redirect_stdout(io.StringIO()):
        steps = [step(False, calls_lost=3), step(False), step(True)]
        found, spoilt = trust.step_that_passed(lambda: steps.pop(0), "calm")
        check(found["passed"] and not spoilt and not steps, "the third one passed")
        steps = [step(False, calls_lost=3, lost={"ack": 3})] * 4
        found, spoilt = trust.step_that_passed(lambda: steps.pop(0), "calm")
    check(len(steps) == 1, f"tried {4 - len(steps)} times")
    check(spoilt == "calls lost: 3, lost: {'ack': 3}", spoilt)


@case
def a_ceiling_below_what_goes_through_it_is_measured_once_more():
    def ceiling_of(packets: list, **reached) -> float:
        def search():
            return step(True, rate_from=packets[0], window={"sent_per_s": packets.pop(0)})
        with contextlib.redirect_stdout(io.StringIO()):
            return trust.credible_ceiling(search, 500, **reached)["rate_from"]

    check(ceiling_of([900]) == 900 and ceiling_of([400, 800]) == 800, "the second counts")
    check(ceiling_of([900], reached=900) == 900, "a share of 1")
    for packets, reached, tries in (([400, 499, 900], 0, 2), ([900, 1100], 1000, 1)):
        try:
            told = ceiling_of(packets, reached=reached, tries=tries)
            check(False, f"{told} was taken")
        except BenchError:
            check(len(packets) == 1, f"{packets} remain")


@case
def a_peer_below_the_rate_that_its_search_begins_with_is_measured_once_more():
    def found(*rates: float) -> float:
        left = list(rates)
        costs = {"cpu_us": 20.0, "work_us": 10.0, "in_kernel": 0.5}
        found_step = step(True, window={"calls_begun_per_s": 1, "sent_per_s": 7},
                          generator_busy_share=0.5, post_dial_delay={})
        with stubbed(peers, search=lambda *_: {**found_step, "rate_from": left.pop(0)},
                     at_ease=lambda *words: tried.append(words[2]) or found_step,
                     costs=lambda _: costs), contextlib.redirect_stdout(io.StringIO()):
            peers.measure(peers.Contender("A", None), None, 1, 200)
        return tried[-1]

    tried = []
    check(found(250) == 200 and found(192, 30_000) == 24_000, f"80 % of what counts: {tried}")
    try:
        told = found(192, 180, 9000)
    except BenchError as error:
        told = str(error)
    check("180 calls a second at most, below 200" in f"{told}", told)


@case
def a_ceiling_that_is_hardly_higher_is_measured_once_more():
    packets = [600e3, 3e6]

    def ceiling(*_):
        return step(True, rate_from=packets[0], window={"sent_per_s": packets.pop(0)})
    patched = {"ceiling": ceiling, "twin": lambda *_: step(True),
               "one_worker": lambda *_: {"best": step(True, window={"sent_per_s": 590e3})}}
    with stubbed(calls, **patched), contextlib.redirect_stdout(io.StringIO()):
        share = calls.one_run(None, 1)["share"]
    check(not packets and abs(share - 590e3 / 3e6) < 1e-9, f"share {share}, {packets} remain")


@case
def latencies_of_a_step_that_failed_are_left_out():
    def told_by(calm: dict, same: dict) -> Results:
        patched = {"ceiling": lambda *_: step(True, window={"sent_per_s": 4e6}),
                   "twin": lambda *_: same,
                   "one_worker": lambda *_: {"best": step(True), "calm": calm,
                                             "calm spoilt by": trust.spoilt_by(calm)}}
        found = Results({}, quick=True)
        with stubbed(calls, **patched), contextlib.redirect_stdout(io.StringIO()), \
                contextlib.redirect_stderr(io.StringIO()):
            calls.run(found, True)
        return found

    good = told_by(step(True), step(True))
    check(not good.failed and len(good.figures) == 14, f"{good.failed}, {len(good.figures)} figures")
    bad = told_by(step(False, late=2), step(False, calls_lost=1))
    names = [each.name for each in bad.figures]
    check(set(bad.failed) == {"calls: latency at 80 %", "calls: latency of 5tswap at 80 %"},
          f"{bad.failed}")
    check(len(names) == 6 and not any("latency" in name for name in names), f"{names}")


@case
def a_tail_that_is_unknown_is_not_quoted():
    known = {"latency": {"undisturbed": {"p99_us": 2.0, "p999_us": 3.0, "count": 20_000}}}
    unknown = {"latency": {"undisturbed": {"p99_us": 2.0, "p999_us": None, "count": 20_000}}}
    check(calls.undisturbed([known, unknown], "p99_us") == [2, 2], "p99 is known")
    check(calls.undisturbed([known, unknown], "p999_us") == [], "of one step it is not known")
    check(calls.undisturbed([known, {"latency": {}}], "p999_us") == [3], "one nobody watched")


@contextlib.contextmanager
def generator_that_tells(result: dict, status: int = 0):
    """(folder) In the place of the generator is a script that writes this result."""
    with tempfile.TemporaryDirectory() as name:
        script = Path(name) / "pktgen"
        script.write_text('#!/bin/sh\nwhile [ "$1" != --json ]; do shift; done\n'
                          f"echo '{json.dumps(result)}' > \"$2\"\nexit {status}\n")
        script.chmod(0o755)
        with stubbed(programs, PKTGEN=script, processors=lambda: (0, 0)):
            yield programs.Folder(Path(name))


@case
def what_was_measured_with_too_few_calls_held_is_no_result():
    for held, status in ((100, 0), (99, 1), (98, 0)):
        told = {"held_wanted": 100, "steps": [{"held": 100}, {"held": held}]}
        with generator_that_tells(told, status) as folder:
            try:
                found = programs.generate(folder, "", programs.Cast(), [])
                check(held >= 99 and found["went_through"] == (status == 0), f"{held}: {found}")
            except BenchError as failure:
                check(held == 98 and "98 calls were held, where 100 should be" in str(failure), str(failure))


@case
def what_a_busy_generator_may_have_limited_is_marked():
    for share in (0.95, 0.96):
        best = step(True, generator_busy_share=share)
        found = Results({}, quick=True)
        with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(io.StringIO()) as told, \
                stubbed(scale, search=lambda *_, **__: (best, 100), memory_free_mb=lambda: 0):
            scale.run(found, True, Path(name))
        marked = {each.name for each in found.figures if each.bound}
        rates = {each.name for each in found.figures
                 if any(word in each.name for word in ("messages", "time for", "throughput"))}
        check(len(rates) == 10 and marked == (rates if share > 0.95 else set()), f"{share}: {marked}")
        busy = [each.value for each in found.figures if each.name.endswith("generator busy")]
        check(busy == [share] * 6, f"{busy}")
        check(told.getvalue().count("a bound") == len(marked), told.getvalue())
        rendered = table({"figures": [asdict(each) for each in found.figures]})
        check(("\\* a bound" in rendered) == ("1,000,000/s *" in rendered) == (share > 0.95), rendered)


@case
def ratios_of_peers_are_bounds_where_the_generator_was_busy_for_either():
    def measured(contender, *_):
        return {"rate": 2e4, "messages": 1e5, "busy": 0.97 if "af_xdp" in contender.name else 0.5,
                "cpu_us": 20.0, "work_us": 10.0, "in_kernel": 0.5, "latency": {"p99_us": 9.0},
                "post_dial_delay": {"p50_us": 9.0}}

    contenders = [peers.Contender(name, None)
                  for name in ("linehunt af_xdp", "linehunt af_packet", "Kamailio")]
    found = Results({}, quick=True)
    with stubbed(peers, contenders_of=lambda *_: contenders, measure=measured,
                 ceiling=lambda *_, **__: {"packets": 2e5, "busy": 0.5}), \
            contextlib.redirect_stdout(io.StringIO()):
        peers.run(found, True)
    marked = {each.name for each in found.figures if each.bound}
    check(not found.failed and marked == {
        "peers: linehunt af_xdp, calls without loss", "peers: share of it that linehunt reaches, af_xdp",
        "peers: calls a second over Kamailio's, linehunt af_xdp"}, f"{marked}, {found.failed}")


class stub_device:
    """A linehunt that does nothing but telling when it starts and ends."""

    def __init__(self, told: list):
        self.told = told

    def __enter__(self):
        self.told.append("start")
        return self

    def __exit__(self, *_):
        self.told.append("end")

    def memory_mb(self):
        return len(self.told)

    def must_run(self):
        pass


@case
def each_overload_meets_a_linehunt_of_its_own():
    told = []  # what happened, in its order

    def generated(folder, device, cast, words):
        told.append(words[1] if words[0] == "--rate" else words[0])
        counts = dict.fromkeys(("calls_refused", "calls_lost", "calls_slipped"), 0)
        window = {"calls_begun_per_s": 1e6, "calls_completed_per_s": 5e5}
        return {"steps": [step(True, window=window, lost={}, statuses={}, wrong={}, **counts)]}

    patched = {"start_linehunt": lambda *_: stub_device(told), "generate": generated,
               "linehunt_says": lambda *_: {}}
    found = Results({}, quick=True)
    with stubbed(overload, **patched), tempfile.TemporaryDirectory() as name, \
            contextlib.redirect_stdout(io.StringIO()):
        overload.run(found, True, Path(name))
    wanted = ["start", "--search", "end"]
    for factor in overload.FACTORS:
        wanted += ["start", "1e+06", f"{factor * 1e6:g}", "end"]
    check(told == wanted, f"{told}")
    grown = [each.value for each in found.figures if "memory" in each.name]
    check(grown == [1], f"{grown}")


def syscalls_told_by(runs: list) -> Results:
    """Of runs of the generator one after the other, each with 700 packets into linehunt."""
    class stub_strace:
        def __init__(self, thread, _):
            self.by_name = {1: {"read": 5}, 2: {}}[thread]

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    asked = []

    def says(_, word):
        asked.extend([word] if word == "stats" else [])
        return {"linehunt:rx_packets": 700 * len(asked)}

    counts = iter([{1: 0, 2: 4}, {1: 9, 2: 4}] * len(runs))
    patched = {"Strace": stub_strace, "start_linehunt": lambda *_, **__: stub_device([]),
               "threads": lambda _: (1, 2), "allocations": lambda _: next(counts),
               "linehunt_says": says, "generate": lambda *_: runs.pop(0)}
    found = Results({}, quick=True)
    with stubbed(syscalls, **patched), contextlib.redirect_stdout(io.StringIO()):
        syscalls.run(found, True)
    return found


@case
def system_calls_are_counted_of_calls_that_went_through():
    good = {"went_through": True, "steps": [step(True)], "outside": {}}
    bad = {"went_through": False, "steps": [step(False, calls_lost=3)], "outside": {}}
    around = {"went_through": False, "steps": [step(True)], "outside": {"late": 2}}
    runs = [bad, good]
    found = syscalls_told_by(runs)
    check([each.value for each in found.figures] == [700, 0, 0] and not runs, f"{found.figures}")
    for wrong, says in ((bad, "calls lost: 3"), (around, "late: 2")):
        try:
            told = syscalls_told_by([wrong] * trust.TRIES)
            check(False, f"{told.figures} were told")
        except BenchError as failure:
            check(says in str(failure), str(failure))


@case(alone=True)
def hugepages_are_given_back():
    before = PAGES.read_text()
    with Hugepages(4) as pages:
        check(Path(pages.folder).is_mount(), "nothing is mounted")
        check(int(PAGES.read_text()) >= int(before) + 2, "no pages were taken")
    check(PAGES.read_text() == before, f"{PAGES.read_text()} pages, before {before}")
    check(not Path(pages.folder or "/nowhere").exists(), "the mount point is left")


@case
def what_dpdk_leaves_of_a_device_is_removed():
    with tempfile.TemporaryDirectory() as name:
        for prefix in (programs.own_prefix("testpmd"), "another"):
            (Path(name) / prefix).mkdir()
            (Path(name) / prefix / "config").touch()
        process = subprocess.Popen(["sleep", "60"])
        with stubbed(programs, DPDK_FOLDERS=Path(name)):
            programs.Device("testpmd", process, Path(name) / "log",
                            prefix=programs.own_prefix("testpmd")).close()
            programs.Device("kamailio", subprocess.Popen(["true"]), Path(name) / "log").close()
        check(process.poll() is not None, "it runs on")
        left = [file.name for file in Path(name).iterdir()]
        check(left == ["another"], f"{left}")


@case
def floods_for_pktgen_dpdk_are_what_they_are_called():
    with tempfile.TemporaryDirectory() as name:
        subprocess.run([ROOT / "tools/pktgen/pktgen_dpdk.py", name, "--count", "40", "--shares", "1,7",
                        "--seconds", "3"], check=True, capture_output=True)
        for kind, method in (("invite", "INVITE"), ("options", "OPTIONS"), ("unknown-bye", "BYE")):
            told = subprocess.run(
                ["tshark", "-r", f"{name}/{kind}.pcap", "-o", "ip.check_checksum:TRUE", "-o",
                 "udp.check_checksum:TRUE", "-T", "fields", "-e", "ip.checksum.status", "-e",
                 "udp.checksum.status", "-e", "sip.Method", "-e", "sip.Call-ID"],
                capture_output=True, text=True, check=True).stdout.splitlines()
            rows = {tuple(line.split("\t")[:3]) for line in told}
            check(rows == {("1", "1", method)}, f"{kind}: {rows}")
            check(len({line.split("\t")[3] for line in told}) == 40, f"{kind}: Call-IDs are not varied")
        script = (Path(name) / "flood.lua").read_text()
        check("shares = {1,7} " in script and "seconds = 3\n" in script, script)


@case(alone=True)
def processor_time_is_told_for_a_time_that_is_over():
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        with Stopwatch([busy.pid]) as watch:
            wait_for(lambda: len(watch.readings) >= 4 and watch.readings[-1][1] > 0.1, 60,
                     "a busy process took no time")
        begin, end = watch.readings[0][0], watch.readings[-1][0]
        elapsed, own, _ = watch.between(begin, end)
        check(elapsed == end - begin and own > 0, f"{own} s in {elapsed} s")
        try:
            watch.between(end + 1, end + 2)
            check(False, "told what nobody had read")
        except BenchError:
            pass
    finally:
        stop(busy)


@case(alone=True)
def a_raised_limit_of_the_kernel_is_put_back():
    file = Path("/proc/sys/net/core/rmem_max")
    before = file.read_text()
    with SysctlAtLeast("net.core.rmem_max", int(before) + 4096):
        check(int(file.read_text()) == int(before) + 4096, file.read_text())
        with SysctlAtLeast("net.core.rmem_max", 1):
            check(int(file.read_text()) == int(before) + 4096, "lowered")
    check(file.read_text() == before, f"{file.read_text()}, before {before}")

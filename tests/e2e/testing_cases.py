# SPDX-License-Identifier: Apache-2.0
"""The test runner itself: that no failure is hidden by another, or by the runner's own faults, and that
nothing remains of a run that is interrupted."""

import contextlib
import functools
import io
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import cases
from cases import Case, EndedBadly, Result, case, check, wait_until
from lab_setups import study_case
from testing import __main__ as runner
from testing import builds, fuzzing, interruption, packaging, suites
from testing.results import Tally, passed, read_junit


ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60  # for what takes a second or two of an idle machine
PATIENCE_S = 25  # longer than tests/e2e/run has


@contextlib.contextmanager
def replaced(module, **values):
    """Names of a module stand for something else meanwhile. Gives what is printed."""
    before = {name: getattr(module, name) for name in values}
    output = io.StringIO()
    try:
        for name, value in values.items():
            setattr(module, name, value)
        with contextlib.redirect_stdout(output):
            yield output
    finally:
        for name, value in before.items():
            setattr(module, name, value)


@case
def a_report_takes_every_character():
    wrong = "\0 \x1b[31m \x08 \ud800 \ufffe"
    with tempfile.TemporaryDirectory() as name:
        report = Path(name) / "report.xml"
        cases.write_report([Result("one", "FAILED", f"said {wrong}\nä", 1.0),
                            Result("two", "not run", wrong, 1.0),
                            Result("three", "ok", "", 1.0, beside_others=wrong)], report)
        tally = read_junit(report, "e2e")
        check("said ? ?[31m ? ? ?&#10;ä" in report.read_text(encoding="utf-8"), report.read_text())
    check((tally.failures, tally.skip_reasons, tally.second_tries) ==
          (["e2e: e2e.one"], ["e2e: e2e.two: ? ?[31m ? ? ?"], ["e2e: e2e.three: ? ?[31m ? ? ?"]),
          f"{tally}")


@case
def words_of_no_case_are_an_error():
    told = subprocess.run([ROOT / "tests/e2e/run", "words_with_underscores"], capture_output=True,
                          text=True, timeout=LIMIT_S)
    check(told.returncode == 1 and "no case has all these words" in told.stderr, f"{told}")


@case
def a_suite_that_breaks_off_hides_no_other():
    def broken(_options=None) -> Tally:
        raise KeyError("what nobody thought of")

    suites = {"lint": broken, "e2e": lambda _: passed(), "fuzz": lambda _: passed()}
    with replaced(runner.os, nice=lambda _: None), replaced(
            runner, SUITES=suites, build_release=broken, build_sanitized=lambda _: None) as output:
        results = runner.run_suites(["lint", "fuzz", "e2e"], options=None)
        alone = runner.run_suites(["lint"], options=None)
    total = Tally()
    for tally, _ in results:
        total.add(tally)
    check((total.passed, total.failures) ==
          (2, ["building for several suites broke off", "lint: the suite broke off"]), f"{total}")
    check([tally.failed for tally, _ in alone] == [1], f"{alone}")
    check(output.getvalue().count("KeyError: 'what nobody thought of'") == 3, output.getvalue())


def descendants(process: int) -> set:
    found = set()
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, file.read_text(encoding="ascii").split()):
                found |= {child} | descendants(child)
    return found


def words_of(process: int) -> list:
    try:
        return Path(f"/proc/{process}/cmdline").read_text(encoding="utf-8").split("\0")
    except OSError:
        return []


def namespaces_of(processes: set) -> list:
    told = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    names = [line.split()[0] for line in told.stdout.splitlines()]
    return [name for name in names if any(name.startswith(f"lh{each}-") for each in processes)]


def end(run: subprocess.Popen) -> None:
    """With all of its session; what is outside of that the run may end itself."""
    try:
        run.terminate()
        run.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        pass
    finally:
        interruption.end_all(lambda process: interruption.session(process) == run.pid)
        run.wait()


def interrupted(words: list, number: int, started) -> None:
    """Runs the command until `started` holds of its descendants and sends it the signal; checks that it
    ends with a word about it and that all of them are gone, with their namespaces and folders."""
    with tempfile.TemporaryFile("w+") as output:
        # In a script's background it would ignore SIGINT. A session, since a terminal is not the point.
        run = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                               start_new_session=True,
                               preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
        try:
            wait_until(lambda: started(descendants(run.pid)), f"work of {words}", limit_s=LIMIT_S)
            everything = descendants(run.pid)
            folders = [Path(word).parent for each in everything for word in words_of(each)
                       if word.endswith("/linehunt.toml")]
            check(all(folder.exists() for folder in folders), f"{folders}")
            run.send_signal(number)
            run.wait(LIMIT_S)
        finally:
            if run.poll() is None:
                end(run)
        output.seek(0)
        said = output.read()
    check(run.returncode == 128 + number, f"exit status {run.returncode}\n{said}")
    last = said.strip().splitlines()[-1]
    check(f"interrupted by {signal.Signals(number).name}; everything is cleaned up" in last, said)
    left = [(each, words_of(each)) for each in everything if not interruption.ended(each)]
    check(not left, f"still there: {left}")
    check(not (left := namespaces_of(everything)), f"left behind: {left}")
    check(not (left := [folder for folder in folders if folder.exists()]), f"left behind: {left}")


@case(deaf=False)
@case(deaf=True)
def a_run_that_does_not_begin_is_ended_with_what_it_has_started(deaf: bool):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        action = "" if deaf else f"sleep 0.5; touch {name}/removed; exit 1"
        script = f"""trap '{action}' TERM
(trap '' TERM; exec sleep 600) & echo $! > {name}/number; wait"""
        with replaced(sys.modules[__name__], LIMIT_S=2, PATIENCE_S=3 if deaf else 25):
            try:
                interrupted(["sh", "-c", script], signal.SIGTERM, lambda _: False)
                check(False, "it began")
            except AssertionError as error:
                check("not within 2 s: work of" in str(error), str(error))
        check(interruption.ended(int((folder / "number").read_text())), "what it started goes on")
        check((folder / "removed").exists() != deaf, f"{os.listdir(name)}")


def runs(processes: set, program: str, count: int) -> bool:
    names = [Path(words[0]).name for each in processes if (words := words_of(each))]
    return names.count(program) >= count


@case(group="interrupted runs", number="SIGINT")
@case(group="interrupted runs", number="SIGTERM")
@case(group="interrupted runs", number="SIGHUP")
def an_interrupted_run_of_cases_leaves_nothing(number: str):
    words = ["tests/e2e/run", "--at-once", "2", "killed", "callers", "workers=2"]
    interrupted(words, getattr(signal, number),
                lambda processes: runs(processes, "linehunt", 2) and runs(processes, "sipp", 6))


@case(alone=True)  # more cases beside these
def an_interrupted_tools_test_leaves_nothing():
    interrupted(["tools/test", "e2e"], signal.SIGTERM,
                lambda processes: runs(processes, "linehunt", 1))


# Runs `work` in the repository, as the tools do; a second signal changes nothing.
PROGRAM = """
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, "tools")
from testing import builds, interruption
interruption.install(patience_s=float(sys.argv[1]))
try:
    {work}
except interruption.Interrupted as end:
    os.kill(os.getpid(), signal.SIGHUP)
    print(end)
    sys.exit(end.code)
"""


def words_for(work: str, patience_s: float) -> list:
    return [sys.executable, "-B", "-c", PROGRAM.format(work=work), str(patience_s)]


@case(threads=1)
@case(threads=2)
def a_clean_up_is_not_interrupted(threads: int):
    """Whichever thread has the signal; and there is no limit left to be over."""
    work = f"""
    import threading
    signal.signal(signal.SIGALRM, lambda number, _: interruption.waits(number) or print("limit"))
    over = threading.Event()
    for _ in range({threads - 1}):
        threading.Thread(target=over.wait).start()
    try:
        with interruption.held():
            with interruption.held():
                for number in (signal.SIGALRM, signal.SIGTERM):
                    os.kill(os.getpid(), number)
                    time.sleep(0.1)
                print("removed")
            time.sleep(0.1)
            print("all")
        print("went on")
    finally:
        over.set()
"""
    told = subprocess.run(words_for(work, 0), cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
    check(told.stdout == "removed\nall\ninterrupted by SIGTERM; everything is cleaned up\n", f"{told}")
    check(told.returncode == 143, f"{told}")


@case
def an_interrupted_build_ends_its_compilers():
    """Which ninja has put into groups of their own."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "meson.build").write_text(
            "project('one')\ncustom_target('slow', output: 'slow', command: ['sleep', '600'], "
            "build_by_default: true)\n", encoding="utf-8")
        work = f"builds.ROOT = Path('{name}'); builds.Build('build', ()).compile()"
        interrupted(words_for(work, 60), signal.SIGTERM,
                    lambda processes: runs(processes, "sleep", 1))


@case
def a_shell_in_a_session_of_its_own_ends_with_what_it_waits_for():
    work = """interruption.run_as_session(["sh", "-c", "trap 'exit 1' INT; sleep 600; echo"])"""
    interrupted(words_for(work, 20), signal.SIGINT, lambda processes: runs(processes, "sleep", 1))


@case
def what_does_not_end_is_killed_and_told():
    work = 'interruption.run(["sh", "-c", "trap : TERM; echo deaf; while :; do sleep 0.1; done"])'
    with subprocess.Popen(words_for(work, 1), cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        check(run.stdout.readline() == "deaf\n", "the shell did not start")
        run.terminate()
        said = run.communicate(timeout=LIMIT_S)[0]
    check(run.returncode == 143 and "processes that had to be killed: 1;" in said, f"{said}")


@case
def a_copy_of_debian_goes_with_what_runs_in_it():
    """Also where its making is interrupted, and where a process is in a session of its own."""
    program = "import os, sys, time; os.chroot(sys.argv[1]); print('in', flush=True); time.sleep(600)"
    started = []

    def copy(*words: str) -> str:
        if started:
            raise interruption.Interrupted(130)
        started.append(subprocess.Popen([sys.executable, "-c", program, words[-1]], text=True,
                                        start_new_session=True, stdout=subprocess.PIPE))
        return started[0].stdout.readline()

    with tempfile.TemporaryDirectory() as name, replaced(
            packaging, make_base=lambda: None, FOLDER=Path(name), run=copy):
        chroot = packaging.Chroot("first")
        with replaced(packaging.shutil, copy=lambda *_: None), chroot:
            check(started[0].poll() is None and chroot.root.exists(), "nothing to end and to remove")
        check(started[0].wait(LIMIT_S) == -signal.SIGKILL, f"{started[0]}")
        check(not chroot.root.exists(), "the copy is left behind")
        try:
            with packaging.Chroot("second"):
                check(False, "entered")
        except interruption.Interrupted:
            pass
        check(not os.listdir(name), f"left behind: {os.listdir(name)}")


@case
def what_a_command_of_packaging_has_started_ends_with_it():
    """In groups of processes of their own, as those of ninja are."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "number"
        try:
            packaging.run("bash", "-c", f"set -m; sleep 600 & echo $! > {file}; wait", limit_s=2)
            check(False, "it ended by itself")
        except subprocess.TimeoutExpired:
            pass
        wait_until(lambda: interruption.ended(int(file.read_text())), "the end of what it started")


@case
def a_folder_that_meson_has_not_finished_is_configured():
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "meson.build").write_text("project('one')\n", encoding="utf-8")
        folder = Path(name) / "build"
        with replaced(builds, ROOT=Path(name)):
            builds.Build("build", ()).configure()
            (folder / "build.ninja").rename(folder / "build.ninja~")
            builds.Build("build", ()).configure()
        check((folder / "build.ninja").exists(), f"{os.listdir(folder)}")


@case
def a_case_that_hangs_is_ended():
    removed = []

    def hang() -> None:
        try:
            time.sleep(LIMIT_S)
        finally:
            removed.append("what it made")

    with replaced(cases) as output:
        result = cases.run_one(Case("hangs", hang, True, "", False), limit_s=1)
        after = cases.run_one(Case("does not", lambda: time.sleep(1.5), True, "", False), limit_s=60)
    check(result.word == "FAILED" and result.seconds < LIMIT_S / 2 and removed, f"{result}")
    check("not done after 1 s" in result.detail and "in hang" in result.detail, result.detail)
    check("e2e hangs: FAILED" in output.getvalue() and after.word == "ok", output.getvalue())


@case
def the_limit_of_a_case_waits_for_its_clean_up():
    done = []

    def clean_up() -> None:
        with interruption.held():
            time.sleep(1.5)
            done.append("removed")
        done.append("went on")

    over = threading.Event()
    other = threading.Thread(target=over.wait)  # has the alarm, which the main thread holds
    other.start()
    try:
        with replaced(cases):
            result = cases.run_one(Case("cleans up", clean_up, True, "", False), limit_s=1)
    finally:
        over.set()
        other.join()
    check(done == ["removed"] and "not done after 1 s" in result.detail, f"{done} {result}")


@case
def a_run_of_cases_that_hangs_is_ended():
    """And may remove what it made."""
    with tempfile.TemporaryDirectory() as name:
        script = f"trap 'touch {name}/removed; kill $!; exit 3' TERM; touch {name}/begun; sleep 600 & wait"
        with replaced(suites, E2E_LIMIT_S=2):
            try:
                suites.run_cases(["sh", "-c", script])
                check(False, "it ended by itself")
            except subprocess.TimeoutExpired:
                pass
        check(sorted(os.listdir(name)) == ["begun", "removed"], f"{os.listdir(name)}")


@case
def a_fuzz_target_that_hangs_is_ended():
    with tempfile.TemporaryDirectory() as name:
        program = Path(name) / "fuzz_nothing"
        program.write_text("#!/bin/sh\necho has begun\nexec sleep 600\n", encoding="ascii")
        program.chmod(0o755)
        with replaced(fuzzing, PATIENCE_S=1, ASAN=builds.Build(name, ()), ROOT=Path(name)) as output:
            tally = fuzzing.fuzz_one(program, 1)
    check(tally.failures == ["fuzz fuzz_nothing: not done after 1 s and 1 more"], f"{tally}")
    check("has begun" in output.getvalue(), output.getvalue())


@case
def continuous_integration_leaves_out_nothing_for_want_of_root():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for file, text in ((".ci/run", (ROOT / ".ci/run").read_text(encoding="utf-8")),
                           ("tools/test", "#!/bin/sh\necho all suites\n")):
            (folder / file).parent.mkdir()
            (folder / file).write_text(text, encoding="utf-8")
            (folder / file).chmod(0o755)

        def told(user: str) -> tuple:
            run = subprocess.run([folder / ".ci/run"], user=user, capture_output=True, text=True)
            return run.returncode, run.stdout, run.stderr

        status, output, error = told("nobody")
        check(status == 1 and not output and "sudo .ci/run" in error, f"{status} {output} {error}")
        check(told("root") == (0, "all suites\n", ""), f"{told('root')}")


@case
def a_case_in_which_linehunt_has_died_is_not_tried_again():
    with tempfile.TemporaryDirectory() as name:
        tries = Path(name) / "tries"

        def failing(word: str, error: Exception):
            def run() -> None:
                with open(tries, "a", encoding="ascii") as file:
                    file.write(f"{word}\n")
                if error:
                    raise error
            return Case(word, run, True, word, False)

        some = [failing("pushed", AssertionError("it took too long")), failing("well", None),
                failing("died", EndedBadly("linehunt ended with -11"))]
        report = Path(name) / "report.xml"
        with replaced(cases, ALL=some):
            good = cases.run_cases(some, report, at_once=2)
        lines = sorted(tries.read_text(encoding="ascii").split())
        check(lines == ["died", "pushed", "pushed", "well"], f"{lines}")
        check(not good and read_junit(report, "e2e").failed == 2, report.read_text(encoding="utf-8"))


@case(failure="none")
@case(failure="of the case")
@case(failure="of the lab")
def a_linehunt_that_dies_is_seen(failure: str):
    try:
        with study_case(boxes={1: {"vm": 5}}) as lab:
            balancer = lab.start_balancer()
            balancer.process.send_signal(signal.SIGALRM)  # ends it without a core file
            balancer.process.wait(LIMIT_S)
            if failure == "of the lab":
                balancer.ask("list")
            check(failure == "none", "what the case saw")
    except EndedBadly as error:
        check("linehunt ended with -14" in str(error), str(error))
        seen = {"none": "", "of the case": "what the case saw", "of the lab": "LabError"}[failure]
        check(seen in str(error), str(error))
    else:
        check(False, "nobody has seen it")


@case
def a_linehunt_that_is_stopped_has_not_died():
    """A case that fails for another reason is tried again."""
    try:
        with study_case(boxes={1: {"vm": 5}}) as lab:
            lab.start_balancer()
            check(False, "what the case saw")
    except EndedBadly as error:
        raise AssertionError(f"it has not died: {error}") from None
    except AssertionError as error:
        check(str(error) == "what the case saw", str(error))


@case(stopped="afterwards")
@case(stopped="after a failure")
@case(stopped="by the case")
def a_linehunt_that_does_not_end_is_seen(stopped: str):
    try:
        with study_case(boxes={1: {"vm": 5}}) as lab:
            balancer = lab.start_balancer()
            balancer.stop = functools.partial(balancer.stop, limit_s=1)
            balancer.process.send_signal(signal.SIGSTOP)
            if stopped == "by the case":
                balancer.stop()
            check(stopped != "after a failure", "what the case saw")
    except EndedBadly as error:
        check("linehunt ended with -9" in str(error), str(error))
        check(("what the case saw" in str(error)) == (stopped == "after a failure"), str(error))
    else:
        check(False, "nobody has seen it")


@case
def a_linehunt_that_the_case_kills_has_not_died():
    with study_case(boxes={1: {"vm": 5}}) as lab:
        check(lab.start_balancer().stop(signal.SIGKILL) == -signal.SIGKILL, lab.balancer.tail())


@case
def precompiled_headers_of_older_packages_are_made_anew():
    with tempfile.TemporaryDirectory() as name:
        folder, packages = Path(name) / "build", Path(name) / "status"
        old, new, other = folder / "a.p" / "old.pch", folder / "new.pch", folder / "old.o"
        old.parent.mkdir(parents=True)
        for file, date in ((old, 1000), (other, 1000), (packages, 2000), (new, 3000)):
            file.touch()
            os.utime(file, (date, date))
        builds.forget_old_headers(folder, Path(name) / "no packages")
        check(old.exists(), "removed without a reason")
        builds.forget_old_headers(folder, packages)
        check((old.exists(), new.exists(), other.exists()) == (False, True, True), "another one is gone")

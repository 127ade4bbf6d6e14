# SPDX-License-Identifier: Apache-2.0
"""Runs every libFuzzer target: first the inputs that once broke something, then new ones."""

import base64
import subprocess
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import interruption
from .builds import ASAN, ROOT, BuildError
from .programs import SANITIZER_OPTIONS, cores
from .results import Tally, failed, passed

SOURCES = ROOT / "tests/fuzz"
# New inputs that a target must at least come to: a fifth or less of what it does on two busy cores.
# One of the engine is a whole script.
LEAST_A_SECOND = {"fuzz_engine": 4}
LEAST_A_SECOND_OF_OTHERS = 30
# For the seeds and the end, beyond the time that a target is given; its own limit for an input is 10 s.
PATIENCE_S = 120
LONGEST_TOLD = 16384  # bytes of an input that broke something
TAKES_DATAGRAMS = ("fuzz_rules",)  # as fuzz_message does


def what_it_says(output: str) -> str:
    """The line that names the fault, which stands above the stack."""
    return next((line.strip() for line in output.splitlines()
                 if "violated:" in line or "ERROR: " in line or "runtime error:" in line),
                "ended with an error")


def as_text(kept: Iterable, since: float) -> str:
    """The bytes of the newer files, for whoever has the log alone."""
    told = ""
    for file in sorted(kept):
        if file.stat().st_mtime < since:
            continue
        content = file.read_bytes()
        told += (f"\n{file.name}, the first {min(len(content), LONGEST_TOLD)} of its {len(content)} "
                 f"bytes in base64:\n{base64.b64encode(content[:LONGEST_TOLD]).decode()}")
    return told


def fuzz_one(program: Path, seconds: int) -> Tally:
    """One target, from the seeds and past findings of all targets, or from those of its own name."""
    name = program.name
    work = ASAN.path / "corpus" / name
    findings = ASAN.path / "findings"
    work.mkdir(parents=True, exist_ok=True)
    findings.mkdir(exist_ok=True)
    begun = time.time() - 1  # a file's time is coarser
    inputs = [work]
    for kind in ("seeds", "crashes"):
        own = SOURCES / kind / name
        shared = SOURCES / kind
        inputs += [folder for folder in (own, shared) if folder.is_dir()][:1]
        if name in TAKES_DATAGRAMS:
            inputs.append(SOURCES / kind / "fuzz_message")
    options = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=4096",
               "-print_final_stats=1", f"-artifact_prefix={findings}/{name}-"]
    dictionaries = [SOURCES / f"{name}.dict", SOURCES / "sip.dict"]
    options += [f"-dict={file}" for file in dictionaries if file.exists()][:1]
    try:
        told = interruption.run(
            [program, *options, *inputs], cwd=ROOT, text=True, errors="replace",
            env=SANITIZER_OPTIONS | {"PATH": "/usr/bin:/bin"}, timeout=seconds + PATIENCE_S,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
    except subprocess.TimeoutExpired as late:
        return failed(f"fuzz {name}: not done after {seconds} s and {PATIENCE_S} more",
                      (late.output or b"").decode(errors="replace"))
    if told.returncode != 0:
        return failed(f"fuzz {name}: {what_it_says(told.stdout)} "
                      f"(input kept in {findings.relative_to(ROOT)})",
                      told.stdout + as_text(findings.glob(f"{name}-*"), begun))
    runs = next((int(line.split()[-1]) for line in told.stdout.splitlines()
                 if line.startswith("stat::number_of_executed_units")), 0)
    seeds = sum(file.is_file() for folder in inputs[1:] for file in folder.rglob("*"))
    least = seeds + seconds * LEAST_A_SECOND.get(name, LEAST_A_SECOND_OF_OTHERS)
    if runs < least:
        return failed(f"fuzz {name}: {runs} inputs in {seconds} s, where {seeds} are seeds and "
                      f"{least} the least", told.stdout)
    print(f"fuzz {name}: {runs} inputs in {seconds} s, nothing found", flush=True)
    return passed()


def fuzz(seconds: int) -> Tally:
    try:
        ASAN.compile(("fuzzers",))
    except BuildError as error:
        return failed("fuzz: build", str(error))
    programs = [ASAN.path / "tests/fuzz" / source.stem for source in sorted(SOURCES.glob("fuzz_*.cpp"))]
    if not programs:
        return failed("fuzz: no target is there")
    tally = Tally()
    with ThreadPoolExecutor(cores()) as pool:
        for result in pool.map(lambda program: fuzz_one(program, seconds), programs):
            tally.add(result)
    return tally

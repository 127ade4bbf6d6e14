# SPDX-License-Identifier: Apache-2.0
"""The build directories of the test runner: configured once, then reused."""

import fcntl
import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from . import interruption

ROOT = Path(__file__).resolve().parents[2]


class BuildError(Exception):
    """The message is what meson or ninja said last."""


@dataclass(frozen=True)
class TestProgram:
    name: str
    suites: tuple
    command: tuple
    environment: tuple  # of (name, value)
    directory: str
    needs: tuple  # of files: other programs that it runs

    @property
    def executable(self) -> str:
        return self.command[0]


@dataclass(frozen=True)
class Build:
    folder: str
    options: tuple
    compiler: str = "g++"

    @property
    def path(self) -> Path:
        return ROOT / self.folder

    def configure(self) -> None:
        if not (self.path / "build.ninja").exists():
            # meson takes what an interrupted run of it has left for a whole folder.
            shutil.rmtree(self.path / "meson-private", ignore_errors=True)
            self._run(["meson", "setup", self.folder, *self.options], "configuring")

    def compile(self, targets: tuple = ()) -> None:
        """Builds the targets, or everything. Two runs at once take turns; ninja does not see to it."""
        self.path.mkdir(exist_ok=True)
        with open(self.path / "turn.lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.configure()
            forget_old_headers(self.path)
            self._run(["ninja", "-C", self.folder, *targets], "building")

    def test_programs(self, suite: str) -> list:
        """The programs of a suite as meson knows them; they need not be built yet."""
        self.configure()
        # Regenerates build.ninja where a meson.build changed, so that the list is today's.
        self._run(["ninja", "-C", self.folder, "build.ninja"], "updating")
        files = {target["id"]: target["filename"] for target in self._introspect("--targets")}
        programs = []
        # The longest first, as meson has it, so that none of them runs alone at the end.
        for test in sorted(self._introspect("--tests"), key=lambda each: -each["priority"]):
            suites = tuple(name.split(":")[-1] for name in test["suite"])
            if suite in suites:
                programs.append(TestProgram(
                    test["name"], suites, tuple(test["cmd"]), tuple(test["env"].items()),
                    test["workdir"] or str(ROOT),
                    tuple(file for target in test["depends"] for file in files.get(target, ()))))
        return programs

    def targets_of(self, programs) -> set:
        """What to build for those test programs."""
        return {os.path.relpath(path, self.path) for program in programs
                for path in (program.executable, *program.needs)}

    def targets_without(self, suites: tuple, but: tuple) -> tuple:
        """Everything except the programs of those suites; what is in `but` stays."""
        left_out = {program.executable for suite in suites for program in self.test_programs(suite)}
        left_out -= {program.executable for suite in but for program in self.test_programs(suite)}
        files = {file for target in self._introspect("--targets") if target["build_by_default"]
                 for file in target["filename"]}
        return tuple(sorted(os.path.relpath(file, self.path) for file in files - left_out))

    def _introspect(self, what: str) -> list:
        told = subprocess.run(["meson", "introspect", self.folder, what],
                              cwd=ROOT, check=True, capture_output=True, text=True)
        return json.loads(told.stdout)

    def _run(self, command: list, doing: str) -> None:
        began = time.monotonic()
        environment = dict(os.environ, CXX=self.compiler)
        if self.compiler == "clang++": # a fifth of the time, for eighty programs
            environment["CXX_LD"] = "lld"
        told = interruption.run(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace",
        )
        seconds = time.monotonic() - began
        if told.returncode != 0:
            raise BuildError(f"{' '.join(command)}\n{what_failed(told.stdout)}")
        if seconds > 2:
            print(f"{doing} {self.folder}: {seconds:.0f} s", flush=True)


def forget_old_headers(folder: Path, packages: Path = Path("/var/lib/dpkg/status")) -> None:
    """Removes the precompiled headers from before a package was installed or upgraded last. clang
    refuses one if a file that it was made of has another date; ninja builds it anew only if that
    date is later."""
    if not packages.exists():
        return
    for header in folder.rglob("*.pch"):
        if header.stat().st_mtime <= packages.stat().st_mtime:
            header.unlink()


def what_failed(output: str, lines: int = 40) -> str:
    """From the first thing that failed; what was built before it is of no interest."""
    begin = max(output.find("\nFAILED:"), 0)
    if begin:
        return "\n".join(output[begin:].strip().splitlines()[:lines])
    return "\n".join(output.strip().splitlines()[-lines:])


# What the demo and the end-to-end suite run.
PROGRAMS = ("control/linehunt", "tools/linehuntctl", "tools/pktgen/linehunt-pktgen")
RELEASE = Build("build", ("-Dbuildtype=release",))
# Configured, not built: its compile_commands.json names every file, with nothing included before it.
LINT = Build("build-lint", ("-Dbuildtype=release", "-Dtogether=false", "-Db_pch=false"),
             compiler="clang++")
# clang++ takes half the time of g++ for sanitized code; see meson.build for what is optimised, and
# instrumented for the fuzz targets. Line tables are there everywhere; -Ddebug would add what no
# report needs.
ASAN = Build("build-asan", ("-Doptimization=0", "-Dfuzzers=true", "-Db_sanitize=address,undefined",
                            "-Db_lundef=false", "-Ddebug=false"), compiler="clang++")

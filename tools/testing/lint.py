# SPDX-License-Identifier: Apache-2.0
"""What can be seen without running anything: format, self-contained headers, layering, documents."""

import ast
import json
import os
import re
import subprocess
import traceback
from concurrent.futures import ThreadPoolExecutor

from . import headers, interruption
from .builds import LINT, ROOT, BuildError
from .programs import cores
from .results import Tally, failed, passed, skipped

# Room -> rooms whose headers it may include. dataplane/dpdk is a room of its own.
MAY_INCLUDE = {
    "sipparse": {"sipparse"},
    "dataplane": {"sipparse", "dataplane"},
    "dataplane/dpdk": {"sipparse", "dataplane", "dataplane/dpdk"},
    "control": {"sipparse", "dataplane", "dataplane/dpdk", "control"},
}
LONGEST_FILE_LINES = 600
# What tidy reads.
TIDY = ("sipparse/*.cpp", "dataplane/*.cpp", "control/*.cpp", "tools/*.cpp")


class LintError(Exception):
    """A check could not be made; the message says why."""


def tracked(*patterns: str) -> list:
    told = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
         "--exclude-standard", *patterns], cwd=ROOT, capture_output=True)
    if told.returncode != 0:
        raise LintError(f"{ROOT} has to be a clone, since git says which files are ours: "
                        f"{os.fsdecode(told.stderr).strip()}")
    names = os.fsdecode(told.stdout).split("\0")
    return [name for name in names if name and (ROOT / name).is_file()]


def room_of(name: str) -> str:
    top = name.split("/")[0]
    return "dataplane/dpdk" if name.startswith("dataplane/dpdk/") else top


def check_format() -> list:
    sources = tracked("*.h", "*.cpp")
    told = subprocess.run(["clang-format", "--dry-run", "-ferror-limit=1", *sources],
                          cwd=ROOT, capture_output=True, text=True)
    if told.returncode != 0:
        raise LintError(f"clang-format: exit status {told.returncode}\n{told.stderr}")
    wrong = re.findall(r"^(.+?):(\d+):\d+: warning: code should", told.stderr, re.MULTILINE)
    return [f"{name}:{line}: run clang-format -i {name}" for name, line in wrong]


def check_first_lines() -> list:
    wrong = []
    for name in tracked("*.h", "*.cpp", "*.py", "*meson.build"):
        with open(ROOT / name, encoding="utf-8", errors="replace") as file:
            head = file.readline() + file.readline()
        if "SPDX-License-Identifier: Apache-2.0" not in head:
            wrong.append(f"{name}:1: the SPDX line is missing")
    return wrong


def check_length() -> list:
    wrong = []
    for name in tracked("*.h", "*.cpp", "*.py"):
        lines = (ROOT / name).read_text(encoding="utf-8", errors="replace").count("\n")
        if lines > LONGEST_FILE_LINES:
            wrong.append(f"{name}: {lines} lines; split it")
    return wrong


def check_layering() -> list:
    wrong = []
    include = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]')
    for name in tracked("*.h", "*.cpp"):
        room = room_of(name)
        if room not in MAY_INCLUDE:
            continue
        text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            found = include.match(line)
            if not found:
                continue
            what = found.group(1)
            if what.startswith("rte_") and room != "dataplane/dpdk":
                wrong.append(f"{name}:{number}: {what} outside dataplane/dpdk")
            elif room_of(what) in MAY_INCLUDE and room_of(what) not in MAY_INCLUDE[room]:
                wrong.append(f"{name}:{number}: {room} must not know {what}")
    return wrong


def check_headers() -> list:
    """Those that are precompiled compile alone in each build."""
    return headers.check_headers([name for name in tracked("*.h") if "/pch/" not in name],
                                 tracked(*TIDY))


def check_scripts() -> list:
    wrong = []
    for name in tracked("tools", "tests", ".ci"):
        text = (ROOT / name).read_bytes()
        first = text.split(b"\n", 1)[0]
        if first.startswith(b"#!") and b"sh" in first:
            shell = "bash" if b"bash" in first else "sh"
            told = subprocess.run([shell, "-n", name], cwd=ROOT, capture_output=True, text=True)
            if told.returncode != 0:
                wrong.append(told.stderr.strip())
        elif name.endswith(".py") or b"python3" in first:
            try:
                ast.parse(text, name)
            except SyntaxError as error:
                wrong.append(f"{name}:{error.lineno}: {error.msg}")
    return wrong


def check_documents() -> list:
    """Every link to a file, and every path in backticks that begins with a room's name, exists."""
    wrong = []
    rooms = "sipparse|dataplane|control|tools|tests|examples|\\.ci"
    for name in tracked("*.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        folder = (ROOT / name).parent
        for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
            if not (folder / link).exists():
                wrong.append(f"{name}: link to {link}, which does not exist")
        named = re.findall(rf"`(?:sudo )?((?:{rooms})/[\w./-]*)(?:[ `])", text)
        named += re.findall(rf"^\s*(?:sudo )?((?:{rooms})/[\w./-]+)", text, re.MULTILINE)
        for path in named:
            if not (ROOT / path).exists() and not (folder / path).exists():
                wrong.append(f"{name}: names {path}, which does not exist")
    return wrong


def check_dashboards() -> list:
    """Every query of a Grafana dashboard names metrics, and labels, that the program has."""
    sources = "".join((ROOT / name).read_text(encoding="utf-8")
                      for name in tracked("control/metrics/*.cpp"))
    names = set(re.findall(r'"(linehunt_\w+)"', sources))
    for name in re.findall(r'histogram\("(linehunt_\w+)"', sources):
        names |= {f"{name}_{part}" for part in ("bucket", "sum", "count")}
        names.discard(name)
    labels = set(re.findall(r'{"(\w+)", ', sources)) | {"le"}
    wrong = []
    for file in tracked("tools/grafana/*.json"):
        panels = json.loads((ROOT / file).read_text(encoding="utf-8"))["panels"]
        if not panels:
            wrong.append(f"{file}: no panels")
        for panel in panels:
            for target in panel["targets"]:
                used = re.findall(r"linehunt_\w+", target["expr"])
                wrong += [f"{file}: '{panel['title']}' asks for {name}, which does not exist"
                          for name in used if name not in names]
                if not used:
                    wrong.append(f"{file}: '{panel['title']}' asks for nothing of ours")
                asked = re.findall(r"{{(\w+)}}", target["legendFormat"])
                for group in re.findall(r"by \(([^)]*)\)", target["expr"]):
                    asked += re.findall(r"\w+", group)
                wrong += [f"{file}: '{panel['title']}' uses label {label}, which does not exist"
                          for label in asked if label not in labels]
    if not names or not tracked("tools/grafana/*.json"):
        wrong.append("tools/grafana: nothing to check")
    return wrong


CHECKS = {
    "format": check_format,
    "first lines": check_first_lines,
    "file length": check_length,
    "layering": check_layering,
    "scripts parse": check_scripts,
    "documents": check_documents,
    "dashboards": check_dashboards,
    "headers compile alone": check_headers,
}


def lint(quick: bool) -> Tally:
    tally = Tally()
    for name, check in CHECKS.items():
        if quick and check is check_headers:
            tally.add(skipped(f"lint {name}", "--quick leaves it out; tools/test lint"))
            continue
        try:
            wrong = check()
        except (LintError, BuildError) as error:
            wrong = [str(error)]
        except Exception:  # noqa: BLE001 - whatever it is, the other checks are made
            wrong = [traceback.format_exc()]
        if wrong:
            tally.add(failed(f"lint: {name}", "\n".join(wrong)))
        else:
            print(f"lint {name}: ok", flush=True)
            tally.add(passed())
    return tally


def tidy() -> Tally:
    try:
        LINT.compile(("build.ninja",))
    except BuildError as error:
        return failed("tidy: build", str(error))

    def check(name: str) -> Tally:
        told = interruption.run(["clang-tidy", "--quiet", "-p", LINT.folder, name],
                              cwd=ROOT, capture_output=True, text=True)
        # It goes on with its defaults where it cannot read its configuration.
        if told.returncode != 0 or "Error parsing" in told.stderr:
            return failed(f"tidy: {name}", told.stdout or told.stderr)
        return passed()

    tally = Tally()
    with ThreadPoolExecutor(cores()) as pool:
        for result in pool.map(check, tracked(*TIDY)):
            tally.add(result)
    return tally

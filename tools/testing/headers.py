# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone: no header of ours relies on what somebody includes before it.

Of a header with a source beside it (x.h, x.cpp) the source is the proof: it includes the header before
all else, which is checked here, and `tidy` compiles it with nothing precompiled. The others are
compiled here, several by one compiler: a chain, each of which includes the one before. What has been
read before a header is then only what it includes itself, so that what it lacks is still missing. That
holds as long as no #include stands below code, which is checked too.
"""

import json
import os
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .builds import LINT, ROOT
from .programs import cores

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')


def check_headers(names: list, sources: list) -> list:
    """The sources are those that something else compiles, each alone."""
    texts = {name: read(name) for name in names}
    late = [f"{name}:{line}: an #include below other lines; all stand at the top"
            for name, text in texts.items() for line in late_includes(text)]
    first = [f"{source}: includes {header} after something else; it proves that {header} compiles "
             "alone if it is the first" for header, source in proofs(names, sources).items()
             if not includes_first(read(source), header)]
    conditions = conditions_of(texts)
    alone = set(texts) - proofs(names, sources).keys()

    def compile_chain(chain: list) -> str:
        told = syntax_only(conditions[chain[0]], [f'"{ROOT / name}"' for name in chain])
        if told.returncode == 0:
            return ""
        error = next((line for line in told.stderr.splitlines() if "error" in line), told.stderr)
        return f"{' or '.join(chain)}: does not compile alone: {error}"

    with ThreadPoolExecutor(cores()) as pool:
        return late + first + [line for line in pool.map(
            compile_chain, chains(texts, conditions, alone)) if line]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def proofs(names: list, sources: list) -> dict:
    """Header -> the source beside it."""
    beside = {str(Path(source).with_suffix(".h")): source for source in sources}
    return {name: beside[name] for name in names if name in beside}


def includes_first(source: str, header: str) -> bool:
    found = (INCLUDE.match(line) for line in source.splitlines())
    first = next((include.group(2) for include in found if include), None)
    return first in (header, Path(header).name)


def syntax_only(words: list, includes: list) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*words, "-fsyntax-only", "-x", "c++", "-"], cwd=LINT.path,
        input="".join(f"#include {each}\n" for each in includes), capture_output=True, text=True)


def conditions_of(texts: dict) -> dict:
    """Header -> the words that compile it, those of its neighbour with the most."""
    commands = compile_commands()
    return {name: tuple(commands[max(commands, key=lambda source: (
        len(os.path.commonprefix([source, name])), len(commands[source])))]) for name in texts}


def chains(texts: dict, conditions: dict, alone: set) -> list:
    """Each of those headers in one of them; those of a chain include all that come before, and are
    compiled under the same conditions."""
    includes = {name: all_includes(name, texts) for name in alone}
    found, left = [], set(alone)
    for top in sorted(alone, key=lambda name: (-len(includes[name]), name)):
        if top not in left:
            continue
        chain = [top]
        while below := {name for name in (includes[chain[-1]] & left) - set(chain)
                        if conditions[name] == conditions[top]}:
            chain.append(max(below, key=lambda name: (len(includes[name]), name)))
        left -= set(chain)
        found.append(chain[::-1])
    return found


def all_includes(name: str, texts: dict) -> set:
    """Headers of ours that this one includes, itself or by way of others."""
    found, new = set(), {name}
    while new:
        one = new.pop()
        for line in texts[one].splitlines():
            include = INCLUDE.match(line)
            if include and include.group(1) == '"':
                beside = os.path.normpath(Path(one).parent / include.group(2))
                ours = beside if beside in texts else include.group(2)
                new |= {ours} & texts.keys() - found
        found |= new
    return found - {name}


def compile_commands() -> dict:
    """Source -> the words that compile it, without the source and what is written."""
    LINT.compile(("build.ninja",))
    entries = json.loads((LINT.path / "compile_commands.json").read_text(encoding="utf-8"))
    commands = {}
    for entry in entries:
        words = shlex.split(entry["command"])
        source = os.path.relpath(LINT.path / entry["file"], ROOT)
        written = {words.index("-o"), words.index("-o") + 1, words.index("-MF"),
                   words.index("-MF") + 1, words.index("-MQ"), words.index("-MQ") + 1}
        commands[source] = [word for index, word in enumerate(words) if index not in written
                            and word not in ("-c", "-MD", entry["file"])]
    return commands


def late_includes(text: str) -> list:
    """Lines of #includes with anything but comments, #pragma once and #includes before them."""
    late, code = [], False
    for number, line in enumerate(text.splitlines(), 1):
        if INCLUDE.match(line):
            if code:
                late.append(number)
        elif line.strip() and not re.match(r"\s*(//|#\s*pragma once)", line):
            code = True
    return late

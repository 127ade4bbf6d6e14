# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone: no header of ours relies on what somebody includes before it.

Nearly all of the time goes into reading the same headers of others for each of ours, so several of
ours are read by one compiler: a chain, each of which includes the one before. What has been read
before a header of a chain is only what that header includes itself, so that what it lacks is still
missing. That holds as long as no #include stands below code, which is checked too.
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


def check_headers(names: list) -> list:
    commands = compile_commands()
    texts = {name: (ROOT / name).read_text(encoding="utf-8", errors="replace") for name in names}
    late = [f"{name}:{line}: an #include below other lines; all stand at the top"
            for name, text in texts.items() for line in late_includes(text)]

    def compile_chain(chain: list) -> str:
        """With the flags of a neighbour of the last one, which includes all the others; of those
        in the same folder, with the most."""
        last = chain[-1]
        neighbour = max(commands, key=lambda source: (
            len(os.path.commonprefix([source, last])), len(commands[source])))
        told = subprocess.run(
            [*commands[neighbour], "-fsyntax-only", "-x", "c++", "-"], cwd=LINT.path,
            input="".join(f'#include "{ROOT / name}"\n' for name in chain), capture_output=True,
            text=True)
        if told.returncode == 0:
            return ""
        first = next((line for line in told.stderr.splitlines() if "error" in line), told.stderr)
        return f"{' or '.join(chain)}: does not compile alone: {first}"

    with ThreadPoolExecutor(cores()) as pool:
        return late + [line for line in pool.map(compile_chain, chains(texts)) if line]


def room(name: str) -> str:
    """Headers of one folder are compiled with the same flags."""
    return os.path.dirname(name)


def chains(texts: dict) -> list:
    """Every header in one of them; those of a chain are of one folder and include all that come
    before."""
    includes = {name: all_includes(name, texts) for name in texts}
    found, left = [], set(texts)
    for top in sorted(texts, key=lambda name: (-len(includes[name]), name)):
        if top not in left:
            continue
        chain = [top]
        while below := {name for name in (includes[chain[-1]] & left) - set(chain)
                        if room(name) == room(top)}:
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

# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone: no header of ours relies on what somebody includes before it.

Nearly all of the time goes into reading the same headers of others for each of ours. So a prelude of
these is precompiled for all of ours that include everything that is in it; and several of ours are
read by one compiler: a chain, each of which includes the one before. Either way, what has been read
before a header is only what that header includes itself, so that what it lacks is still missing. That
holds as long as no #include stands below code, which is checked too.
"""

import json
import os
import re
import shlex
import subprocess
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .builds import LINT, ROOT, BuildError
from .programs import cores

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')

# The later one is taken where a header includes all of two.
PRELUDES = [
    {"array", "cstddef", "cstdint", "string_view"},
    {"string", "string_view"},
    (texts := {"string", "string_view", "optional", "vector"}),
    texts | {"memory", "tl/expected.hpp"},
    (engine := texts | {"array", "functional", "memory", "span", "unordered_map"}),
    texts | {"rte_mbuf.h"},
    engine | {"rte_mbuf.h"},
    texts | {"nlohmann/json.hpp"},
    engine | {"nlohmann/json.hpp"},
    {"boost/asio/io_context.hpp", "functional"},
    engine | {"boost/asio/io_context.hpp"},
    engine | {"boost/asio/io_context.hpp", "boost/asio/ip/tcp.hpp", "boost/asio/steady_timer.hpp"},
]
WORTH_IT = 3  # users of a prelude


def check_headers(names: list) -> list:
    texts = {name: (ROOT / name).read_text(encoding="utf-8", errors="replace") for name in names}
    late = [f"{name}:{line}: an #include below other lines; all stand at the top"
            for name, text in texts.items() for line in late_includes(text)]
    with tempfile.TemporaryDirectory(prefix="linehunt-lint-") as folder:
        conditions = conditions_of(texts)
        preludes = {}
        with ThreadPoolExecutor(cores()) as pool:
            wanted = sorted({key for key in conditions.values() if key[1]})
            for key, words in zip(wanted, pool.map(lambda key: precompiled(*key, folder), wanted)):
                preludes[key] = words

            def compile_chain(chain: list) -> str:
                key = conditions[chain[0]]
                told = syntax_only([*key[0], *preludes.get(key, ())],
                                   [f'"{ROOT / name}"' for name in chain])
                if told.returncode == 0:
                    return ""
                first = next((line for line in told.stderr.splitlines() if "error" in line),
                             told.stderr)
                return f"{' or '.join(chain)}: does not compile alone: {first}"

            return late + [line for line in pool.map(compile_chain, chains(texts, conditions))
                           if line]


def syntax_only(words: list, includes: list) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*words, "-fsyntax-only", "-x", "c++", "-"], cwd=LINT.path,
        input="".join(f"#include {each}\n" for each in includes), capture_output=True, text=True)


def conditions_of(texts: dict) -> dict:
    """Header -> the words that compile it, those of its neighbour with the most, and its prelude."""
    commands = compile_commands()

    def of(name: str) -> tuple:
        neighbour = max(commands, key=lambda source: (
            len(os.path.commonprefix([source, name])), len(commands[source])))
        given = {include.group(2) for one in all_includes(name, texts) | {name}
                 for line in texts[one].splitlines()
                 if (include := INCLUDE.match(line)) and include.group(1) == "<"}
        fitting = [tuple(sorted(each)) for each in PRELUDES if each <= given]
        return tuple(commands[neighbour]), fitting
    return worth_it({name: of(name) for name in texts})


def worth_it(conditions: dict) -> dict:
    """Of the preludes that fit a header the last that has enough users; () where none has."""
    chosen = {name: (words, fitting[-1] if fitting else ())
              for name, (words, fitting) in conditions.items()}
    users = Counter(chosen.values())
    rare = [key for key in users if key[1] and users[key] < WORTH_IT]
    if not rare:
        return chosen
    # One at a time: users of a large one may be what a smaller one lacks.
    largest = max(rare, key=lambda key: (len(key[1]), key))
    return worth_it({name: (words, fitting[:-1] if chosen[name] == largest else fitting)
                     for name, (words, fitting) in conditions.items()})


def precompiled(words: tuple, prelude: tuple, folder: str) -> tuple:
    """The words that have a compiler read a prelude."""
    with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".h", delete=False) as source:
        source.write("".join(f"#include <{each}>\n" for each in prelude))
    told = subprocess.run([*words, "-x", "c++-header", source.name, "-o", f"{source.name}.pch"],
                          cwd=LINT.path, capture_output=True, text=True, errors="replace")
    if told.returncode != 0:
        raise BuildError(f"a prelude of {', '.join(prelude)} does not compile:\n{told.stderr}")
    return "-include-pch", f"{source.name}.pch"


def chains(texts: dict, conditions: dict) -> list:
    """Every header in one of them; those of a chain include all that come before, and are compiled
    under the same conditions."""
    includes = {name: all_includes(name, texts) for name in texts}
    found, left = [], set(texts)
    for top in sorted(texts, key=lambda name: (-len(includes[name]), name)):
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

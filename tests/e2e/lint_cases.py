# SPDX-License-Identifier: Apache-2.0
"""The checks of tools/test lint: what they cannot look at is no pass."""

import contextlib
import subprocess
import tempfile
from pathlib import Path

from cases import case, check
from testing import headers, lint
from testing.builds import Build, BuildError
from testing_cases import replaced


@contextlib.contextmanager
def clone(**files):
    """A small one, which lint takes for ours."""
    with tempfile.TemporaryDirectory() as name, replaced(lint, ROOT=Path(name)):
        subprocess.run(["git", "init", "-q", name], check=True)
        for file, text in files.items():
            (Path(name) / file).write_text(text, encoding="utf-8")
        yield


@case
def a_check_that_cannot_be_made_has_failed():
    def cannot_build() -> list:
        raise BuildError("what ninja said")

    def broken() -> list:
        raise KeyError("what nobody thought of")

    checks = {"first": cannot_build, "second": broken, "third": lambda: []}
    with replaced(lint, CHECKS=checks) as output:
        tally = lint.lint(quick=False)
    check((tally.failures, tally.passed) == (["lint: first", "lint: second"], 1), f"{tally}")
    check("what ninja said" in output.getvalue() and "KeyError" in output.getvalue(),
          output.getvalue())


@case
def without_git_no_check_passes():
    with tempfile.TemporaryDirectory() as name, replaced(lint, ROOT=Path(name)) as output:
        tally = lint.lint(quick=True)
    check((tally.passed, tally.failed) == (0, len(lint.CHECKS) - 1), f"{tally}\n{output.getvalue()}")
    check("has to be a clone" in output.getvalue(), output.getvalue())


@case
def quick_lint_says_what_it_leaves_out():
    with replaced(lint, CHECKS={"headers compile alone": lint.check_headers}) as output:
        tally = lint.lint(quick=True)
    check((tally.passed, tally.failed, tally.skipped) == (0, 0, 1), f"{tally}")
    check("NOT RUN: lint headers compile alone" in output.getvalue(), output.getvalue())


@case
def every_name_is_looked_at():
    names = ["two words.cpp", "ä.cpp", 'a "b".cpp', "a\nb.cpp"]
    with clone(**{name: "int  x;\n" for name in names}, **{".clang-format": "BasedOnStyle: LLVM\n"}):
        check(sorted(lint.tracked("*.cpp")) == sorted(names), f"{lint.tracked('*.cpp')}")
        check("two words.cpp:1: run clang-format -i two words.cpp" in lint.check_format(),
              f"{lint.check_format()}")
        check(len(lint.check_first_lines()) == len(names), f"{lint.check_first_lines()}")


@case
def a_format_that_cannot_be_read_is_told():
    with clone(**{"one.cpp": "int  x;\n", ".clang-format": "BasedOnStyle: nobody's\n"}):
        with replaced(lint, CHECKS={"format": lint.check_format}) as output:
            tally = lint.lint(quick=False)
    check(tally.failures == ["lint: format"], f"{tally}")
    check("Unknown value for BasedOnStyle" in output.getvalue(), output.getvalue())


@contextlib.contextmanager
def folder_of_headers(commands: dict, files: dict):
    with tempfile.TemporaryDirectory() as name, replaced(
            headers, ROOT=Path(name), LINT=Build(name, ()), compile_commands=lambda: commands):
        for file, content in files.items():
            (Path(name) / file).parent.mkdir(exist_ok=True)
            (Path(name) / file).write_text(content, encoding="utf-8")
        yield


@case
def a_header_that_lacks_an_include_is_told():
    text = "#pragma once\n#include <string>\n"
    files = {"room/above.h": text + '#include "whole.h"\ninline whole of_above;\n',
             "room/lacking.h": text + "inline std::vector<int> numbers;\n",
             "room/whole.h": text + "using whole = std::string;\n",
             "apart/alone.h": "#pragma once\ninline std::string word;\n"}
    commands = {"room/whole.cpp": ["clang++", "-std=c++20"], "apart/alone.cpp": ["clang++"]}
    with folder_of_headers(commands, files):
        told = headers.check_headers(list(files), [])
    check(sorted(line.split(":")[0] for line in told) == ["apart/alone.h", "room/lacking.h"],
          f"{told}")


@case
def a_source_proves_its_header_if_it_includes_it_first():
    files = {"room/proved.h": "#pragma once\n", "room/proved.cpp": '#include "room/proved.h"\n',
             "room/late.h": "#pragma once\n",
             "room/late.cpp": '#include <string>\n#include "room/late.h"\n',
             "room/never.h": "#pragma once\n", "room/never.cpp": "// nothing\n"}
    names = [file for file in files if file.endswith(".h")]
    sources = [file for file in files if file.endswith(".cpp")]
    with folder_of_headers({"room/proved.cpp": ["false"]}, files):
        told = headers.check_headers(names, sources)
        unproved = headers.check_headers(names, [])
    check([line.split(":")[0] for line in told] == ["room/late.cpp", "room/never.cpp"], f"{told}")
    check(len(unproved) == 3, f"{unproved}")

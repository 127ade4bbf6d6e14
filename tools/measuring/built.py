# SPDX-License-Identifier: Apache-2.0
"""What is measured: how build-fast/ is configured, and of which commit. Figures of a build with sanitizers
or without optimisation are worth nothing."""

import json
import subprocess

from .machine import BUILD, ROOT, BenchError

WANTED = {"buildtype": "release", "b_sanitize": "none"}
# What else makes a build faster or slower; recorded only.
RECORDED = ("optimization", "debug", "b_lto", "b_coverage", "profile_kernels")


def options() -> dict:
    """Of meson, name -> value."""
    told = subprocess.run(["meson", "introspect", str(BUILD), "--buildoptions"], cwd=ROOT,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if told.returncode != 0:
        raise BenchError(f"{BUILD.name}/ cannot be read: {told.stderr.strip() or told.stdout.strip()}; run "
                         "tools/bench, which builds")
    return {each["name"]: each["value"] for each in json.loads(told.stdout)}


def sanitizers(value) -> str:
    """A word in older versions of meson, a list of them in newer ones."""
    return value if isinstance(value, str) else ",".join(value) or "none"


def checked(found: dict) -> dict:
    """Those options that matter to a figure. Raises BenchError where they are not what is measured."""
    found = {**found, "b_sanitize": sanitizers(found.get("b_sanitize", "none"))}
    if not found.get("profile"):
        raise BenchError(f"{BUILD.name}/ was not built by a profile; run tools/bench, which does")
    for name, value in WANTED.items():
        if found.get(name) != value:
            raise BenchError(f"{BUILD.name}/ has {name}={found.get(name)}; meson configure {BUILD.name} "
                             f"-D{name}={value}, and build it anew")
    return {name: found[name] for name in (*WANTED, *RECORDED) if name in found}


def commit() -> str:
    """With "-dirty" behind it where a file differs from it; nothing where there is no repository."""
    return subprocess.run(["git", "-c", "safe.directory=*", "describe", "--always", "--dirty",
                           "--exclude=*"], cwd=ROOT, capture_output=True, text=True).stdout.strip()


def described() -> dict:
    return {"commit": commit(), "build": checked(options())}

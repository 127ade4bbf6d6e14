# SPDX-License-Identifier: Apache-2.0
"""A disk that hangs."""

import contextlib
import os
import subprocess
from pathlib import Path

from cases import NotHere
from testing.interruption import held


@contextlib.contextmanager
def disk_at(folder: Path):
    """A file system of its own in that folder, for freeze() and thaw()."""
    image = folder.with_name(folder.name + ".disk")
    image.write_bytes(b"")
    os.truncate(image, 64 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    with contextlib.ExitStack() as ending:
        with held():
            mount(image, folder)
            ending.callback(remove, folder)
        yield


def mount(image: Path, folder: Path) -> None:
    told = subprocess.run(["mount", "-o", "loop", str(image), str(folder)], capture_output=True, text=True)
    if told.returncode != 0:
        raise NotHere(f"no disk to freeze: {told.stderr.strip()}; it takes a loop device")


def remove(folder: Path) -> None:
    with held(), contextlib.ExitStack() as ending:
        ending.callback(subprocess.run, ["umount", "-l", str(folder)], check=True)
        subprocess.run(["fsfreeze", "-u", str(folder)], check=False, stderr=subprocess.DEVNULL)


def freeze(folder: Path) -> None:
    """Who writes there waits from now on."""
    subprocess.run(["fsfreeze", "-f", str(folder)], check=True)


def thaw(folder: Path) -> None:
    subprocess.run(["fsfreeze", "-u", str(folder)], check=True)

# SPDX-License-Identifier: Apache-2.0
"""The Debian package, from tools/package to its purge, in a Debian of its own below build-package/ that
debootstrap makes once. Needs root, and the package mirror that apt of this machine uses."""

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from . import interruption
from .booted_system import BootedSystem, BootError, cgroups
from .builds import ROOT
from .results import Tally, failed, passed, skipped

FOLDER = ROOT / "build-package"
BASE = FOLDER / "bookworm"  # as debootstrap made it
START_LIMIT_S = 60
CONFIGURATION = Path("etc/linehunt/linehunt.toml")
# What remains of any package: logs, caches and lists of the package system, and what its own
# dependencies brought along.
NOT_OURS = re.compile(r"^/(proc|sys|dev|tmp|var/(cache|log|lib/(apt|dpkg|systemd|ucf|pam))|run|root|"
                      r"etc/(\.pwd\.lock|passwd-?|group-?|g?shadow-?|subuid-?|subgid-?|ld\.so\.cache))")


class PackageError(Exception):
    """The message is what the command said."""


def mirror() -> str:
    """Of this machine's apt, for bookworm's own suite."""
    told = subprocess.run(["apt-cache", "policy"], capture_output=True, text=True, check=True)
    found = re.search(r"^ *\d+ (http\S+) bookworm/main", told.stdout, re.MULTILINE)
    return found[1] if found else "http://deb.debian.org/debian"


def run(*words: str, limit_s: float = 900, **more) -> str:
    told = interruption.run_as_session(
        words, timeout=limit_s, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", **more)
    if told.returncode != 0:
        last = "\n".join(told.stdout.strip().splitlines()[-40:])
        raise PackageError(f"{shlex.join(words)}: exit status {told.returncode}\n{last}")
    return told.stdout


def make_base() -> None:
    """A bare Debian 12. One that was interrupted is made again."""
    whole = BASE / "etc/linehunt-base-is-whole"
    if whole.exists():
        return
    shutil.rmtree(BASE, ignore_errors=True)
    FOLDER.mkdir(exist_ok=True)
    # What it mounts goes with it, also where it is interrupted.
    run("unshare", "--mount", "--propagation", "private", "debootstrap", "--variant=minbase", "bookworm",
        str(BASE), mirror(), limit_s=3600)
    # Nothing is started by installing it; and documentation is kept.
    policy = BASE / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
    policy.chmod(0o755)
    whole.touch()


class Chroot:
    """A copy of the bare Debian. A context: leaving it removes the copy."""

    def __init__(self, name: str):
        self.name = name

    def __enter__(self) -> "Chroot":
        make_base()
        self.root = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=FOLDER))
        try:
            run("cp", "-a", "--reflink=auto", f"{BASE}/.", str(self.root))
            shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        # Its mounts are in the name spaces of the commands and went with them; what has made a session
        # of its own, as dpkg does below apt-get, did not.
        with interruption.held():
            interruption.end_all(self.runs)
            shutil.rmtree(self.root, ignore_errors=True)

    def runs(self, process: int) -> bool:
        """Whether the process has this copy as its root."""
        try:
            return os.path.samefile(f"/proc/{process}/root", self.root)
        except OSError:
            return False

    def words(self, command: list, *, network: bool, before: str = "true") -> list:
        """What runs the command inside: with mounts of its own, and with or without a network of its
        own, which `before` sets up."""
        root = shlex.quote(str(self.root))
        # Its root has to be a mount, or `ip -n` inside cannot make mounts of its own.
        script = (f"set -e; mount --bind {root} {root}; mount -t proc proc {root}/proc; "
                  f"mount --rbind /sys {root}/sys; "
                  f"mount --rbind /dev {root}/dev; {before}; exec chroot {root} {shlex.join(command)}")
        spaces = ["--mount", "--propagation", "private"] + ([] if network else ["--net"])
        return ["unshare", *spaces, "sh", "-c", script]

    def run(self, *command: str, network: bool = False, limit_s: float = 900) -> str:
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive",
                       "LC_ALL": "C.UTF-8", "HOME": "/root"}
        environment.update((key, value) for key, value in os.environ.items() if "proxy" in key.lower())
        return run(*self.words(list(command), network=network), limit_s=limit_s, env=environment)

    def files(self) -> set:
        found = set()
        for folder, folders, names in os.walk(self.root):
            for name in [*folders, *names]:
                path = "/" + os.path.relpath(os.path.join(folder, name), self.root)
                if not NOT_OURS.match(path):
                    found.add(path)
        return found


# systemd.exec(5): where the folders of such a line are, and the variable that names them.
FOLDERS_OF_A_SERVICE = {"RuntimeDirectory": ("/run", "RUNTIME_DIRECTORY"),
                        "StateDirectory": ("/var/lib", "STATE_DIRECTORY"),
                        "CacheDirectory": ("/var/cache", "CACHE_DIRECTORY"),
                        "LogsDirectory": ("/var/log", "LOGS_DIRECTORY"),
                        "ConfigurationDirectory": ("/etc", "CONFIGURATION_DIRECTORY")}


def words_of_unit(chroot: Chroot, key: str) -> list:
    """Of all lines of the installed unit with that key."""
    for place in ("usr/lib", "lib"):
        unit = chroot.root / place / "systemd/system/linehunt.service"
        if unit.exists():
            return [word for line in re.findall(rf"^{key}=(.*)$", unit.read_text(encoding="utf-8"),
                                                re.MULTILINE) for word in shlex.split(line)]
    raise PackageError("the package has no linehunt.service")


def unit_line(chroot: Chroot, key: str) -> list:
    words = words_of_unit(chroot, key)
    if not words:
        raise PackageError(f"linehunt.service has no {key}")
    return words


def environment_of_unit(chroot: Chroot) -> dict:
    """What systemd sets for the unit's commands. The folders that it names are made, as systemd does."""
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    environment.update(word.split("=", 1) for word in words_of_unit(chroot, "Environment"))
    for key, (place, variable) in FOLDERS_OF_A_SERVICE.items():
        folders = [f"{place}/{name}" for name in words_of_unit(chroot, key)]
        for folder in folders:
            (chroot.root / folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
        if folders:
            environment[variable] = ":".join(folders)
    return environment


def as_the_unit(chroot: Chroot, key: str) -> list:
    """The command of the unit with no more rights than the unit gives."""
    kept = [word.removeprefix("CAP_").lower() for word in unit_line(chroot, "CapabilityBoundingSet")]
    return ["setpriv", "--no-new-privs", "--bounding-set",
            ",".join(["-all", *(f"+{word}" for word in kept)]), *unit_line(chroot, key)]


def configure(chroot: Chroot) -> None:
    """The installed configuration, with a device that this machine has."""
    file = chroot.root / CONFIGURATION
    text = file.read_text(encoding="utf-8")
    changed = re.sub(r'^device = "net_tap0.*$', 'device = "net_af_packet0,iface=lh0"', text,
                     flags=re.MULTILINE)
    if changed == text:
        raise PackageError("the installed configuration has no net_tap0 to replace")
    file.write_text(changed, encoding="utf-8")


def serve(chroot: Chroot) -> None:
    """Starts it by the unit's command line, asks it, reloads and ends it."""
    before = ("ip link set lo up; ip link add lh0 type veth peer name lh1; ip link set lh0 up; "
              "ip link set lh1 up")
    told = chroot.root / "tmp/notify"
    told.unlink(missing_ok=True)
    log = FOLDER / "linehunt.log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear, open(log, "wb") as output:
        ear.bind(str(told))
        told.chmod(0o777)
        ear.settimeout(0.2)
        environment = {**environment_of_unit(chroot), "NOTIFY_SOCKET": "/tmp/notify"}
        check = as_the_unit(chroot, "ExecStartPre")
        run(*chroot.words(check, network=False, before=before), env=environment)
        process = subprocess.Popen(
            chroot.words(as_the_unit(chroot, "ExecStart"), network=False, before=before),
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment,
            start_new_session=True)
        try:
            heard, deadline = "", time.monotonic() + START_LIMIT_S
            while "READY=1" not in heard:
                if process.poll() is not None:
                    raise PackageError(f"it ended with {process.returncode}:\n{log.read_text()}")
                if time.monotonic() > deadline:
                    raise PackageError(f"it is not ready:\n{log.read_text()}")
                with contextlib.suppress(TimeoutError):
                    heard += ear.recv(4096).decode()
            if left := list((chroot.root / "tmp").glob("dpdk*")):
                raise PackageError(f"{left} can be in anybody's way at the next start; it belongs below /run")
            listed = chroot.run("linehuntctl", "list")
            if "sip:192.0.2.21:5060" not in listed:
                raise PackageError(f"linehuntctl list says:\n{listed}")
            user = re.search(r"^Uid:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text(),
                             re.MULTILINE)[1]
            entry = chroot.run("getent", "passwd", "linehunt").split(":")
            if user != entry[2] or user == "0":
                raise PackageError(f"it runs as user {user}, not as {entry}")
            chroot.run(*as_the_unit(chroot, "ExecReload"))
            process.send_signal(signal.SIGTERM)
            if process.wait(START_LIMIT_S) != 0:
                raise PackageError(f"exit status {process.returncode}:\n{log.read_text()}")
            if (chroot.root / "run/linehunt/linehunt.sock").exists():
                raise PackageError("the admin socket is left behind")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def left_alone_by_needrestart(chroot: Chroot) -> None:
    """As needrestart(1) reads its files, and looks a service up in them."""
    told = chroot.run("perl", "-e", """our %nrconf = (override_rc => {});
for (glob "/etc/needrestart/conf.d/*.conf") { eval do { local (@ARGV, $/) = $_; <> }; die $@ if $@ }
print map { "linehunt.service" =~ /$_/ ? "$nrconf{override_rc}{$_};" : () } keys %{$nrconf{override_rc}}""")
    if told != "0;":
        raise PackageError(f"needrestart would restart it: '{told}'")


def render_pages(chroot: Chroot) -> None:
    for page in ("linehunt.8", "linehuntctl.1", "linehunt.toml.5"):
        name, _, section = page.rpartition(".")
        text = chroot.run("man", "--warnings", section, name)
        # man's own word, with the place before it; the page may speak of warnings.
        if "SEE ALSO" not in text or re.search(r":\d+: (warning|error)", text):
            raise PackageError(f"man {section} {name} says:\n{text}")


def install(chroot: Chroot, package: Path) -> None:
    shutil.copy(package, chroot.root / "var/cache")  # a boot empties /tmp
    chroot.run("apt-get", "install", "-q", "-y", "--no-install-recommends",
               f"/var/cache/{package.name}", network=True)


def package_suite() -> Tally:
    if os.geteuid() != 0:
        return skipped("package", "needs root for a chroot: sudo tools/test package")
    tally = Tally()

    def step(name: str, what) -> None:
        began = time.monotonic()
        what()
        print(f"package {name}: ok  ({time.monotonic() - began:.1f} s)", flush=True)
        tally.add(passed())

    name = "builds"
    try:
        package = []
        step(name, lambda: package.append(Path(run(
            "tools/package", limit_s=7200, cwd=ROOT).strip().splitlines()[-1])))
        name = "chroot"
        with Chroot("install") as chroot:
            name = "dependencies are there"
            # The manual and what the package needs, but not the package: what is left behind at the
            # end is then the package's own.
            needs = run("dpkg-deb", "--field", str(package[0]), "Depends")
            plain = [re.sub(r"\(.*?\)|\|.*", "", each).strip() for each in needs.split(",")]

            def prepare() -> None:
                chroot.run("apt-get", "update", "-q", network=True)
                chroot.run("apt-get", "install", "-q", "-y", "--no-install-recommends", "man-db",
                           "systemd", *plain, network=True)
            step(name, prepare)
            bare = chroot.files()
            users = (chroot.root / "etc/passwd").read_text(encoding="utf-8")

            def by_systemd() -> None:
                run_by_systemd(chroot, package[0])

            def without_systemd() -> None:
                removed(chroot, lambda: chroot.run("apt-get", "remove", "-q", "-y", "linehunt"))
            if not cgroups():
                tally.add(skipped("package is run by systemd", "needs control groups of version 2"))
            for name, what in (
                ("installs", lambda: install(chroot, package[0])),
                ("says its version", lambda: check_versions(chroot, package[0])),
                ("unit is right", lambda: chroot.run("systemd-analyze", "verify",
                                                     "linehunt.service")),
                ("is left alone by needrestart", lambda: left_alone_by_needrestart(chroot)),
                ("man pages", lambda: render_pages(chroot)),
                ("configuration", lambda: configure(chroot)),
                ("serves", lambda: serve(chroot)),
                ("installs again", lambda: install(chroot, package[0])),
                ("serves again", lambda: serve(chroot)),
                ("is run by systemd and removed", by_systemd) if cgroups() else
                ("is removed", without_systemd),
                ("purges, but not what is in use", lambda: purged_in_use(chroot)),
                ("purges", lambda: purged(chroot, package[0], bare, users)),
            ):
                step(name, what)
    except (PackageError, BootError, OSError, subprocess.SubprocessError) as error:
        tally.add(failed(f"package {name}", str(error)))
    return tally


def check_versions(chroot: Chroot, package: Path) -> None:
    version = run("dpkg-deb", "--field", str(package), "Version").strip()
    if package.name != f"linehunt_{version}_amd64.deb":
        raise PackageError(f"{package.name} has version {version}")
    for program in ("linehunt", "linehuntctl"):
        told = chroot.run(program, "--version").strip()
        if told != f"{program} {version}":
            raise PackageError(f"{program} --version says {told}, the package {version}")


def run_by_systemd(chroot: Chroot, package: Path) -> None:
    """By a systemd of its own: starts, tells how it is, stops, goes on over an upgrade, and ends where the
    package is removed."""
    (chroot.root / "usr/sbin/policy-rc.d").unlink()  # it keeps a removal from stopping anything too
    with BootedSystem(chroot.root) as system:
        system.make_veth("lh0", "lh1")

        def main_process() -> str:
            told = system.run("systemctl", "show", "--property=ActiveState,MainPID", "linehunt")
            found = re.search(r"^MainPID=(\d+)$", told, re.MULTILINE)[1]
            return found if "ActiveState=active" in told else ""

        for _ in range(2):
            try:
                system.run("systemctl", "start", "linehunt")
            except BootError as error:
                raise PackageError(f"{error}\n{system.run('journalctl', '-u', 'linehunt', '-n', '40')}") from error
            told = system.run("systemctl", "status", "--no-pager", "linehunt")
            if "Active: active (running)" not in told or 'Status: "serving, 0 calls' not in told:
                raise PackageError(f"systemctl status says:\n{told}")
            if "sip:192.0.2.21:5060" not in system.run("linehuntctl", "list"):
                raise PackageError("linehuntctl list does not have its destination")
            system.run("systemctl", "reload", "linehunt")
            system.run("systemctl", "stop", "linehunt")
            told = system.run("systemctl", "show", "--property=ActiveState,Result", "linehunt")
            if told.split() != ["Result=success", "ActiveState=inactive"]:
                raise PackageError(f"after systemctl stop: {told}")
        # As a package of before has it.
        system.run("touch", "--date=2020-01-01", "/lib/systemd/system/linehunt.service")
        system.run("systemctl", "daemon-reload")
        system.run("systemctl", "start", "linehunt")
        before = main_process()
        system.run("dpkg", "--install", f"/var/cache/{package.name}")
        if not before or main_process() != before:
            raise PackageError("an upgrade does not leave it alone")
        if "=no" not in system.run("systemctl", "show", "--property=NeedDaemonReload", "linehunt"):
            raise PackageError("after an upgrade systemd has the old unit")
        removed(chroot, lambda: system.run("apt-get", "remove", "-q", "-y", "linehunt"))
        left = system.run("sh", "-c", f"test ! -e /proc/{before} || cat /proc/{before}/status", any_status=True)
        if main_process() or left:
            raise PackageError(f"it goes on though its package was removed: {left}")


def removed(chroot: Chroot, remove) -> None:
    remove()
    if (chroot.root / "usr/bin/linehunt").exists():
        raise PackageError("the program is still there")
    if "iface=lh0" not in (chroot.root / CONFIGURATION).read_text(encoding="utf-8"):
        raise PackageError("the operator's configuration is gone")


def purged_in_use(chroot: Chroot) -> None:
    """What was started without systemd goes on; its user and its folders stay, and the purge says so."""
    user = ["setpriv", "--reuid=linehunt", "--regid=linehunt", "--clear-groups"]
    with subprocess.Popen(chroot.words([*user, "sh", "-c", "echo && exec sleep 600"], network=False),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            if not process.stdout.readline():
                raise PackageError("nothing runs as user linehunt")
            told = chroot.run("dpkg", "--purge", "linehunt")
        finally:
            process.kill()
    if "userdel linehunt; rm -rf" not in told:
        raise PackageError(f"it does not say what is left to do:\n{told}")
    if not (chroot.root / "var/lib/linehunt").is_dir():
        raise PackageError("a folder is gone while it is used")
    chroot.run("getent", "passwd", "linehunt")


def purged(chroot: Chroot, package: Path, bare: set, users: str) -> None:
    chroot.run("dpkg", "--install", f"/var/cache/{package.name}")
    chroot.run("apt-get", "purge", "-q", "-y", "linehunt")
    left = sorted(chroot.files() - bare)
    if left:
        raise PackageError("left behind: " + " ".join(left))
    for folder in ("run", "var/lib", "var/log"):
        if (chroot.root / folder / "linehunt").exists():
            raise PackageError(f"/{folder}/linehunt is left behind")
    if (chroot.root / "etc/passwd").read_text(encoding="utf-8") != users:
        raise PackageError("its user is left behind")


def bare_build_suite() -> Tally:
    """tools/install on a bare Debian, the demo there, and a build of everything: the list is complete."""
    if os.geteuid() != 0:
        return skipped("bare", "needs root for a chroot: sudo tools/test bare")
    tally = Tally()
    name = "chroot"
    try:
        with Chroot("bare") as chroot:
            (chroot.root / "src").mkdir()
            files = run("git", "-c", "safe.directory=*", "ls-files", "-z", cwd=ROOT)
            run("cp", "-a", "--parents", "-t", str(chroot.root / "src"), *files.split("\0")[:-1],
                cwd=ROOT)
            for name, command, network in (
                ("packages", "/src/tools/install", True),
                *((f"demo, {device}, {workers} workers", "cd /src && tools/demo --calls 2000 --rate 200 "
                   f"--json --device {device} --workers {workers}", False)
                  for device in ("af_xdp", "af_packet") for workers in (1, 2)),
                ("all targets build", "cd /src && meson configure build -Dbenchmarks=true && "
                 "nice -n 19 ninja -C build", False),
                ("the build by a profile", "cd /src && nice -n 19 tools/build", False),
                ("fuzz targets build", "cd /src && CXX=clang++ meson setup build-fuzz -Dfuzzers=true "
                 "-Dtests=false -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=0 "
                 "-Ddebug=false && nice -n 19 ninja -C build-fuzz fuzzers", False),
            ):
                began = time.monotonic()
                chroot.run("sh", "-c", command, network=network, limit_s=7200)
                print(f"bare {name}: ok  ({time.monotonic() - began:.1f} s)", flush=True)
                tally.add(passed())
    except (PackageError, OSError, subprocess.SubprocessError) as error:
        tally.add(failed(f"bare {name}", str(error)))
    return tally

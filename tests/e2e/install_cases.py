# SPDX-License-Identifier: Apache-2.0
"""tools/install on a machine that lacks something, as far as that can be seen without installing
anything: apt and systemd are stubs, and the folders that it writes are this case's own. And what the
package is made of."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from cases import case, check, wait_until

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 30

# $STATE has the machine: `missing/` packages, `enabled/` services, `log` what was called.
STUBS = {
    "dpkg-query": """for name in "$@"; do :; done
[ -e "$STATE/missing/$name" ] || printf installed""",
    "systemctl": """case "$*" in
  "is-enabled "*) [ -e "$STATE/enabled/$2" ] && echo enabled ;;
  *) echo "systemctl $*" >> "$STATE/log" ;;
esac""",
    "debconf-set-selections": 'read -r line; echo "debconf $line" >> "$STATE/log"',
    "sleep": "exit 0",
    "date": """[ -e "$STATE/seconds" ] || exec /usr/bin/date "$@"
now=$(($(cat "$STATE/seconds") + 100))
echo $now > "$STATE/seconds"
echo $now""",
    "apt-get": """pre=: post=:
for word in "$@"; do
  case "$word" in update | install) operation=$word ;;
    DPkg::Pre-Invoke::=*) pre=${word#*=} ;; DPkg::Post-Invoke::=*) post=${word#*=} ;; esac
done
left=$(cat "$STATE/$operation-locked" 2>/dev/null || echo 0)
if [ "$left" -gt 0 ]; then
  echo $((left - 1)) > "$STATE/$operation-locked"
  echo "$operation locked$(cd / && ls usr/sbin/policy-rc.d etc/postgresql-common/* 2>/dev/null)" >> "$STATE/log"
  echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1 (apt-get)" >&2
  exit 100
fi
if [ "$operation" = update ]; then
  echo update >> "$STATE/log"
  echo "lists are read"
  exit 0
fi
sh -c "$pre" || exit 100
policy=0
/usr/sbin/policy-rc.d mariadb start || policy=$?
echo "install, policy $policy, $(cat /etc/postgresql-common/createcluster.d/* 2>/dev/null)" >> "$STATE/log"
[ ! -e "$STATE/broken" ] || { echo "E: no space left" >&2; exit 100; }
for name in "$STATE"/missing/*; do
  case "${name##*/}" in mariadb-server) touch "$STATE/enabled/mariadb" ;;
    postgresql | prometheus) touch "$STATE/enabled/${name##*/}" ;; esac
  rm "$name"
done
echo installed >> "$STATE/log"
[ ! -e "$STATE/slow" ] || /usr/bin/sleep 60
sh -c "$post"
ls /usr/sbin /etc/postgresql-common >> "$STATE/unlocked" # what is there when apt gives back its locks""",
}


def heeds_signals() -> None:
    """Also where these cases run under nohup, or in the background of a script: a shell cannot trap what
    was ignored when it began."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


class Machine:
    """A context. Its folders stand in the place of the real ones while tools/install runs."""

    PLACES = {"sbin": "/usr/sbin", "dpkg": "/var/lib/dpkg", "postgresql": "/etc/postgresql-common",
              "run": "/run"}

    def __init__(self, *missing: str):
        self._folder = tempfile.TemporaryDirectory(prefix="linehunt-e2e-")
        self.state = Path(self._folder.name)
        self._started = []
        for name in ("bin", "missing", "enabled", "run/systemd/system", *self.PLACES):
            (self.state / name).mkdir(parents=True, exist_ok=True)
        for name, script in STUBS.items():
            (self.state / "bin" / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
            (self.state / "bin" / name).chmod(0o755)
        for name in missing:
            (self.state / "missing" / name).touch()
        self.policy = self.state / "sbin/policy-rc.d"

    def __enter__(self) -> "Machine":
        return self

    def __exit__(self, *_) -> None:
        for process in self._started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._folder.cleanup()

    def start(self, *words: str) -> subprocess.Popen:
        mounts = "".join(f"mount --bind '{self.state}/{name}' {place} && "
                         for name, place in self.PLACES.items())
        self._started.append(subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c",
             f'{mounts} exec "$0" "$@"', str(ROOT / "tools/install"), *words],
            env={"PATH": f"{self.state}/bin:/usr/bin:/bin", "STATE": str(self.state)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, preexec_fn=heeds_signals))
        return self._started[-1]

    def install(self, *words: str) -> tuple:
        """Exit status, standard output and error."""
        process = self.start(*words)
        output, error = process.communicate(timeout=LIMIT_S)
        return process.returncode, output, error

    def log(self) -> list:
        log = self.state / "log"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []

    def check_nothing_is_forbidden_unlocked(self) -> None:
        said = (self.state / "unlocked").read_text(encoding="utf-8").split()
        check(said == ["/etc/postgresql-common:", "/usr/sbin:"], f"apt ended with {said}")

    def check_nothing_is_left(self) -> None:
        left = [str(path.relative_to(self.state)) for name in ("sbin", "postgresql", "dpkg")
                for path in (self.state / name).rglob("*")]
        check(not left, f"left behind: {left}")


@contextmanager
def locked(folder: Path):
    place = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX)
        yield
    finally:
        os.close(place)


@case
def installing_starts_no_service():
    with Machine("g++", "mariadb-server", "postgresql") as machine:
        status, output, error = machine.install()
        check((status, output) == (0, ""), f"{status} {output!r} {error}")
        check("lists are read" in error, error)
        check(machine.log() == [
            "update", "install, policy 101, create_main_cluster = false", "installed",
            "systemctl --quiet disable --now mariadb", "systemctl --quiet disable --now postgresql",
        ], f"{machine.log()}")
        machine.check_nothing_is_forbidden_unlocked()
        machine.check_nothing_is_left()


@case
def installing_leaves_what_the_operator_has():
    with Machine("mariadb-server", "prometheus", "tshark") as machine:
        (machine.state / "enabled/prometheus").touch()
        (machine.state / "run/systemd/system").rmdir()
        machine.policy.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
        machine.policy.chmod(0o755)
        status, _, error = machine.install()
        check(status == 0, error)
        check(machine.log() == ["update", "install, policy 0, ", "installed",
                                "systemctl --quiet disable mariadb"], f"{machine.log()}")
        check(machine.policy.read_text() == "#!/bin/sh\nexit 0\n", "its policy is another one")


@case
def a_policy_that_an_install_left_behind_is_taken_over():
    with Machine("g++") as machine:
        machine.policy.write_text("#!/bin/sh\n# tools/install left this\nexit 0\n", encoding="utf-8")
        status, _, error = machine.install()
        check(status == 0 and "install, policy 101, " in machine.log(), f"{machine.log()} {error}")
        machine.check_nothing_is_left()


@case
def capturing_is_settled_only_with_a_new_wireshark():
    line = "debconf wireshark-common wireshark-common/install-setuid boolean false"
    for missing, wanted in ((("tshark",), []), (("tshark", "wireshark-common"), [line])):
        with Machine(*missing) as machine:
            status, _, error = machine.install()
            check(status == 0, error)
            check([each for each in machine.log() if "debconf" in each] == wanted, f"{machine.log()}")


@case
def an_install_that_fails_leaves_nothing():
    with Machine("mariadb-server", "postgresql") as machine:
        (machine.state / "broken").touch()
        status, _, error = machine.install()
        check(status == 100 and "no space left" in error, f"{status} {error}")
        machine.check_nothing_is_left()


@case(number="SIGHUP")
@case(number="SIGINT")
@case(number="SIGTERM")
def an_interrupted_install_leaves_nothing(number: str):
    with Machine("mariadb-server", "postgresql") as machine:
        (machine.state / "slow").touch()
        process = machine.start()
        wait_until(lambda: "installed" in machine.log(), "the installing")
        # Its shell may forget a SIGINT that comes before it has a child.
        wait_until(lambda: subprocess.run(["pgrep", "-g", str(process.pid), "-x", "sleep"],
                                          stdout=subprocess.DEVNULL).returncode == 0, "a busy apt")
        check(machine.policy.exists(), "there is nothing to leave behind; the case proves nothing")
        os.killpg(process.pid, getattr(signal, number))
        process.communicate(timeout=LIMIT_S)
        check(process.returncode == 128 + getattr(signal, number), f"{process.returncode}")
        machine.check_nothing_is_left()
        check("systemctl --quiet disable --now mariadb" in machine.log(), f"{machine.log()}")


@case
def installing_waits_for_another_apt():
    """Whose services may start meanwhile."""
    with Machine("postgresql") as machine:
        (machine.state / "update-locked").write_text("2")
        (machine.state / "install-locked").write_text("2")
        status, _, error = machine.install()
        check(status == 0 and "waiting for another apt" in error, f"{status} {error}")
        check(machine.log() == [
            *["update locked"] * 2, "update", *["install locked"] * 2,
            "install, policy 101, create_main_cluster = false", "installed",
            "systemctl --quiet disable --now postgresql"], f"{machine.log()}")
        machine.check_nothing_is_forbidden_unlocked()
    with Machine("g++") as machine:
        (machine.state / "update-locked").write_text("1000")
        (machine.state / "seconds").write_text("0")  # each look at the clock takes 100
        status, _, error = machine.install()
        check(status == 100 and "Could not get lock" in error, f"{status} {error}")
        check(machine.log() == ["update locked"] * 3, f"{machine.log()}")
        machine.check_nothing_is_left()


@case
def two_installs_go_one_after_another():
    with Machine("g++") as machine:
        with locked(machine.state / "dpkg"):
            process = machine.start()
            check("waiting for another one" in process.stderr.readline(), "it does not wait")
            check(process.poll() is None and not machine.log(), f"{machine.log()}")
            (machine.state / "missing/g++").unlink()
        process.communicate(timeout=LIMIT_S)
        check(process.returncode == 0 and not machine.log(),
              f"{process.returncode}, what the other installed once more: {machine.log()}")


@case
def installing_is_silent_where_nothing_is_missing():
    with Machine() as machine, locked(machine.state / "dpkg"):
        for words in ((), ("--check",)):
            check(machine.install(*words) == (0, "", ""), f"{words}")
        (machine.state / "missing/jq").touch()
        check(machine.install("--check") == (1, "missing: jq\n", ""), "--check")
        check(not machine.log(), f"{machine.log()}")
        machine.check_nothing_is_left()


@case
def a_package_is_made_in_a_folder_with_a_space():
    with tempfile.TemporaryDirectory(prefix="linehunt e2e ") as name:
        tree, build = Path(name) / "tree", Path(name) / "build"
        shutil.copytree(ROOT / "tools/package.d", tree / "debian")
        build.mkdir()
        meson = build / "meson"  # puts into place what a build would have, and says what it heard
        meson.write_text("""#!/bin/sh
printf '%s\\n' "$@" > heard
mkdir -p debian/linehunt/usr/lib/systemd/system debian/linehunt/usr/share/doc/linehunt
cp -R "$EXAMPLES" debian/linehunt/usr/share/doc/linehunt/examples
""", encoding="utf-8")
        meson.chmod(0o755)
        examples = Path(name) / "examples"
        examples.mkdir()
        shutil.copy(ROOT / "tools/linehunt.example.toml", examples)
        told = subprocess.run(["make", "-f", "debian/rules", "override_dh_auto_install"], cwd=tree,
                              capture_output=True, text=True,
                              env={"PATH": f"{build}:/usr/bin:/bin", "LINEHUNT_BUILD": str(build),
                                   "EXAMPLES": str(examples)})
        check(told.returncode == 0, told.stdout + told.stderr)
        heard = (tree / "heard").read_text().splitlines()
        check(heard == ["install", "-C", str(build), "--no-rebuild", "--quiet", "--destdir",
                        f"{tree}/debian/linehunt"], f"{heard}")
        installed = tree / "debian/linehunt/etc/linehunt/linehunt.toml"
        check('\nuser = "linehunt"' in installed.read_text(), "the example is not its configuration")


def version_of(tree: Path) -> str:
    told = subprocess.run([tree / "tools/package", "--version"], capture_output=True, text=True,
                          timeout=LIMIT_S)
    check(told.returncode == 0 and not told.stderr, f"{told.returncode} {told.stderr}")
    return told.stdout.strip()


def check_higher(version: str, before: str) -> None:
    check(subprocess.run(["dpkg", "--compare-versions", version, "gt", before]).returncode == 0,
          f"apt does not take {version} for an upgrade of {before}")


@case
def the_version_of_a_package_says_of_which_commit_it_is():
    with tempfile.TemporaryDirectory(prefix="linehunt-e2e-") as name:
        tree = Path(name)
        (tree / "tools").mkdir()
        shutil.copy(ROOT / "tools/package", tree / "tools")
        (tree / "meson.build").write_text("project('linehunt', 'cpp', version: '0.1.0', license: 'x')\n")
        check(re.fullmatch(r"0\.1\.0\+built\d{8}\.\d{6}", version_of(tree)), version_of(tree))

        def commit(date: str) -> str:
            git = ["git", "-C", name, "-c", "user.name=x", "-c", "user.email=x@example.net",
                   "-c", "commit.gpgsign=false"]
            for words in (["init", "-q"], ["add", "."], ["commit", "-q", "--allow-empty", "-m", "x"]):
                subprocess.run([*git, *words], check=True, capture_output=True,
                               env={**os.environ, "GIT_COMMITTER_DATE": date})
            told = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
            return told.stdout[:10]

        first = commit("2026-04-01T01:00:00+02:00")
        before = version_of(tree)
        check(before == f"0.1.0+git20260331.230000.{first}", before)
        check_higher(before, "0.1.0")
        with open(tree / "meson.build", "a", encoding="ascii") as file:
            file.write("# changed\n")
        changed = version_of(tree)
        check(re.fullmatch(re.escape(before) + r"\.changed\d{8}\.\d{6}", changed), changed)
        check_higher(changed, before)
        second = commit("2026-04-01T01:00:01+02:00")
        check(version_of(tree) == f"0.1.0+git20260331.230001.{second}", version_of(tree))
        check_higher(version_of(tree), changed)
        # A tree below another one's is not of the other's commits.
        (tree / "below/tools").mkdir(parents=True)
        shutil.copy(ROOT / "tools/package", tree / "below/tools")
        shutil.copy(tree / "meson.build", tree / "below")
        check("+built" in version_of(tree / "below"), version_of(tree / "below"))

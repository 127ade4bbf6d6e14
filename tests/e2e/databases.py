# SPDX-License-Identifier: Apache-2.0
"""Databases for the end-to-end cases: SQLite, and servers of MariaDB and PostgreSQL of the test's own,
with their data in a temporary folder and an unprivileged user. Every one of them holds OpenSIPS' table
of destinations."""

import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path

from cases import NotHere
from lab.wire import Host, LabError
from testing.interruption import held, run_as_session

START_LIMIT_S = 30
PASSWORD = "it's @ secret"
PASSWORD_IN_URL = "it%27s%20%40%20secret"

TABLE = """create table load_balancer (id {serial}, group_id {number} default 0 not null,
dst_uri char(128) not null, resources char(255) not null, probe_mode {number} default 0 not null,
attrs char(255) default null, description char(128) default null, site {blob} default null)"""
VERSION = "create table version (table_name char(32) not null, table_version {number} not null)"


class Database:
    """A context. `kind` of linehunt's URL; the columns are those of OpenSIPS' schema and one more."""

    types = {}

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="linehunt-db-"))

    def __enter__(self):
        try:
            self.prepare()
            self.start()
            self.execute(TABLE.format(**self.types), VERSION.format(**self.types),
                         "insert into version values ('load_balancer', 3)")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        with held():
            self.kill()
            shutil.rmtree(self.folder, ignore_errors=True)

    def insert(self, number: int, uri: str, resources: str, probe_mode: int = 0) -> None:
        self.execute("insert into load_balancer (id, group_id, dst_uri, resources, probe_mode, attrs) "
                     f"values ({number}, 1, '{uri}', '{resources}', {probe_mode}, 'row {number}')")

    def update(self, number: int, **values) -> None:
        words = ", ".join(f"{name} = '{value}'" for name, value in values.items())
        self.execute(f"update load_balancer set {words} where id = {number}")


class Sqlite(Database):
    types = {"serial": "integer primary key autoincrement", "number": "int unsigned",
             "blob": "blob"}

    def __init__(self, _host: Host):
        super().__init__()
        self.file = self.folder / "linehunt.db"
        self.away = self.folder / "away.db"
        self.url = f"sqlite://{self.file}"

    def prepare(self) -> None:
        pass

    def execute(self, *statements: str) -> None:
        with sqlite3.connect(self.file) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    def kill(self) -> None:
        """There is no server to kill; what is left in its place is no database."""
        if self.file.exists():
            self.file.rename(self.away)
            self.file.write_bytes(b"nothing that a database would hold" * 100)

    def start(self) -> None:
        if self.away.exists():
            self.away.rename(self.file)

    def hang(self) -> None:
        """Somebody keeps it locked."""
        self.lock = sqlite3.connect(self.file, isolation_level=None)
        self.lock.execute("begin exclusive")

    def go_on(self) -> None:
        self.lock.close()


class Server(Database):
    """Runs in the network of the balancer, so that it is asked over TCP."""

    user = ""

    def __init__(self, host: Host):
        try:
            owner = pwd.getpwnam(self.user)
        except KeyError:
            raise NotHere(f"no user {self.user}; tools/install brings it with the server") from None
        super().__init__()
        self.host = host
        self.process = None
        self.data = self.folder / "data"
        self.data.mkdir()
        for path in (self.folder, self.data):
            os.chown(path, owner.pw_uid, owner.pw_gid)
            path.chmod(0o700)

    def words(self, *words: str) -> list:
        return ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", "--",
                *words]

    def run(self, *words: str, input: str = "") -> None:
        told = run_as_session(self.words(*words), cwd=self.folder, input=input, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env={"PATH": os.environ["PATH"], "HOME": str(self.folder),
                                   "LC_ALL": "C", "PGPASSWORD": PASSWORD})
        if told.returncode != 0:
            raise LabError(f"{words[0]}: {told.stderr.strip()}\n{told.stdout.strip()[-2000:]}")

    def begin(self, *words: str) -> None:
        self.process = self.host.start(self.words(*words), self.folder, self.folder / "log")
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            try:
                return self.execute("select 1", database="")
            except LabError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    log = (self.folder / "log").read_text(errors="replace")[-2000:]
                    raise LabError(f"{words[0]} does not serve: {error}\n{log}") from None
            time.sleep(0.05)

    def hang(self) -> None:
        """Takes connections and says nothing."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.killpg(self.process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """As if it had crashed, with all that it started."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Mariadb(Server):
    user = "mysql"
    types = {"serial": "int unsigned auto_increment primary key not null",
             "number": "int unsigned", "blob": "blob"}
    url = f"mysql://linehunt:{PASSWORD_IN_URL}@127.0.0.1:13306/opensips"

    def prepare(self) -> None:
        # As mariadb-install-db does it, but without time zones, help and logins of others.
        self.run("mariadb-install-db", "--no-defaults", f"--datadir={self.data}",
                 "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve",
                 "--innodb-log-file-size=8M", "--innodb-flush-method=nosync", "--cross-bootstrap")

    def start(self) -> None:
        self.begin("mariadbd", "--no-defaults", f"--datadir={self.data}",
                   f"--socket={self.folder}/socket", "--port=13306", "--bind-address=127.0.0.1",
                   f"--pid-file={self.folder}/pid", "--innodb-buffer-pool-size=16M",
                   "--innodb-log-file-size=8M", "--innodb-flush-method=nosync",
                   "--skip-name-resolve")
        self.execute("create database if not exists opensips",
                     "create user if not exists linehunt@'127.0.0.1' identified by "
                     "'it''s @ secret'", "grant all on opensips.* to linehunt@'127.0.0.1'",
                     database="")

    def execute(self, *statements: str, database: str = "opensips") -> None:
        self.run("mariadb", "--no-defaults", f"--socket={self.folder}/socket", "-u", "root",
                 database, input=";\n".join(statements))


class Postgresql(Server):
    user = "postgres"
    types = {"serial": "serial primary key not null", "number": "integer", "blob": "json"}
    url = f"postgresql://linehunt:{PASSWORD_IN_URL}@127.0.0.1:15432/opensips"

    @staticmethod
    def program(name: str) -> str:
        found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        if not found:
            raise NotHere("no PostgreSQL server; tools/install brings it")
        return str(found[-1])

    def prepare(self) -> None:
        secret = self.folder / "password"
        secret.write_text(PASSWORD + "\n", encoding="utf-8")
        self.run(self.program("initdb"), "-D", str(self.data), "-U", "linehunt", "-N",
                 "--auth=scram-sha-256", f"--pwfile={secret}")

    def start(self) -> None:
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self.begin(self.program("postgres"), "-D", str(self.data), "-p", "15432", "-k",
                   str(self.folder), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
                   "-c", "shared_buffers=16MB")
        try:
            self.execute("create database opensips", database="")
        except LabError as error:
            if "already exists" not in str(error):
                raise

    def execute(self, *statements: str, database: str = "opensips") -> None:
        self.run(self.program("psql"), "-h", str(self.folder), "-p", "15432", "-U", "linehunt",
                 "-d", database or "postgres", "-X", "-q", "-v", "ON_ERROR_STOP=1",
                 input=";\n".join(statements) + ";\n")


KINDS = {"SQLite": Sqlite, "MariaDB": Mariadb, "PostgreSQL": Postgresql}

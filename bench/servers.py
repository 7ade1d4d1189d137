"""The servers under load: ours in production mode, and the floor with the same configuration."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.live_calls import ORGANISATION
from bench.options import Options
from tests.servers import Missing, free_port
from tests.servers import redis as started_redis

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60


@contextmanager
def redis() -> Iterator[str]:
    """Yield the URL of a Redis for shared rate limits; empty on a machine without Redis."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(started_redis())
        except Missing:
            url = ""
        yield url


@contextmanager
def ours(
    name: str, folder: Path, url: str, options: Options, master_keys: str, rates: str
) -> Iterator[int]:
    """Run the product like ``flask serve`` in production on the database ``url``.

    Yield its port.
    """
    extra = {"VOUCHLINE_DATABASE_URL": url, "VOUCHLINE_MASTER_KEYS": master_keys}
    if rates:
        extra["VOUCHLINE_RATE_STORAGE"] = rates
    command = [sys.executable, "-m", "flask", "--app", "app", "serve"]
    with _web(name, folder, command, options, extra) as port:
        yield port


@contextmanager
def gunicorn(
    name: str, folder: Path, url: str, options: Options, master_keys: str, rates: str
) -> Iterator[int]:
    """Run the product on gunicorn with as many threads as granian has; yield its port."""
    extra = {
        "VOUCHLINE_DATABASE_URL": url,
        "VOUCHLINE_MASTER_KEYS": master_keys,
        "PYTHONPATH": os.pathsep.join([str(ROOT), options.gunicorn]),
    }
    if rates:
        extra["VOUCHLINE_RATE_STORAGE"] = rates
        extra["PROMETHEUS_MULTIPROC_DIR"] = str(folder / name / "metrics")
    command = [sys.executable, "-m", "gunicorn", "-k", "gthread", "--keep-alive", "60"]
    command += ["-w", str(options.workers), "--threads", str(options.threads), "app:create_app()"]
    with _web(name, folder, command, options, extra, bind=True) as port:
        yield port


@contextmanager
def floor(folder: Path, url: str, options: Options) -> Iterator[int]:
    """Run the floor on the database ``url``; yield its port."""
    command = [sys.executable, "-m", "bench.serve_floor"]
    extra = {"FLOOR_URL": url}
    with _web("floor", folder, command, options, extra) as port:
        yield port


@contextmanager
def _web(
    name: str,
    folder: Path,
    command: list[str],
    options: Options,
    extra: dict[str, str],
    *,
    bind: bool = False,
) -> Iterator[int]:
    port, place = free_port(), folder / name
    (place / "metrics").mkdir(parents=True)
    settings = {**_settings(options, place, port), **extra}
    if bind:
        command = [*command, "-b", f"127.0.0.1:{port}"]
    with _child(command, place, settings, place / "log"):
        _wait(port, place / "log")
        yield port


def _settings(options: Options, place: Path, port: int) -> dict[str, str]:
    """Return production settings that pass ``config.settings_checks``."""
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "VOUCHLINE_ENVIRONMENT": "production",
        "VOUCHLINE_INSTANCE": str(place),
        "VOUCHLINE_PORT": str(port),
        "VOUCHLINE_PUBLIC_URL": "https://check.example.org",
        "VOUCHLINE_ORGANISATION": ORGANISATION,
        "VOUCHLINE_OFFICIAL_PHONE": "+442079460999",
        "VOUCHLINE_MESSAGING": "twilio",
        "VOUCHLINE_METRICS_TOKEN": "bench",
        "VOUCHLINE_TRUSTED_PROXIES": "1",
        "VOUCHLINE_WEB_WORKERS": str(options.workers),
        "VOUCHLINE_WEB_THREADS": str(options.threads),
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "bench",
        "TWILIO_FROM_NUMBER": "+442079460998",
    }


@contextmanager
def _child(
    command: list[str], folder: Path, settings: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a child process until the block ends, with its output in a log file."""
    with log.open("wb") as file:
        child = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **settings}, stdout=file, stderr=file
        )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()


def _wait(port: int, log: Path) -> None:
    """Wait until the server answers. Raise ``RuntimeError`` with its log if it does not."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse()
            return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise RuntimeError(f"a server did not start:\n{log.read_text()[-2000:]}")

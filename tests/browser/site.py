"""A whole Vouchline of its own on loopback: server and worker as ``make run`` starts them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.forked_flask import clean_environment, run_flask
from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
FLASK = [str(Path(sys.executable).with_name("flask")), "--app", "app"]
#: The first one draws nothing but pages, at half the cost.
CHROMIUM = [
    f"/usr/bin/{name}"
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
]


def chromium() -> str | None:
    """The system's Chromium, if there is one."""
    return next((path for path in CHROMIUM if Path(path).exists()), None)


def environment(instance: Path, **settings: str) -> dict[str, str]:
    """What a process of that site runs with, and nothing of the machine's own settings."""
    return clean_environment() | {
        "VOUCHLINE_INSTANCE": str(instance),
        "VOUCHLINE_MIN_NOTICE_MINUTES": "0",
        "VOUCHLINE_CALLING_HOURS": "00:00-24:00",
        # Tests book one call after the other and start each at once.
        "VOUCHLINE_WINDOW_LEAD_MINUTES": "60",
        **settings,
    }


def command(instance: Path, *words: str) -> str:
    """What a command prints on its last line."""
    done = run_flask(*words, env=environment(instance), timeout=180)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


@contextmanager
def running(instance: Path, **settings: str) -> Iterator[str]:
    """Run it until the block ends; gives its address."""
    process, base = started(instance, **settings)
    try:
        yield base
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def started(instance: Path, **settings: str) -> tuple[subprocess.Popen[bytes], str]:
    """Start it and wait until it is ready: the process that was started, and its address."""
    port = free_port()
    env = environment(instance, PORT=str(port), **settings)
    with (instance / "run.log").open("w") as log:
        process = subprocess.Popen([*FLASK, "run-all"], cwd=ROOT, env=env, stdout=log, stderr=log)
    base = f"http://localhost:{port}"
    _wait(base, process)
    return process, base


def _wait(base: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{base}/readyz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not get ready")

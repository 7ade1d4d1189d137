"""``flask run-all``: web and worker in one terminal."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from types import FrameType

import click
from flask import current_app
from flask.cli import with_appcontext

from channels.app_context import current_context
from channels.cli.database import add_demo_if_empty, format_demo_sign_ins, migrate_and_make_keys
from channels.cli.error_output import readable_errors
from config.settings import Settings

START_SECONDS = 60
STOP_SECONDS = 15


@click.command("run-all")
@with_appcontext
def run_all_command() -> None:
    """Migrate, add demo people to an empty database, then run web and worker until Ctrl-C."""
    settings: Settings = current_app.config["VOUCHLINE_SETTINGS"]
    _require_port(settings.port)
    with readable_errors():
        migrate_and_make_keys()
        if current_context().demo:
            add_demo_if_empty()
    children = [_start_child("serve"), _start_child("worker")]
    # Handle these even where the shell ignores them; SIGHUP comes when its window is closed.
    for stopping in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(stopping, _raise_interrupt)
    try:
        _print_addresses(settings, children[0])
        _wait_for_children(children)
    except KeyboardInterrupt:
        click.echo("\nStopping.")
    finally:
        _stop_children(children)


def _require_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise click.ClickException(
                f"Port {port} is taken. Choose another: make run PORT=5001"
            ) from None


def _start_child(command: str) -> subprocess.Popen[bytes]:
    """Start a process in its own group, so that Ctrl-C reaches it once, through this process.

    It stops when the pipe to it closes, which the system does even if this process is killed.
    """
    flask = shutil.which("flask", path=os.path.dirname(sys.executable)) or "flask"  # noqa: PTH120
    return subprocess.Popen(  # noqa: S603
        [sys.executable, flask, "--app", "app", command, "--together"],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )


def _print_addresses(settings: Settings, web: subprocess.Popen[bytes]) -> None:
    here = f"http://localhost:{settings.port}"
    deadline = time.monotonic() + START_SECONDS
    while web.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{here}/healthz", timeout=2).close()  # noqa: S310
            break
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    lines = [f"Check a call     {here}/", f"Staff            {here}/staff/"]
    if current_context().simulated:
        lines.append(f"A demo phone     {here}/demo/phone")
    lines.append(f"API              {here}/api/docs")
    if current_context().demo:
        lines.append(format_demo_sign_ins())
    lines.append("Ctrl-C stops everything.")
    click.echo("\n" + "\n".join(lines) + "\n")


def _wait_for_children(children: list[subprocess.Popen[bytes]]) -> None:
    """Wait until one of the processes ends: the others are useless without it."""
    while all(child.poll() is None for child in children):
        time.sleep(0.2)
    raise click.ClickException("A part has stopped by itself, so the rest stops too.")


def _stop_children(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)


def _raise_interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt

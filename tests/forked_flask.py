"""Commands in processes of their own, without the seconds that importing the application takes: a
child of the test process has it already. ``tests/channels/cli/test_run_all.py`` starts real ones.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NoReturn

ROOT = Path(__file__).resolve().parents[1]


class ForkedFlask:
    """``flask --app app WORDS`` in a child process, with the interface of a ``Popen``.

    ``env`` is its whole environment. Its output goes to files, or to this process's own output
    where none is given.
    """

    def __init__(
        self,
        words: tuple[str, ...],
        env: Mapping[str, str],
        stdout: IO[Any] | None = None,
        stderr: IO[Any] | None = None,
    ) -> None:
        self.args, self.returncode = words, None
        import app  # noqa: F401 - before the fork, so that no child imports it

        gc.freeze()  # a child that collects what it was born with closes its parent's connections
        self.pid = os.fork()
        if self.pid == 0:
            _run_and_exit(words, env, stdout, stderr)
        gc.unfreeze()

    returncode: int | None

    def poll(self) -> int | None:
        """Return the exit code, or ``None`` while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float = 60) -> int:
        """Wait for its end. Raises ``subprocess.TimeoutExpired``."""
        until = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(self.args, timeout)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def run_flask(
    *words: str, env: Mapping[str, str], timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; return its exit code and output."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = ForkedFlask(words, env, out, err)
        try:
            code = child.wait(timeout)
        finally:
            child.kill()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(words, code, out.read(), err.read())


def clean_environment(**more: str) -> dict[str, str]:
    """Return this process's environment without the machine's settings, and with ``more``."""
    own = ("VOUCHLINE_", "TWILIO_", "TELNYX_")
    return {k: v for k, v in os.environ.items() if not k.startswith(own)} | more


def _run_and_exit(
    words: tuple[str, ...], env: Mapping[str, str], out: IO[Any] | None, err: IO[Any] | None
) -> NoReturn:
    code = 1
    try:
        for stream, number in ((out, 1), (err, 2)):
            if stream is not None:
                os.dup2(stream.fileno(), number)
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        os.environ.clear()
        os.environ.update(env)
        os.chdir(ROOT)
        for number in (signal.SIGINT, signal.SIGTERM):
            interrupts = number == signal.SIGINT
            signal.signal(number, signal.default_int_handler if interrupts else signal.SIG_DFL)
        sys.argv = ["flask", "--app", "app", *words]
        code = _call_flask()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _call_flask() -> int:
    from flask.cli import main

    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0

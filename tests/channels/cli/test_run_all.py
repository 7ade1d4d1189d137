"""``run-all``: however it ends, nothing that it started outlives it."""

from __future__ import annotations

import signal
import time
import urllib.request
from pathlib import Path

import pytest

from tests.browser.site import started


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_all_of_it_ends(tmp_path: Path, how: signal.Signals) -> None:
    """By Ctrl-C, by a manager, by a closed terminal, by kill -9."""
    process, base = started(tmp_path)
    assert len(processes_in(tmp_path)) >= 3
    process.send_signal(how)
    process.wait(30)
    until = time.monotonic() + 30
    while processes_in(tmp_path) and time.monotonic() < until:
        time.sleep(0.1)
    assert processes_in(tmp_path) == []
    with pytest.raises(OSError):
        urllib.request.urlopen(base, timeout=1)


def processes_in(instance: Path) -> list[str]:
    """Processes that run with this instance folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"VOUCHLINE_INSTANCE={instance}\0" in path.read_text(errors="replace"):
                found.append(path.parent.name)
        except OSError:
            continue
    return found

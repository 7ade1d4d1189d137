"""The production server: granian, over its WSGI interface."""

from __future__ import annotations

import os
import shutil

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from config.settings import Settings


def run(settings: Settings, host: str) -> None:
    """Serve until a signal says stop; requests in hand are finished first."""
    if settings.web_workers > 1:
        _share_metrics(settings)
    Granian(
        "app:create_app",
        factory=True,
        interface=Interfaces.WSGI,
        address=host,
        port=settings.port,
        workers=settings.web_workers,
        blocking_threads=settings.web_threads,
        backpressure=settings.web_threads * 4,
        respawn_failed_workers=True,
        log_level=LogLevels.error,
        workers_kill_timeout=10,
    ).serve()


def _share_metrics(settings: Settings) -> None:
    """Let the processes count into files of one folder, so that /metrics tells of all."""
    folder = settings.instance / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)

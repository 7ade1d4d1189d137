"""The production server: granian with :class:`config.request_reader.RequestReader`."""

from __future__ import annotations

import os
import resource
import shutil
from functools import partial
from importlib import import_module

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from config.request_reader import RequestReader
from config.settings import Settings

#: How long the head of a request may take, and how long a connection may be idle.
HEADER_SECONDS = 10
HEADER_BYTES = 32 * 1024
STOP_SECONDS = 10
MAX_CONNECTIONS = 8192
_OTHER_FILES = 512


def run_server(settings: Settings, host: str) -> None:
    """Serve until a signal arrives; then finish requests in progress for up to
    :data:`STOP_SECONDS`."""
    if settings.web_workers > 1:
        _share_metrics(settings)
    Granian(
        "app",
        interface=Interfaces.RSGI,
        address=host,
        port=settings.port,
        workers=settings.web_workers,
        backpressure=_connection_limit(),
        backlog=4096,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEADER_SECONDS * 1000, max_buffer_size=HEADER_BYTES
        ),
        websockets=False,
        respawn_failed_workers=True,
        log_level=LogLevels.error,
        workers_kill_timeout=STOP_SECONDS,
    ).serve(target_loader=partial(_load_application, settings))  # type: ignore[arg-type] # RSGI's own type


def _load_application(settings: Settings, module: str) -> RequestReader:
    """Create the application of a process. It reads its own settings, as a command does."""
    return RequestReader(
        import_module(module).create_app().wsgi_app,
        threads=settings.web_threads,
        processes=settings.web_workers,
        hops=settings.trusted_proxies,
    )


def _connection_limit() -> int:
    """Return the maximum of connections per process: its limit of open files, less a reserve."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return (
        MAX_CONNECTIONS
        if soft == resource.RLIM_INFINITY
        else min(MAX_CONNECTIONS, max(64, soft - _OTHER_FILES))
    )


def _share_metrics(settings: Settings) -> None:
    """Let the processes count in files of one folder, so that /metrics covers all of them."""
    folder = settings.instance / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)

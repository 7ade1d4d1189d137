"""The base of the worker's jobs that run in a thread of their own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from storage.session import StoreUnavailable, transaction
from vault.errors import KeyUnavailable, Tampered

log = structlog.get_logger("job")


class ThreadedJob:
    """A job whose runs take long, or wait for others: it delays no text and no other job.

    The worker calls it at each heartbeat; a run starts if the last one has ended and at least
    :attr:`interval` has passed since it started. Runs use short transactions of their own. Any
    number of workers may run the job. Subclasses override :meth:`run`.
    """

    #: Names the job in the log, and its thread.
    name: str
    #: The shortest time between the starts of two runs.
    interval = timedelta(0)
    #: What a run may raise when the store or its keys are out of order: logged, and tried again.
    failures: tuple[type[Exception], ...] = (*StoreUnavailable, KeyUnavailable, Tampered)

    def __init__(self, engine: Engine, info: dict[Any, Any], clock: Callable[[], datetime]) -> None:
        self._engine, self._info, self._clock = engine, info, clock
        self._executor = ThreadPoolExecutor(1, self.name)
        self._last_run: Future[None] | None = None
        self._started_at: datetime | None = None

    def __call__(self, _session: Session, now: datetime) -> None:
        """Start a run if one is due and none is in progress."""
        due = self._started_at is None or abs(now - self._started_at) >= self.interval
        if due and (self._last_run is None or self._last_run.done()):
            self._started_at = now
            self._last_run = self._executor.submit(self.run_safely)

    @property
    def __name__(self) -> str:
        return self.name

    def run(self) -> None:
        """Do the job's work once."""
        raise NotImplementedError

    def run_safely(self) -> None:
        """Do the job's work once; log :attr:`failures`, which end no worker."""
        try:
            self.run()
        except self.failures:
            log.exception("job failed", job=self.name)

    def open_transaction(self, *, read_only: bool = False) -> AbstractContextManager[Session]:
        """Open a transaction of the job's own, with the keys."""
        return transaction(self._engine, read_only=read_only, info=self._info)

"""Heartbeats: a process that writes audit entries reports its position every half minute, and once
more when it ends.

This detects entries that were removed before they were sequenced, including the last ones. The
report is written to its own row by its own thread: nothing that writes an entry waits for it.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from datetime import datetime
from multiprocessing import util
from threading import Event, Lock, Thread

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from storage.session import StoreUnavailable, transaction
from storage.upsert import insert_on_conflict
from vault.audit import row_macs
from vault.audit.completeness import ALIVE, ENDED
from vault.audit.models import AuditWriter
from vault.audit_writers import EntryWriter
from vault.errors import KeyUnavailable, Tampered
from vault.keys import keyring
from vault.keys.keyring import Keyring

log = structlog.get_logger("audit")

FIRST_AFTER_SECONDS, INTERVAL_SECONDS = 1.0, 30.0
#: Consecutive failures before they are logged: a database can be busy for a second or two.
WARN_AFTER_FAILURES = 5
_TABLE = AuditWriter.__table__  # type: ignore[attr-defined]


class WriterHeartbeats:
    """Tracks the writer of each process that uses a keyring. ``kind`` names the process (``web``,
    ``worker``, ``command``)."""

    def __init__(
        self, engine: Engine, ring: Keyring, clock: Callable[[], datetime], kind: str
    ) -> None:
        self._engine, self._info = engine, keyring.keyring_session_info(ring)
        self._clock, self._kind = clock, kind
        ring.on_writer = self._start_heartbeat

    def _start_heartbeat(self, writer: EntryWriter) -> None:
        """Start the heartbeat of a process that has begun to write."""
        heartbeat = WriterHeartbeat(self._engine, self._info, self._clock, self._kind, writer)
        Thread(target=heartbeat.send_until_exit, name="audit-beat", daemon=True).start()
        atexit.register(heartbeat.send_last_heartbeat)
        # Processes made by multiprocessing end without running atexit handlers.
        util.Finalize(None, heartbeat.send_last_heartbeat, exitpriority=1)


class WriterHeartbeat:
    """The heartbeat of one writer."""

    def __init__(
        self,
        engine: Engine,
        info: dict[str, object],
        clock: Callable[[], datetime],
        kind: str,
        writer: EntryWriter,
    ) -> None:
        self._engine, self._info, self._clock = engine, info, clock
        self._kind, self._writer, self._began_at = kind, writer, clock()
        self._lock, self._over, self._failed = Lock(), Event(), 0

    def send_until_exit(self) -> None:
        """Send heartbeats until the process ends; retries while the database cannot be reached."""
        wait = FIRST_AFTER_SECONDS
        while not self._over.wait(wait):
            wait = INTERVAL_SECONDS if self.send_heartbeat(ALIVE) else FIRST_AFTER_SECONDS

    def send_last_heartbeat(self) -> None:
        """Send the last heartbeat, once, in the writer's own process."""
        if self._over.is_set() or os.getpid() != self._writer.pid:
            return
        self._over.set()
        self.send_heartbeat(ENDED)

    def send_heartbeat(self, state: str) -> bool:
        """Store the writer's position; return whether the database stored it."""
        try:
            with self._lock, transaction(self._engine, info=self._info) as session:
                store_heartbeat(
                    session, self._writer, self._kind, self._began_at, self._clock(), state
                )
        except (*StoreUnavailable, KeyUnavailable, Tampered) as error:
            self._failed += 1
            if self._failed >= WARN_AFTER_FAILURES or state == ENDED:
                log.warning("what was written is not noted", kind=type(error).__name__)
            return False
        self._failed = 0
        return True


def store_heartbeat(
    session: Session, writer: EntryWriter, kind: str, began_at: datetime, now: datetime, state: str
) -> None:
    """Store a writer's position. Raises ``Tampered`` if the database does not keep it."""
    stand = writer.current_position()
    row = AuditWriter(
        id=writer.id,
        kind=kind,
        began_at=began_at,
        at=now,
        number=stand.number,
        open=stand.open,
        void=stand.void,
        state=state,
    )
    row_macs.set_row_mac(session, row)
    values = {column.name: getattr(row, column.name) for column in _TABLE.columns}
    stored = session.connection().execute(
        insert_on_conflict(session, _TABLE, values)
        .on_conflict_do_update(index_elements=["id"], set_=values)
        .returning(_TABLE.c.mark)
    )
    if stored.scalar() != row.mark:
        raise Tampered("the database did not keep what a writer said")

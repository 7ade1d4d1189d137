"""The checkpoint job: sequences new entries, signs checkpoints, and publishes them where somebody
who can change the database cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from vault.audit import checkpoints, log_state, row_macs, sequencer
from vault.audit.models import AuditPublication
from vault.audit.row_macs import LogTampered
from vault.destinations import Destination, DestinationUnreachable, Notification
from vault.threaded_job import ThreadedJob

log = structlog.get_logger("audit")
SIGN_INTERVAL = timedelta(seconds=20)
RETRY_INTERVAL = timedelta(seconds=30)


class CheckpointJob(ThreadedJob):
    """Keeps the audit log up, in short transactions, so that no check waits long."""

    name = "audit_log"
    # The last two are for values of a wrong type: SQLite accepts any value in any column.
    failures = (*ThreadedJob.failures, ValueError, TypeError)

    def __init__(
        self,
        origin: str,
        places: Sequence[Destination],
        engine: Engine,
        info: dict[Any, Any],
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(engine, info, clock)
        self._origin, self._places = origin, places
        self._size = 0

    def run(self) -> None:
        """Sequence all new entries; sign new checkpoints at most every twenty seconds; publish
        them."""
        while self._sequence_new_entries() == sequencer.BATCH_SIZE:
            pass
        self._sign_checkpoint()
        self.publish_checkpoint()

    def _sequence_new_entries(self) -> int:
        with self.open_transaction() as session:
            size = log_state.count_sequenced_entries(session)
            if size < self._size:
                raise LogTampered(f"The log was put back: it had {self._size} entries, now {size}.")
            taken = sequencer.sequence_entries(session, self._clock())
        self._size = size + taken
        return taken

    def _sign_checkpoint(self) -> None:
        with self.open_transaction() as session:
            last, now = checkpoints.find_latest_checkpoint(session), self._clock()
            if last is None or abs(now - last.at) >= SIGN_INTERVAL:
                checkpoints.create_checkpoint(session, self._origin, now)

    def publish_checkpoint(self) -> None:
        """Send the newest committed checkpoint to each destination that lacks it and is due."""
        for place in self._places:
            self._publish_to_destination(place)

    def _publish_to_destination(self, place: Destination) -> None:
        now = self._clock()
        with self.open_transaction(read_only=True) as session:
            newest = checkpoints.verify_latest_checkpoint(session, self._origin)
            before = session.get(AuditPublication, place.name)
            if before is not None and not row_macs.has_valid_row_mac(session, before):
                before = None  # the row was changed: publish again
            if newest is None or not _is_publication_due(place, before, newest.size, now):
                return
            note, size = newest.note, newest.size
        try:
            place.send(checkpoint_notification(note))
            failed = ""
        except DestinationUnreachable as error:
            failed = str(error)
            log.warning("checkpoint not taken", place=place.name, reason=failed)
        with self.open_transaction() as session:
            _store_publication(session, place, size, failed, self._clock())


def checkpoint_notification(checkpoint: str) -> Notification:
    """Return a signed checkpoint as a notification, with size and root as the short form, which fit
    one SMS segment."""
    origin, size, root, *_ = checkpoint.split("\n")
    short = f"Audit checkpoint {origin} {size} {root}"
    return Notification(checkpoint, f"Audit checkpoint {size} of {origin}", short)


def _is_publication_due(
    place: Destination, before: AuditPublication | None, size: int, now: datetime
) -> bool:
    if before is None:
        return True
    if before.failed_at is not None:
        return now - before.failed_at >= RETRY_INTERVAL
    return before.size < size and now - before.at >= place.every


def _store_publication(
    session: Session, place: Destination, size: int, failed: str, now: datetime
) -> None:
    row = session.get(AuditPublication, place.name) or AuditPublication(
        place=place.name, size=0, at=now
    )
    row.failed_at, row.error = (now, failed[:200]) if failed else (None, "")
    if not failed:
        row.size, row.at = size, now
    row_macs.set_row_mac(session, row)
    session.merge(row)


def describe_late_publications(session: Session, places: Sequence[Destination]) -> list[str]:
    """Return sentences about what is wrong with publishing: for ``doctor``."""
    sentences = []
    for place in places:
        row = session.get(AuditPublication, place.name)
        if row is not None and not row_macs.has_valid_row_mac(session, row):
            sentences.append(f"What the store says of checkpoints for {place.name} was changed.")
        elif row is not None and row.failed_at is not None:
            since = f"{row.at:%Y-%m-%d %H:%M} UTC" if row.size else "the beginning"
            sentences.append(
                f"Checkpoints have not reached {place.name} since {since}: {row.error}."
            )
    return sentences

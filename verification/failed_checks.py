"""Failed checks: who asked and when, without the code.

A check must do the same work whatever it answers, and be quick (rule C5), so it has no statement to
spare for recording a failure. It appends a few bytes to the row that it updates anyway, that of the
code or of the decoy, and the worker collects those of the decoys. There are 256 decoys, and a keyed
fingerprint decides which one a number gets, so that nobody can choose to overwrite one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session, col, select

from vault.keys.blind_index import FORM_BYTES
from verification.models import Code
from verification.verdicts import Channel

#: Entries per row. The worker collects every few seconds, so a thousand checks a second can fail
#: before the oldest entries are dropped; a higher limit would enlarge the row that each check
#: writes.
MAX_ENTRIES = 24
_ENTRY = struct.Struct(">17sBI")
_CHANNELS = tuple(Channel)


@dataclass(frozen=True)
class FailedCheck:
    """The keyed fingerprint of the number (during an index key rotation, under the older key), the
    channel, and the time to the second (UTC)."""

    phone_index: bytes
    channel: Channel
    at: datetime


def append_failed_check(
    held: bytes | None, phone_index: bytes, channel: Channel, now: datetime
) -> bytes:
    """Return ``held`` with one more entry; drops the oldest entries above the limit."""
    form = phone_index.rjust(FORM_BYTES + 1, b"\0")
    entry = _ENTRY.pack(form, _CHANNELS.index(channel), int(now.timestamp()))
    return ((held or b"") + entry)[-MAX_ENTRIES * _ENTRY.size :]


def decode_failed_checks(held: bytes) -> Iterator[FailedCheck]:
    """Yield the entries of a row, oldest first."""
    for phone_index, channel, at in _ENTRY.iter_unpack(held):
        form = phone_index[1:] if phone_index[0] == 0 else phone_index
        yield FailedCheck(form, _CHANNELS[channel], datetime.fromtimestamp(at, UTC))


def drain_failed_checks(session: Session, most: int = 256) -> list[FailedCheck]:
    """Return and clear the entries of up to ``most`` decoys; skips rows that a check has locked."""
    rows = session.exec(
        select(Code)
        .where(
            col(Code.closed_at).is_(None),
            col(Code.callback_id).is_(None),
            col(Code.unmet).is_not(None),
        )
        .limit(most)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    failed = [check for row in rows for check in decode_failed_checks(row.unmet or b"")]
    for row in rows:
        row.unmet = None
        session.add(row)
    session.flush()
    return failed

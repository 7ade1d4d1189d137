"""Checks that found nobody of ours on the phone: who asked and when, without the code.

A check must do the same work whatever it answers, and be quick (rule C5): it has no statement to
spare for keeping this. So it leaves a few bytes on the row that it writes to anyhow, that of the
code or of the decoy, and the worker collects those of the decoys. There are 256 of these, and a
keyed fingerprint decides which one a number gets, so that nobody can choose to crowd one out.
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

#: How many a row holds. The worker comes by every few seconds, so that a thousand checks a second
#: can fail before the oldest give way; more would make the row that each check writes a large one.
MAX_ENTRIES = 24
_ENTRY = struct.Struct(">17sBI")
_CHANNELS = tuple(Channel)


@dataclass(frozen=True)
class FailedCheck:
    """The keyed fingerprint of the number (while its key changes, the one that the other is made
    from), the channel, and the second."""

    phone_index: bytes
    channel: Channel
    at: datetime


def append_failed_check(
    held: bytes | None, phone_index: bytes, channel: Channel, now: datetime
) -> bytes:
    """What the row holds with one more; the oldest give way."""
    form = phone_index.rjust(FORM_BYTES + 1, b"\0")
    one = _ENTRY.pack(form, _CHANNELS.index(channel), int(now.timestamp()))
    return ((held or b"") + one)[-MAX_ENTRIES * _ENTRY.size :]


def decode_failed_checks(held: bytes) -> Iterator[FailedCheck]:
    """What a row holds, oldest first."""
    for phone_index, channel, at in _ENTRY.iter_unpack(held):
        form = phone_index[1:] if phone_index[0] == 0 else phone_index
        yield FailedCheck(form, _CHANNELS[channel], datetime.fromtimestamp(at, UTC))


def drain_failed_checks(session: Session, most: int = 256) -> list[FailedCheck]:
    """Take what ``most`` decoys hold; a row that a check has in hand just now waits its turn."""
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
    found = [check for row in rows for check in decode_failed_checks(row.unmet or b"")]
    for row in rows:
        row.unmet = None
        session.add(row)
    session.flush()
    return found

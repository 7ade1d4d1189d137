"""Idempotency keys of bookings, so that a retried request books only once.

Follows the IETF draft on the Idempotency-Key header field.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from people.errors import InvalidInput
from scheduling.error_codes import SchedulingErrorCode
from scheduling.models import IdempotencyKey
from vault.keys import keyring


class ConcurrentRequest(Exception):
    """A concurrent request used the same key first; a retry returns its result."""


def claim_idempotency_key(
    session: Session, staff_id: UUID, key: str, request: bytes, now: datetime
) -> IdempotencyKey:
    """Return the row of the key; its ``callback_id`` is set if the booking was made before.

    Raise ``InvalidInput`` if the key was used with another ``request``, or
    :class:`ConcurrentRequest`.
    """
    if not 1 <= len(key) <= 255 or not key.isprintable():
        raise InvalidInput("Idempotency-Key", SchedulingErrorCode.IDEMPOTENCY_KEY_INVALID)
    # A keyed hash, because a request is little more than a phone number: a plain hash could be
    # brute-forced.
    ring = keyring.current_keyring(session)
    keyring.lock_index_keys(session)
    keys = ring.compute_search_forms("idempotency_key", key)
    requests = ring.compute_search_forms("request", hashlib.sha256(request).hexdigest())
    row = session.exec(
        select(IdempotencyKey).where(
            col(IdempotencyKey.staff_id) == staff_id, col(IdempotencyKey.key_hash).in_(keys)
        )
    ).first()
    if row is None:
        return _insert_idempotency_key(session, staff_id, keys[0], requests[0], now)
    if row.request_hash not in requests:
        raise InvalidInput("Idempotency-Key", SchedulingErrorCode.IDEMPOTENCY_KEY_REUSED)
    return row


def _insert_idempotency_key(
    session: Session, staff_id: UUID, key_hash: bytes, request_hash: bytes, now: datetime
) -> IdempotencyKey:
    row = IdempotencyKey(
        staff_id=staff_id, key_hash=key_hash, request_hash=request_hash, created_at=now
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise ConcurrentRequest from None
    return row

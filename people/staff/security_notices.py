"""What members of staff are told about their own sign-in: at the next one, and by mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session, col, select, update

from people.models import StaffNotice

MAIL_WITHIN = timedelta(days=1)
BATCH_SIZE = 20


class Notice(StrEnum):
    """What has happened."""

    RESET_MADE = "reset_made"
    RESET_USED = "reset_used"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    PASSKEY_STOPPED = "passkey_stopped"
    RECOVERY_CODES = "recovery_codes"
    ROLE_GIVEN = "role_given"
    PASSWORD = "password"  # noqa: S105  (the name of a kind)


def add_security_notice(session: Session, staff_id: UUID, notice: Notice, now: datetime) -> None:
    """Tell somebody."""
    session.add(StaffNotice(staff_id=staff_id, kind=notice, at=now))
    session.flush()


def list_unseen_notices(session: Session, staff_id: UUID) -> Sequence[StaffNotice]:
    """What somebody has not said they have read, the latest first."""
    return session.exec(
        select(StaffNotice)
        .where(col(StaffNotice.staff_id) == staff_id, col(StaffNotice.seen_at).is_(None))
        .order_by(col(StaffNotice.id).desc())
        .limit(BATCH_SIZE)
    ).all()


def mark_notices_seen(session: Session, staff_id: UUID, now: datetime) -> None:
    """They have read all that there is."""
    session.exec(
        update(StaffNotice)
        .where(col(StaffNotice.staff_id) == staff_id, col(StaffNotice.seen_at).is_(None))
        .values(seen_at=now)
    )


def list_unmailed_notices(session: Session, now: datetime) -> Sequence[StaffNotice]:
    """What is to be mailed. What could not be for a day is not any more: it is old news."""
    return session.exec(
        select(StaffNotice)
        .where(col(StaffNotice.mailed_at).is_(None), col(StaffNotice.at) > now - MAIL_WITHIN)
        .order_by(col(StaffNotice.at))
        .limit(BATCH_SIZE)
    ).all()


def claim_notice(session: Session, notice_id: UUID, now: datetime) -> bool:
    """Take a notice to mail it; nobody else can then. Whether it was there to take."""
    taken = session.exec(
        update(StaffNotice)
        .where(col(StaffNotice.id) == notice_id, col(StaffNotice.mailed_at).is_(None))
        .values(mailed_at=now)
    )
    return bool(taken.rowcount)


def release_notice(session: Session, notice_id: UUID) -> None:
    """It could not be mailed: it is tried again."""
    session.exec(update(StaffNotice).where(col(StaffNotice.id) == notice_id).values(mailed_at=None))

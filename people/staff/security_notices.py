"""Security notices to members of staff about their own sign-in: shown at the next one, and
mailed."""

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
    """The event of a notice."""

    RESET_MADE = "reset_made"
    RESET_USED = "reset_used"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    PASSKEY_STOPPED = "passkey_stopped"
    RECOVERY_CODES = "recovery_codes"
    ROLE_GIVEN = "role_given"
    PASSWORD = "password"  # noqa: S105  (the name of a kind)


def add_security_notice(session: Session, staff_id: UUID, notice: Notice, now: datetime) -> None:
    """Add a notice for a member of staff."""
    session.add(StaffNotice(staff_id=staff_id, kind=notice, at=now))
    session.flush()


def list_unseen_notices(session: Session, staff_id: UUID) -> Sequence[StaffNotice]:
    """List the notices that a member has not marked as read, latest first."""
    return session.exec(
        select(StaffNotice)
        .where(col(StaffNotice.staff_id) == staff_id, col(StaffNotice.seen_at).is_(None))
        .order_by(col(StaffNotice.id).desc())
        .limit(BATCH_SIZE)
    ).all()


def mark_notices_seen(session: Session, staff_id: UUID, now: datetime) -> None:
    """Mark all notices of a member as read."""
    session.exec(
        update(StaffNotice)
        .where(col(StaffNotice.staff_id) == staff_id, col(StaffNotice.seen_at).is_(None))
        .values(seen_at=now)
    )


def list_unmailed_notices(session: Session, now: datetime) -> Sequence[StaffNotice]:
    """List the notices to mail. After a day without success they are no longer mailed."""
    return session.exec(
        select(StaffNotice)
        .where(col(StaffNotice.mailed_at).is_(None), col(StaffNotice.at) > now - MAIL_WITHIN)
        .order_by(col(StaffNotice.at))
        .limit(BATCH_SIZE)
    ).all()


def claim_notice(session: Session, notice_id: UUID, now: datetime) -> bool:
    """Claim a notice for mailing, so that no other worker mails it; return whether it was still
    unclaimed."""
    result = session.exec(
        update(StaffNotice)
        .where(col(StaffNotice.id) == notice_id, col(StaffNotice.mailed_at).is_(None))
        .values(mailed_at=now)
    )
    return bool(result.rowcount)


def release_notice(session: Session, notice_id: UUID) -> None:
    """Release a notice that could not be mailed, so that it is tried again."""
    session.exec(update(StaffNotice).where(col(StaffNotice.id) == notice_id).values(mailed_at=None))

"""Signing in: password and second factor together, then a session kept in the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from people import second_factor, staff
from people.errors import InvalidInput, SignInFailed
from people.models import Role, Staff, StaffSession
from people.secrets import new_token, password_fits, token_hash
from vault import audit, keyring

SESSION_LIVES = timedelta(hours=12)
SESSION_IDLES = timedelta(hours=1)
_TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Principal:
    """A member of staff who has proven who they are."""

    id: UUID
    role: Role
    session_id: UUID | None = None

    @property
    def actor(self) -> audit.Actor:
        return audit.staff(self.id)


def check_credentials(
    session: Session, email: str, password: str, code: str, now: datetime
) -> Staff:
    """The member of staff whose password and second factor these are.

    ``code`` is six digits of the authenticator or a recovery code. Raises :class:`SignInFailed`
    without saying which of the three was wrong; the caller commits, so that a spent code stays
    spent.
    """
    try:
        member = staff.find(session, email)
    except InvalidInput:
        member = None
    fits = password_fits(member.password_hash if member else None, password)
    if member is None or not fits or not member.active or member.totp_secret is None:
        raise SignInFailed
    if not _second_factor_fits(session, member.id, code, now):
        audit.record(session, audit.staff(member.id), "staff.sign_in_failed", now)
        raise SignInFailed
    return member


def _second_factor_fits(session: Session, staff_id: UUID, code: str, now: datetime) -> bool:
    """The row is locked first, so that one code cannot open two sessions at once."""
    member = session.exec(
        select(Staff)
        .where(col(Staff.id) == staff_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    if member.totp_secret is None:
        return False
    place = f"staff.totp_secret:{staff_id}"
    secret = keyring.of(session).open_for(keyring.STAFF, place, member.totp_secret)
    step = second_factor.matching_step(secret, code, now, after=member.totp_last_step)
    if step is None:
        return second_factor.spend_recovery_code(session, staff_id, code, now)
    member.totp_last_step = step
    session.add(member)
    session.flush()
    return True


def open_session(session: Session, member: Staff, now: datetime) -> str:
    """Start a session; its token goes into the browser's cookie, its hash into the store."""
    token = new_token()
    session.add(
        StaffSession(
            token_hash=token_hash(token),
            staff_id=member.id,
            created_at=now,
            seen_at=now,
        )
    )
    session.flush()
    audit.record(session, audit.staff(member.id), "staff.sign_in", now)
    return token


def signed_in(session: Session, token: str, now: datetime) -> Principal | None:
    """Who the token's session belongs to, or nobody once it ended, idled or its owner is off."""
    found = session.exec(
        select(StaffSession, Staff).where(
            col(StaffSession.token_hash) == token_hash(token),
            col(StaffSession.staff_id) == col(Staff.id),
        )
    ).first()
    if found is None:
        return None
    kept, member = found
    too_old = now >= kept.created_at + SESSION_LIVES or now >= kept.seen_at + SESSION_IDLES
    if kept.ended_at is not None or too_old or not member.active:
        return None
    return Principal(member.id, Role(member.role), kept.id)


def touch(session: Session, session_id: UUID, now: datetime) -> None:
    """Note that a session is in use, at most once a minute."""
    kept = session.get(StaffSession, session_id)
    if kept is not None and now - kept.seen_at >= _TOUCH_EVERY:
        kept.seen_at = now
        session.add(kept)


def close_session(session: Session, token: str, now: datetime) -> None:
    """Sign out."""
    kept = session.exec(
        select(StaffSession).where(col(StaffSession.token_hash) == token_hash(token))
    ).first()
    if kept is not None and kept.ended_at is None:
        kept.ended_at = now
        session.add(kept)
        audit.record(session, audit.staff(kept.staff_id), "staff.sign_out", now)

"""Checks a sign-in: password and second factor together, with a record of each failure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from people import attempt_log, password_seal, row_mac
from people.credentials import password_matches
from people.errors import InvalidInput, SignInFailed
from people.models import Staff
from people.staff import second_factor, staff_records
from vault import external_counters
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring
from vault.keys.keyring import Keyring

_NOBODY = UUID(int=0)
_DECOY_TOTP_SECRET = "A" * 32


def find_account_by_email(session: Session, email: str) -> Staff | None:
    """Return the account with this address; ``None`` also if it is no valid address."""
    try:
        return staff_records.find_staff_by_email(session, email)
    except InvalidInput:
        return None


def check_credentials(
    session: Session, email: str, password: str, code: str, now: datetime
) -> Staff:
    """Return the member of staff with this password and second factor.

    ``code`` is six digits of the authenticator or a recovery code. Raises :class:`SignInFailed`
    without saying which of the three was wrong; the caller commits also then, so that a spent code
    stays spent.
    """
    account = find_account_by_email(session, email)
    return check_second_factor(
        session,
        account,
        check_password(keyring.current_keyring(session), account, password),
        code,
        now,
    )


def check_password(ring: Keyring, seen: Staff | None, password: str) -> bool:
    """Return whether the password is that of the account. Takes as long without an account or for
    an inactive one, and needs no transaction, so that others need not wait for it."""
    usable = seen is not None and seen.active and seen.totp_secret is not None
    return password_matches(
        password_seal.open_password_hash(ring, seen if usable else None), password
    )


def check_second_factor(
    session: Session,
    seen: Staff | None,
    right: bool,
    code: str,
    now: datetime,
    *,
    noted: Callable[[], bool] = lambda: True,
) -> Staff:
    """Complete :func:`check_credentials`, given whether the password was ``right``; ``seen`` is the
    account as it was then.

    Checks the code and writes an entry whatever is wrong, so that the time does not reveal whether
    the account exists or is active. ``noted`` returns whether a failed attempt is the first of its
    kind; the entry of later ones is not kept if there is no account.
    """
    member = session.get(Staff, seen.id if seen else _NOBODY, populate_existing=True)
    secret = _open_totp_secret(session, member)
    code_fits = _is_code_plausible(session, member, secret or _DECOY_TOTP_SECRET, code, now)
    same = member and seen and member.password_hash == seen.password_hash
    if (
        member
        and same
        and right
        and code_fits
        and _spend_second_factor(session, member.id, code, now)
    ):
        return member
    failed_step = "password" if not right else "code"
    record_failed_sign_in(session, member, now, failed_step, kept=noted() or member is not None)
    raise SignInFailed


def record_failed_sign_in(
    session: Session, member: Staff | None, now: datetime, what: str, *, kept: bool = True
) -> None:
    """Audit a failed attempt with the account it was for, never with what was typed. One that is
    not ``kept`` takes the same work."""
    actor = audit_log.staff_actor(member.id) if member else audit_log.SYSTEM
    entry = attempt_log.AttemptEntry(
        actor, AuditAct.STAFF_SIGN_IN_FAILED, what if member else "unknown"
    )
    attempt_log.write_attempt_entry(session, entry, now, kept=kept)


def _open_totp_secret(session: Session, member: Staff | None) -> str | None:
    ring = keyring.current_keyring(session)
    if member is None or member.totp_secret is None:
        ring.seal_for_purpose(
            keyring.STAFF, "nobody", _DECOY_TOTP_SECRET
        )  # takes as long as decrypting one
        return None
    context = f"staff.totp_secret:{member.id}"
    return ring.open_for_purpose(keyring.STAFF, context, member.totp_secret)


def _is_code_plausible(
    session: Session, member: Staff | None, secret: str, code: str, now: datetime
) -> bool:
    """Return whether a code would be accepted, before anything is locked or spent."""
    after = member.totp_last_step if member else 0
    if second_factor.find_matching_step(secret, code, now, after=after) is not None:
        return True
    return is_unused_recovery_code(session, member, code)


def is_unused_recovery_code(session: Session, member: Staff | None, code: str) -> bool:
    """Return whether this is an unused recovery code of the member. Takes as long without a
    member."""
    if not second_factor.is_recovery_code(code):
        return False
    return second_factor.recovery_code_matches(session, member.id if member else _NOBODY, code)


def _spend_second_factor(session: Session, staff_id: UUID, code: str, now: datetime) -> bool:
    """Spend the code. Locks the row first, so that one code cannot open two sessions at once."""
    member = session.exec(
        select(Staff)
        .where(col(Staff.id) == staff_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    secret = _open_totp_secret(session, member)
    if secret is None or not member.active or not row_mac.is_row_intact(session, member):
        return False
    step = second_factor.find_matching_step(secret, code, now, after=member.totp_last_step)
    if step is None:
        return second_factor.spend_recovery_code(session, staff_id, code, now)
    member.totp_last_step = step
    session.add(member)
    session.flush()
    return external_counters.use_once(session, f"step:{staff_id.hex}:{step}")

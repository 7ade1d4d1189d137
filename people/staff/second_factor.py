"""The second factor of staff: time-based one-time codes (RFC 6238, by pyotp) and recovery codes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime
from uuid import UUID

import pyotp
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from people import row_mac
from people.credential_models import RecoveryCode
from vault import external_counters

STEP_SECONDS = 30
RECOVERY_CODES = 8
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
_LENGTH = 12


def find_matching_step(secret: str, code: str, now: datetime, *, after: int) -> int | None:
    """Return the time step of this code, allowing one step of clock drift either way.

    Steps up to ``after`` are spent: a code is accepted once (RFC 6238 section 5.2).
    """
    digits = "".join(code.split())
    current = int(now.timestamp()) // STEP_SECONDS
    hotp = pyotp.HOTP(secret)
    for step in (current - 1, current, current + 1):
        if hmac.compare_digest(hotp.at(step).encode(), digits.encode()) and step > after:
            return step
    return None


def current_totp_code(secret: str, now: datetime) -> str:
    """Return the code an authenticator shows now; the demo shows it to new users."""
    return pyotp.HOTP(secret).at(int(now.timestamp()) // STEP_SECONDS)


def provisioning_uri(secret: str, email: str, organisation: str) -> str:
    """Return the URI for the QR code, in the form authenticators read."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=f"Vouchline {organisation}")


def issue_recovery_codes(session: Session, staff_id: UUID) -> list[str]:
    """Create new recovery codes and return them in plain text, this once; earlier ones stop
    working."""
    for old in session.exec(select(RecoveryCode).where(col(RecoveryCode.staff_id) == staff_id)):
        session.delete(old)
    codes = [
        "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH)) for _ in range(RECOVERY_CODES)
    ]
    for code in codes:
        row = RecoveryCode(staff_id=staff_id, code_hash=_hash_recovery_code(code))
        session.add(row_mac.attach_mac(session, row))
    session.flush()
    return [f"{c[:4]}-{c[4:8]}-{c[8:]}" for c in codes]


def is_recovery_code(code: str) -> bool:
    """Return whether a code has the form of a recovery code."""
    return len(_normalise_recovery_code(code)) == _LENGTH


def count_recovery_codes(session: Session, staff_id: UUID) -> int:
    """Count the unused recovery codes."""
    unused = select(func.count()).where(
        col(RecoveryCode.staff_id) == staff_id, col(RecoveryCode.used_at).is_(None)
    )
    return session.exec(unused).one()


def recovery_code_matches(session: Session, staff_id: UUID, code: str) -> bool:
    """Return whether the recovery code could be spent, without spending it."""
    rows = session.exec(_unused_recovery_codes(staff_id, code)).all()
    return any(row_mac.is_row_intact(session, row) for row in rows)


def _unused_recovery_codes(staff_id: UUID, code: str) -> SelectOfScalar[RecoveryCode]:
    return select(RecoveryCode).where(
        col(RecoveryCode.staff_id) == staff_id,
        col(RecoveryCode.code_hash) == _hash_recovery_code(_normalise_recovery_code(code)),
        col(RecoveryCode.used_at).is_(None),
    )


def _normalise_recovery_code(code: str) -> str:
    return "".join(c for c in code.lower() if c.isalnum())


def spend_recovery_code(session: Session, staff_id: UUID, code: str, now: datetime) -> bool:
    """Spend a recovery code; return whether it was unused."""
    rows = session.exec(_unused_recovery_codes(staff_id, code).with_for_update()).all()
    unused = next((row for row in rows if row_mac.is_row_intact(session, row)), None)
    if unused is None:
        return False
    unused.used_at, unused.bound = now, None
    session.add(unused)
    session.flush()
    return external_counters.use_once(session, f"recovery:{unused.id.hex}")


def _hash_recovery_code(code: str) -> bytes:
    """Hash a recovery code of 59 random bits: too many to search by a plain hash while the code is
    valid."""
    return hashlib.sha256(b"recovery:" + code.encode()).digest()

"""Members of staff: added, found by their address, and listed."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlmodel import Session, col, or_, select

from people import phone_numbers
from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput
from people.models import Role, Staff
from people.text_input import AllowedContent, clean_text_input
from storage.column_types import new_id
from storage.session import UnitOfWork
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring
from vault.keys.blind_index_check import matches_sealed_value
from vault.keys.keyring import Keyring

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,180}")


@dataclass(frozen=True)
class StaffDetails:
    """A decrypted record of a member of staff."""

    id: UUID
    role: Role
    email: str
    name: str
    timezone: str


def normalise_email(text: str) -> str:
    """Return an e-mail address in the form used for comparison. Raises ``InvalidInput``."""
    plain = text.strip().lower()
    if not _EMAIL.fullmatch(plain):
        raise InvalidInput("email", PeopleErrorCode.EMAIL_INVALID)
    return plain


def find_staff_by_email(session: Session, email: str) -> Staff | None:
    """Return the member of staff with this address."""
    address, ring = normalise_email(email), keyring.current_keyring(session)
    forms = ring.compute_search_forms("email", address)
    rows = session.exec(select(Staff).where(col(Staff.email_index).in_(forms))).all()
    if not rows:
        ring.seal_for_purpose(keyring.STAFF, "nobody", address)  # takes as long as decrypting one
        hmac.compare_digest(address.encode(), address.encode())
    return next(
        (
            row
            for row in rows
            if matches_sealed_value("staff", row.id, _staff_email_opener(ring, row), address)
        ),
        None,
    )


def _staff_email_opener(ring: Keyring, row: Staff) -> Callable[[], str]:
    return partial(ring.open_for_purpose, keyring.STAFF, f"staff.email:{row.id}", row.email)


def add_staff_member(
    session: Session,
    email: str,
    name: str,
    role: str,
    now: datetime,
    *,
    timezone: str,
    demo: bool = False,
    by: audit_log.Actor = audit_log.OPERATOR,
) -> Staff:
    """Add a member of staff, who has no access until enrolled. Raises ``InvalidInput``."""
    keyring.lock_index_keys(session)
    address, plain_name = validate_new_staff_member(session, email, name, role, timezone)
    ring, row = keyring.current_keyring(session), new_id()
    member = Staff(
        id=row,
        role=role,
        email=ring.seal_for_purpose(keyring.STAFF, f"staff.email:{row}", address),
        email_index=ring.compute_blind_index("email", address),
        name=ring.seal_for_purpose(keyring.STAFF, f"staff.name:{row}", plain_name),
        timezone=timezone,
        demo=demo,
        created_at=now,
    )
    session.add(member)
    session.flush()
    audit_log.record_act(session, by, AuditAct.STAFF_ADD, now, detail=f"{role} {row}")
    return member


def validate_new_staff_member(
    session: Session, email: str, name: str, role: str, timezone: str
) -> tuple[str, str]:
    """Validate a new member of staff; return address and name in the form that is stored. Raises
    ``InvalidInput``."""
    address = normalise_email(email)
    if role not in set(Role):
        raise InvalidInput("role", PeopleErrorCode.ROLE_UNKNOWN, roles=tuple(Role))
    if find_staff_by_email(session, address):
        raise InvalidInput("email", PeopleErrorCode.EMAIL_TAKEN)
    phone_numbers.parse_time_zone(timezone)
    return address, clean_text_input("name", name, limit=60, allowed=AllowedContent.WORDS)


def set_staff_phone(
    session: Session,
    member: Staff,
    phone: str,
    now: datetime,
    *,
    countries: Sequence[str] = (),
    by: audit_log.Actor = audit_log.OPERATOR,
) -> None:
    """Store the number (E.164) at which a member of staff is called. Raises ``InvalidInput``."""
    phone_numbers.require_callable(phone, countries)
    context = f"staff.phone:{member.id}"
    member.phone = keyring.current_keyring(session).seal_for_purpose(keyring.STAFF, context, phone)
    session.add(member)
    session.flush()
    audit_log.record_act(session, by, AuditAct.STAFF_PHONE, now, detail=str(member.id))


def open_staff_phone(session: Session, member: Staff) -> str:
    """Decrypt the number (E.164) at which a member of staff is called; empty if there is none."""
    if member.phone is None:
        return ""
    return keyring.current_keyring(session).open_for_purpose(
        keyring.STAFF, f"staff.phone:{member.id}", member.phone
    )


def open_staff_details(session: Session, member: Staff) -> StaffDetails:
    """Decrypt the record of a member of staff."""
    ring = keyring.current_keyring(session)
    return StaffDetails(
        id=member.id,
        role=Role(member.role),
        email=ring.open_for_purpose(keyring.STAFF, f"staff.email:{member.id}", member.email),
        name=open_staff_name(session, member.id, member.name),
        timezone=member.timezone,
    )


def list_active_staff(session: Session, also: Collection[UUID] = ()) -> list[StaffDetails]:
    """List active members of staff, and ``also`` these, by name."""
    shown = or_(col(Staff.active).is_(True), col(Staff.id).in_(also))
    rows = session.exec(select(Staff).where(shown))
    return sorted((open_staff_details(session, row) for row in rows), key=lambda each: each.name)


def open_staff_name(session: UnitOfWork, staff_id: UUID, sealed_name: bytes) -> str:
    """Decrypt the name of a member of staff."""
    return keyring.current_keyring(session).open_for_purpose(
        keyring.STAFF, f"staff.name:{staff_id}", sealed_name
    )


def list_all_staff_names(session: Session) -> list[tuple[UUID, str]]:
    """List the names of all members of staff, current and former, by name."""
    rows = session.exec(select(Staff)).all()
    named = [(row.id, open_staff_name(session, row.id, row.name)) for row in rows]
    return sorted(named, key=lambda each: (each[1].casefold(), each[0]))

"""Members of staff: added, enrolled by a one-time link, and deactivated at once."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import pyotp
from sqlalchemy import ColumnElement, and_
from sqlmodel import Session, col, or_, select

from people import password_seal, phone_numbers, row_mac
from people.approvals import bootstrap
from people.credentials import hash_password, new_token, token_hash
from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput, LinkExpired
from people.models import EnrolmentLink, Role, Staff
from people.staff import enrolment_links, second_factor, security_notices, staff_sessions
from people.staff.enrolment_links import NO_TERMS, LinkKind, LinkTerms, SecondStepInput
from people.staff.security_notices import Notice
from people.text_input import AllowedContent, clean_text_input
from storage.column_types import new_id
from storage.session import UnitOfWork
from vault import external_counters
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring
from vault.keys.blind_index_check import matches_sealed_value
from vault.keys.keyring import Keyring

LINK_LIFETIME, OWN_LINK_LIFETIME = timedelta(hours=72), timedelta(minutes=30)
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


def create_enrolment_link(
    session: Session,
    member: Staff,
    now: datetime,
    *,
    kind: LinkKind = LinkKind.OPERATOR,
    pin: str = "",
    by: audit_log.Actor = audit_log.OPERATOR,
) -> str:
    """Create a one-time enrolment link, valid for three days, and return its token; older ones stop
    working.

    ``kind`` decides what else it asks for. With a ``pin`` the link alone is of no use.
    """
    token = new_token()
    terms = LinkTerms({"": pin}) if pin else LinkTerms()
    activate_enrolment_link(session, member, token_hash(token), now, by, kind=kind, terms=terms)
    return token


def activate_enrolment_link(
    session: Session,
    member: Staff,
    hashed: bytes,
    now: datetime,
    by: audit_log.Actor = audit_log.OPERATOR,
    *,
    kind: LinkKind = LinkKind.OPERATOR,
    terms: LinkTerms = NO_TERMS,
) -> None:
    """Activate the link whose token was hashed, from now on for three days, on these terms."""
    enrolment_links.end_unused_links(session, member.id, now, promotions=kind is LinkKind.PROMOTION)
    row, ring = new_id(), keyring.current_keyring(session)
    context = f"enrolment_link.totp_secret:{row}"
    link = EnrolmentLink(
        id=row,
        token_hash=hashed,
        staff_id=member.id,
        totp_secret=ring.seal_for_purpose(keyring.STAFF, context, pyotp.random_base32()),
        kind=kind,
        made_by=by.staff_id,
        pin=enrolment_links.seal_link_terms(session, row, terms),
        expires_at=now + (OWN_LINK_LIFETIME if kind is LinkKind.SELF else LINK_LIFETIME),
    )
    session.add(row_mac.attach_mac(session, link))
    session.flush()
    audit_log.record_act(session, by, AuditAct.STAFF_INVITE, now, detail=f"{member.id} {kind}")


def open_enrolment_link(
    session: Session,
    token: str,
    now: datetime,
    piece: str = "",
    pieces: SecondStepInput | None = None,
) -> tuple[EnrolmentLink, Staff, str]:
    """Return the link, its owner, and the second factor's secret to show as a QR code.

    ``pieces`` is what some links ask for beside the token; ``piece`` is short for its PINs alone.
    Raises :class:`LinkExpired`, or ``SecondStepFailed``; the caller commits also then, because the
    attempt was counted.
    """
    wanted = col(EnrolmentLink.token_hash) == token_hash(token)
    usable = _lock_usable_link(session, wanted, now)
    if usable.link.kind == LinkKind.PROMOTION:
        raise LinkExpired
    enrolment_links.require_second_step(session, usable.link, pieces or SecondStepInput(piece), now)
    return usable.link, usable.member, usable.secret


@dataclass(frozen=True)
class UsableLink:
    """A valid link, its owner, and the second factor's secret that it shows."""

    link: EnrolmentLink
    member: Staff
    secret: str


def open_own_link(session: Session, kind: LinkKind, staff_id: UUID, now: datetime) -> UsableLink:
    """Return a link that its owner, signed in, uses without a token. Raises ``LinkExpired``."""
    condition = and_(
        col(EnrolmentLink.staff_id) == staff_id,
        col(EnrolmentLink.kind) == kind,
        col(EnrolmentLink.used_at).is_(None),
    )
    return _lock_usable_link(session, condition, now)


def _lock_usable_link(session: Session, wanted: ColumnElement[bool], now: datetime) -> UsableLink:
    match = session.exec(
        select(EnrolmentLink, Staff)
        .where(wanted, col(EnrolmentLink.staff_id) == col(Staff.id))
        .order_by(col(EnrolmentLink.id).desc())
        .limit(1)
        .with_for_update()
    ).first()
    if match is None:
        raise LinkExpired
    link, member = match
    if link.used_at is not None or now >= link.expires_at or not member.active:
        raise LinkExpired
    if not row_mac.is_row_intact(session, link) or not row_mac.is_row_intact(session, member):
        raise LinkExpired
    context = f"enrolment_link.totp_secret:{link.id}"
    secret = keyring.current_keyring(session).open_for_purpose(
        keyring.STAFF, context, link.totp_secret
    )
    return UsableLink(link, member, secret)


def enrol_with_link(
    session: Session,
    token: str,
    password: str,
    code: str,
    now: datetime,
    *,
    piece: str = "",
    pieces: SecondStepInput | None = None,
    organisation: str = "",
) -> tuple[Staff, list[str]]:
    """Set password and second factor, and spend the link.

    ``code`` proves that the authenticator has the secret. Returns the member of staff and the
    recovery codes, which are shown this once. Former credentials end now, and not when the link was
    made: nobody can lock a colleague out by requesting one. Raises as :func:`open_enrolment_link`
    does, or ``InvalidInput``.
    """
    link, member, secret = open_enrolment_link(session, token, now, piece, pieces)
    usable = UsableLink(link, member, secret)
    return member, set_credentials(session, usable, password, code, now, organisation)


def set_credentials(
    session: Session,
    found: UsableLink,
    password: str,
    code: str,
    now: datetime,
    organisation: str = "",
) -> list[str]:
    """Store password and second factor of a member who has passed all steps of their link; return
    their recovery codes. Raises ``InvalidInput``."""
    link, member = found.link, found.member
    step = second_factor.find_matching_step(found.secret, code, now, after=0)
    if step is None:
        raise InvalidInput("code", PeopleErrorCode.AUTHENTICATOR_CODE_WRONG)
    password_hash = hash_password(password, forbidden_password_words(session, member, organisation))
    proven_to = _vouched_by_after(session, found)
    if member.password_hash is not None:
        enrolment_links.end_former_credentials(session, link, member, now)
    member.password_hash = password_seal.seal_password(session, member.id, password_hash, proven_to)
    context = f"staff.totp_secret:{member.id}"
    member.totp_secret = keyring.current_keyring(session).seal_for_purpose(
        keyring.STAFF, context, found.secret
    )
    member.totp_last_step = step
    link.used_at, link.bound = now, None
    if not external_counters.use_once(session, f"link:{link.id.hex}"):
        raise LinkExpired
    session.add_all([member, link])
    codes = second_factor.issue_recovery_codes(session, member.id)
    audit_log.record_act(
        session, audit_log.staff_actor(member.id), AuditAct.STAFF_ENROL, now, detail=link.kind
    )
    bootstrap.finish_bootstrap(session, now)
    return codes


def _vouched_by_after(session: Session, found: UsableLink) -> frozenset[UUID]:
    """Return the colleagues that the member is proven to after this enrolment.

    If it needed something only the member had (a recovery code, a signed-in browser), the new
    colleagues are added to the former ones, and a member enrolled during bootstrap stays so;
    otherwise they replace them.
    """
    member, new = found.member, enrolment_links.open_link_terms(session, found.link).proven_to
    if found.link.kind == LinkKind.OPERATOR:
        return new
    before = password_seal.load_vouched_by(session, member.id, member.password_hash)
    return before | new if before else before


def forbidden_password_words(session: Session, member: Staff, organisation: str) -> list[str]:
    """Return the words that a password of this member must not contain."""
    details = open_staff_details(session, member)
    return [details.name, details.email, organisation]


def replace_password(
    session: Session, member: Staff, password: str, now: datetime, *, organisation: str = ""
) -> None:
    """Set another password of the member's own choice. Raises ``InvalidInput``."""
    hashed = hash_password(password, forbidden_password_words(session, member, organisation))
    proven_to = password_seal.load_vouched_by(session, member.id, member.password_hash)
    member.password_hash = password_seal.seal_password(session, member.id, hashed, proven_to)
    session.add(member)
    session.flush()
    audit_log.record_act(session, audit_log.staff_actor(member.id), AuditAct.STAFF_PASSWORD, now)
    security_notices.add_security_notice(session, member.id, Notice.PASSWORD, now)


def deactivate_staff_member(session: Session, member: Staff, now: datetime) -> None:
    """Deactivate a member of staff, and end all their sessions and tokens at once."""
    member.active = False
    session.add(member)
    session.flush()
    staff_sessions.revoke_staff_access(session, member.id, now, "off", actor=audit_log.OPERATOR)
    audit_log.record_act(
        session, audit_log.OPERATOR, AuditAct.STAFF_SWITCH_OFF, now, detail=str(member.id)
    )


def assign_staff_role(
    session: Session, member: Staff, role: Role, by: audit_log.Actor, now: datetime
) -> None:
    """Assign another role: end what was granted under the old one, and links to roles not taken up
    yet."""
    member.role = role
    enrolment_links.end_unused_links(session, member.id, now, promotions=True)
    session.add(member)
    session.flush()
    staff_sessions.revoke_staff_access(session, member.id, now, "role", actor=by)
    audit_log.record_act(session, by, AuditAct.STAFF_ROLE, now, detail=f"{role} {member.id}")

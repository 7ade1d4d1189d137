"""Members of staff: added by an operator, enrolled by a one-time link, switched off at once."""

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
    """A member of staff in plain."""

    id: UUID
    role: Role
    email: str
    name: str
    timezone: str


def normalise_email(text: str) -> str:
    """An address in the one form we compare. Raises ``InvalidInput``."""
    plain = text.strip().lower()
    if not _EMAIL.fullmatch(plain):
        raise InvalidInput("email", "Write an e-mail address, like ana@example.org.")
    return plain


def find_staff_by_email(session: Session, email: str) -> Staff | None:
    """The member of staff with this address."""
    address, ring = normalise_email(email), keyring.current_keyring(session)
    forms = ring.compute_search_forms("email", address)
    rows = session.exec(select(Staff).where(col(Staff.email_index).in_(forms))).all()
    if not rows:
        ring.seal_for_purpose(keyring.STAFF, "nobody", address)  # takes as long as opening one
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
    """Add a member of staff, who can do nothing until enrolled. Raises ``InvalidInput``."""
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
    """Address and name of somebody who could be added, in the form that is kept. Raises
    ``InvalidInput``."""
    address = normalise_email(email)
    if role not in set(Role):
        raise InvalidInput("role", f"The role is one of: {', '.join(Role)}.")
    if find_staff_by_email(session, address):
        raise InvalidInput("email", "A member of staff with this address exists already.")
    phone_numbers.parse_time_zone(timezone)
    return address, clean_text_input(
        "name", name, limit=60, what="name", allowed=AllowedContent.WORDS
    )


def set_staff_phone(
    session: Session,
    member: Staff,
    phone: str,
    now: datetime,
    *,
    countries: Sequence[str] = (),
    by: audit_log.Actor = audit_log.OPERATOR,
) -> None:
    """Keep the number that a member of staff is rung at (E.164). Raises ``InvalidInput``."""
    phone_numbers.require_callable(phone, countries)
    place = f"staff.phone:{member.id}"
    member.phone = keyring.current_keyring(session).seal_for_purpose(keyring.STAFF, place, phone)
    session.add(member)
    session.flush()
    audit_log.record_act(session, by, AuditAct.STAFF_PHONE, now, detail=str(member.id))


def open_staff_phone(session: Session, member: Staff) -> str:
    """The number that a member of staff is rung at; empty when we have none."""
    if member.phone is None:
        return ""
    return keyring.current_keyring(session).open_for_purpose(
        keyring.STAFF, f"staff.phone:{member.id}", member.phone
    )


def open_staff_details(session: Session, member: Staff) -> StaffDetails:
    """A member of staff in plain."""
    ring = keyring.current_keyring(session)
    return StaffDetails(
        id=member.id,
        role=Role(member.role),
        email=ring.open_for_purpose(keyring.STAFF, f"staff.email:{member.id}", member.email),
        name=open_staff_name(session, member.id, member.name),
        timezone=member.timezone,
    )


def list_active_staff(session: Session, also: Collection[UUID] = ()) -> list[StaffDetails]:
    """Everybody who works here, and ``also`` these, by name."""
    shown = or_(col(Staff.active).is_(True), col(Staff.id).in_(also))
    rows = session.exec(select(Staff).where(shown))
    return sorted((open_staff_details(session, row) for row in rows), key=lambda each: each.name)


def open_staff_name(session: UnitOfWork, staff_id: UUID, sealed_name: bytes) -> str:
    """The name from its sealed column."""
    return keyring.current_keyring(session).open_for_purpose(
        keyring.STAFF, f"staff.name:{staff_id}", sealed_name
    )


def list_all_staff_names(session: Session) -> list[tuple[UUID, str]]:
    """All who work here or did, by name."""
    found = session.exec(select(Staff)).all()
    named = [(item.id, open_staff_name(session, item.id, item.name)) for item in found]
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
    """A token for a one-time enrolment link, good for three days; older ones stop working.

    ``kind`` says what it asks beside itself. With a ``pin`` the link alone is of no use.
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
    """Let the link with the token that was hashed work, from now on for three days, on these
    terms."""
    enrolment_links.end_unused_links(session, member.id, now, promotions=kind is LinkKind.PROMOTION)
    row, ring = new_id(), keyring.current_keyring(session)
    place = f"enrolment_link.totp_secret:{row}"
    made = EnrolmentLink(
        id=row,
        token_hash=hashed,
        staff_id=member.id,
        totp_secret=ring.seal_for_purpose(keyring.STAFF, place, pyotp.random_base32()),
        kind=kind,
        made_by=by.staff_id,
        pin=enrolment_links.seal_link_terms(session, row, terms),
        expires_at=now + (OWN_LINK_LIFETIME if kind is LinkKind.SELF else LINK_LIFETIME),
    )
    session.add(row_mac.attach_mac(session, made))
    session.flush()
    audit_log.record_act(session, by, AuditAct.STAFF_INVITE, now, detail=f"{member.id} {kind}")


def open_enrolment_link(
    session: Session,
    token: str,
    now: datetime,
    piece: str = "",
    pieces: SecondStepInput | None = None,
) -> tuple[EnrolmentLink, Staff, str]:
    """The link, whom it is for, and the second factor's secret to show as a QR code.

    ``pieces`` are what some links ask beside themselves, ``piece`` stands for its PINs alone.
    Raises :class:`LinkExpired`, or ``SecondPieceWrong``, with which the caller commits: it has
    counted the try.
    """
    wanted = col(EnrolmentLink.token_hash) == token_hash(token)
    found = _lock_usable_link(session, wanted, now)
    if found.link.kind == LinkKind.PROMOTION:
        raise LinkExpired
    enrolment_links.require_second_step(session, found.link, pieces or SecondStepInput(piece), now)
    return found.link, found.member, found.secret


@dataclass(frozen=True)
class UsableLink:
    """A link that works, its owner, and the second factor's secret that it shows."""

    link: EnrolmentLink
    member: Staff
    secret: str


def open_own_link(session: Session, kind: LinkKind, staff_id: UUID, now: datetime) -> UsableLink:
    """A link that its owner, signed in, uses without a token. Raises ``LinkSpent``."""
    mine = and_(
        col(EnrolmentLink.staff_id) == staff_id,
        col(EnrolmentLink.kind) == kind,
        col(EnrolmentLink.used_at).is_(None),
    )
    return _lock_usable_link(session, mine, now)


def _lock_usable_link(session: Session, wanted: ColumnElement[bool], now: datetime) -> UsableLink:
    found = session.exec(
        select(EnrolmentLink, Staff)
        .where(wanted, col(EnrolmentLink.staff_id) == col(Staff.id))
        .order_by(col(EnrolmentLink.id).desc())
        .limit(1)
        .with_for_update()
    ).first()
    if found is None:
        raise LinkExpired
    link, member = found
    if link.used_at is not None or now >= link.expires_at or not member.active:
        raise LinkExpired
    if not row_mac.is_row_intact(session, link) or not row_mac.is_row_intact(session, member):
        raise LinkExpired
    place = f"enrolment_link.totp_secret:{link.id}"
    secret = keyring.current_keyring(session).open_for_purpose(
        keyring.STAFF, place, link.totp_secret
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

    ``code`` proves that the authenticator has the secret. Gives the member of staff and the
    recovery codes, which are shown this once. What they had before ends now, and not when the link
    was made: nobody can throw a colleague out with one. Raises as :func:`open_enrolment_link` does,
    or ``InvalidInput``.
    """
    link, member, secret = open_enrolment_link(session, token, now, piece, pieces)
    found = UsableLink(link, member, secret)
    return member, set_credentials(session, found, password, code, now, organisation)


def set_credentials(
    session: Session,
    found: UsableLink,
    password: str,
    code: str,
    now: datetime,
    organisation: str = "",
) -> list[str]:
    """Keep password and second factor of somebody who has given all that their link asks; gives
    their recovery codes. Raises ``InvalidInput``."""
    link, member = found.link, found.member
    step = second_factor.find_matching_step(found.secret, code, now, after=0)
    if step is None:
        raise InvalidInput("code", "That is not the number your authenticator shows now.")
    password_hash = hash_password(password, forbidden_password_words(session, member, organisation))
    proven_to = _vouched_by_after(session, found)
    if member.password_hash is not None:
        enrolment_links.end_former_credentials(session, link, member, now)
    member.password_hash = password_seal.seal_password(session, member.id, password_hash, proven_to)
    place = f"staff.totp_secret:{member.id}"
    member.totp_secret = keyring.current_keyring(session).seal_for_purpose(
        keyring.STAFF, place, found.secret
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
    """The colleagues that this enrolment proves them to. Where it took something that only they had
    (a recovery code, a browser that was signed in), these come to those of before, and who was
    enrolled in the time of setting up stays so; where it did not, they take their place."""
    member, here = found.member, enrolment_links.open_link_terms(session, found.link).proven_to
    if found.link.kind == LinkKind.OPERATOR:
        return here
    before = password_seal.load_vouched_by(session, member.id, member.password_hash)
    return before | here if before else before


def forbidden_password_words(session: Session, member: Staff, organisation: str) -> list[str]:
    """What a password of theirs must not hold."""
    who = open_staff_details(session, member)
    return [who.name, who.email, organisation]


def replace_password(
    session: Session, member: Staff, password: str, now: datetime, *, organisation: str = ""
) -> None:
    """Their own choice of another password. Raises ``InvalidInput``."""
    hashed = hash_password(password, forbidden_password_words(session, member, organisation))
    proven_to = password_seal.load_vouched_by(session, member.id, member.password_hash)
    member.password_hash = password_seal.seal_password(session, member.id, hashed, proven_to)
    session.add(member)
    session.flush()
    audit_log.record_act(session, audit_log.staff_actor(member.id), AuditAct.STAFF_PASSWORD, now)
    security_notices.add_security_notice(session, member.id, Notice.PASSWORD, now)


def deactivate_staff_member(session: Session, member: Staff, now: datetime) -> None:
    """End all sessions and tokens of a member of staff at once."""
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
    """Give somebody another role: whatever they were signed in with under the old one ends, and one
    that they have not taken up yet is not theirs to take any more."""
    member.role = role
    enrolment_links.end_unused_links(session, member.id, now, promotions=True)
    session.add(member)
    session.flush()
    staff_sessions.revoke_staff_access(session, member.id, now, "role", actor=by)
    audit_log.record_act(session, by, AuditAct.STAFF_ROLE, now, detail=f"{role} {member.id}")

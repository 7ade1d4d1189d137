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

from people import password_seal, phone_numbers
from people.approvals import bootstrap
from people.credentials import hash_password, new_token, token_hash
from people.errors import InvalidInput, LinkSpent
from people.models import EnrolmentLink, Role, Staff
from people.staff import enrolment_links, second_factor, security_notices, staff_sessions
from people.staff.enrolment_links import NO_TERMS, Kind, Pieces, Terms
from people.staff.security_notices import Notice
from people.text_input import Allowed, clean
from storage.column_types import new_id
from storage.session import Work
from vault import external_counters
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring
from vault.keys.blind_index_check import is_own
from vault.keys.keyring import Keyring

LINK_LIVES, OWN_LINK_LIVES = timedelta(hours=72), timedelta(minutes=30)
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,180}")


@dataclass(frozen=True)
class Colleague:
    """A member of staff in plain."""

    id: UUID
    role: Role
    email: str
    name: str
    timezone: str


def normal_email(text: str) -> str:
    """An address in the one form we compare. Raises ``InvalidInput``."""
    plain = text.strip().lower()
    if not _EMAIL.fullmatch(plain):
        raise InvalidInput("email", "Write an e-mail address, like ana@example.org.")
    return plain


def find(session: Session, email: str) -> Staff | None:
    """The member of staff with this address."""
    address, ring = normal_email(email), keyring.of(session)
    forms = ring.forms("email", address)
    rows = session.exec(select(Staff).where(col(Staff.email_index).in_(forms))).all()
    if not rows:
        ring.seal_for(keyring.STAFF, "nobody", address)  # takes as long as opening one
        hmac.compare_digest(address.encode(), address.encode())
    return next((row for row in rows if is_own("staff", row.id, _email(ring, row), address)), None)


def _email(ring: Keyring, row: Staff) -> Callable[[], str]:
    return partial(ring.open_for, keyring.STAFF, f"staff.email:{row.id}", row.email)


def add(
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
    keyring.hold_index(session)
    address, plain_name = require_addable(session, email, name, role, timezone)
    ring, row = keyring.of(session), new_id()
    member = Staff(
        id=row,
        role=role,
        email=ring.seal_for(keyring.STAFF, f"staff.email:{row}", address),
        email_index=ring.blind_index("email", address),
        name=ring.seal_for(keyring.STAFF, f"staff.name:{row}", plain_name),
        timezone=timezone,
        demo=demo,
        created_at=now,
    )
    session.add(member)
    session.flush()
    audit_log.record(session, by, AuditAct.STAFF_ADD, now, detail=f"{role} {row}")
    return member


def require_addable(
    session: Session, email: str, name: str, role: str, timezone: str
) -> tuple[str, str]:
    """Address and name of somebody who could be added, in the form that is kept. Raises
    ``InvalidInput``."""
    address = normal_email(email)
    if role not in set(Role):
        raise InvalidInput("role", f"The role is one of: {', '.join(Role)}.")
    if find(session, address):
        raise InvalidInput("email", "A member of staff with this address exists already.")
    phone_numbers.zone(timezone)
    return address, clean("name", name, limit=60, what="name", allowed=Allowed.WORDS)


def set_phone(
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
    member.phone = keyring.of(session).seal_for(keyring.STAFF, place, phone)
    session.add(member)
    session.flush()
    audit_log.record(session, by, AuditAct.STAFF_PHONE, now, detail=str(member.id))


def phone_of(session: Session, member: Staff) -> str:
    """The number that a member of staff is rung at; empty when we have none."""
    if member.phone is None:
        return ""
    return keyring.of(session).open_for(keyring.STAFF, f"staff.phone:{member.id}", member.phone)


def opened(session: Session, member: Staff) -> Colleague:
    """A member of staff in plain."""
    ring = keyring.of(session)
    return Colleague(
        id=member.id,
        role=Role(member.role),
        email=ring.open_for(keyring.STAFF, f"staff.email:{member.id}", member.email),
        name=name_of(session, member.id, member.name),
        timezone=member.timezone,
    )


def at_work(session: Session, also: Collection[UUID] = ()) -> list[Colleague]:
    """Everybody who works here, and ``also`` these, by name."""
    shown = or_(col(Staff.active).is_(True), col(Staff.id).in_(also))
    rows = session.exec(select(Staff).where(shown))
    return sorted((opened(session, row) for row in rows), key=lambda each: each.name)


def name_of(session: Work, staff_id: UUID, sealed_name: bytes) -> str:
    """The name from its sealed column."""
    return keyring.of(session).open_for(keyring.STAFF, f"staff.name:{staff_id}", sealed_name)


def everybody(session: Session) -> list[tuple[UUID, str]]:
    """All who work here or did, by name."""
    found = session.exec(select(Staff)).all()
    named = [(each.id, name_of(session, each.id, each.name)) for each in found]
    return sorted(named, key=lambda each: (each[1].casefold(), each[0]))


def invite(
    session: Session,
    member: Staff,
    now: datetime,
    *,
    kind: Kind = Kind.OPERATOR,
    pin: str = "",
    by: audit_log.Actor = audit_log.OPERATOR,
) -> str:
    """A token for a one-time enrolment link, good for three days; older ones stop working.

    ``kind`` says what it asks beside itself. With a ``pin`` the link alone is of no use.
    """
    token = new_token()
    terms = Terms({"": pin}) if pin else Terms()
    invite_by(session, member, token_hash(token), now, by, kind=kind, terms=terms)
    return token


def invite_by(
    session: Session,
    member: Staff,
    hashed: bytes,
    now: datetime,
    by: audit_log.Actor = audit_log.OPERATOR,
    *,
    kind: Kind = Kind.OPERATOR,
    terms: Terms = NO_TERMS,
) -> None:
    """Let the link with the token that was hashed work, from now on for three days, on these
    terms."""
    enrolment_links.end_earlier(session, member.id, now, promotions=kind is Kind.PROMOTION)
    row, ring = new_id(), keyring.of(session)
    place = f"enrolment_link.totp_secret:{row}"
    made = EnrolmentLink(
        id=row,
        token_hash=hashed,
        staff_id=member.id,
        totp_secret=ring.seal_for(keyring.STAFF, place, pyotp.random_base32()),
        kind=kind,
        made_by=by.staff_id,
        pin=enrolment_links.seal_terms(session, row, terms),
        expires_at=now + (OWN_LINK_LIVES if kind is Kind.SELF else LINK_LIVES),
    )
    session.add(password_seal.bind(session, made))
    session.flush()
    audit_log.record(session, by, AuditAct.STAFF_INVITE, now, detail=f"{member.id} {kind}")


def invited(
    session: Session, token: str, now: datetime, piece: str = "", pieces: Pieces | None = None
) -> tuple[EnrolmentLink, Staff, str]:
    """The link, whom it is for, and the second factor's secret to show as a QR code.

    ``pieces`` are what some links ask beside themselves, ``piece`` stands for its PINs alone.
    Raises :class:`LinkSpent`, or ``SecondPieceWrong``, with which the caller commits: it has
    counted the try.
    """
    wanted = col(EnrolmentLink.token_hash) == token_hash(token)
    found = _open_link(session, wanted, now)
    if found.link.kind == Kind.PROMOTION:
        raise LinkSpent
    enrolment_links.require_pieces(session, found.link, pieces or Pieces(piece), now)
    return found.link, found.member, found.secret


@dataclass(frozen=True)
class OpenLink:
    """A link that works, its owner, and the second factor's secret that it shows."""

    link: EnrolmentLink
    member: Staff
    secret: str


def own_link(session: Session, kind: Kind, staff_id: UUID, now: datetime) -> OpenLink:
    """A link that its owner, signed in, uses without a token. Raises ``LinkSpent``."""
    mine = and_(
        col(EnrolmentLink.staff_id) == staff_id,
        col(EnrolmentLink.kind) == kind,
        col(EnrolmentLink.used_at).is_(None),
    )
    return _open_link(session, mine, now)


def _open_link(session: Session, wanted: ColumnElement[bool], now: datetime) -> OpenLink:
    found = session.exec(
        select(EnrolmentLink, Staff)
        .where(wanted, col(EnrolmentLink.staff_id) == col(Staff.id))
        .order_by(col(EnrolmentLink.id).desc())
        .limit(1)
        .with_for_update()
    ).first()
    if found is None:
        raise LinkSpent
    link, member = found
    if link.used_at is not None or now >= link.expires_at or not member.active:
        raise LinkSpent
    if not password_seal.holds(session, link) or not password_seal.holds(session, member):
        raise LinkSpent
    place = f"enrolment_link.totp_secret:{link.id}"
    secret = keyring.of(session).open_for(keyring.STAFF, place, link.totp_secret)
    return OpenLink(link, member, secret)


def enrol(
    session: Session,
    token: str,
    password: str,
    code: str,
    now: datetime,
    *,
    piece: str = "",
    pieces: Pieces | None = None,
    organisation: str = "",
) -> tuple[Staff, list[str]]:
    """Set password and second factor, and spend the link.

    ``code`` proves that the authenticator has the secret. Gives the member of staff and the
    recovery codes, which are shown this once. What they had before ends now, and not when the
    link was made: nobody can throw a colleague out with one. Raises as :func:`invited` does, or
    ``InvalidInput``.
    """
    link, member, secret = invited(session, token, now, piece, pieces)
    found = OpenLink(link, member, secret)
    return member, set_credentials(session, found, password, code, now, organisation)


def set_credentials(
    session: Session,
    found: OpenLink,
    password: str,
    code: str,
    now: datetime,
    organisation: str = "",
) -> list[str]:
    """Keep password and second factor of somebody who has given all that their link asks; gives
    their recovery codes. Raises ``InvalidInput``."""
    link, member = found.link, found.member
    step = second_factor.matching_step(found.secret, code, now, after=0)
    if step is None:
        raise InvalidInput("code", "That is not the number your authenticator shows now.")
    password_hash = hash_password(password, words_of(session, member, organisation))
    proven_to = _proven_to(session, found)
    if member.password_hash is not None:
        enrolment_links.end_what_was(session, link, member, now)
    member.password_hash = password_seal.seal_password(session, member.id, password_hash, proven_to)
    place = f"staff.totp_secret:{member.id}"
    member.totp_secret = keyring.of(session).seal_for(keyring.STAFF, place, found.secret)
    member.totp_last_step = step
    link.used_at, link.bound = now, None
    if not external_counters.spend(session, f"link:{link.id.hex}"):
        raise LinkSpent
    session.add_all([member, link])
    codes = second_factor.new_recovery_codes(session, member.id)
    audit_log.record(
        session, audit_log.staff(member.id), AuditAct.STAFF_ENROL, now, detail=link.kind
    )
    bootstrap.close_if_due(session, now)
    return codes


def _proven_to(session: Session, found: OpenLink) -> frozenset[UUID]:
    """The colleagues that this enrolment proves them to. Where it took something that only they had
    (a recovery code, a browser that was signed in), these come to those of before, and who was
    enrolled in the time of setting up stays so; where it did not, they take their place."""
    member, here = found.member, enrolment_links.terms_of(session, found.link).proven_to
    if found.link.kind == Kind.OPERATOR:
        return here
    before = password_seal.proven_to(session, member.id, member.password_hash)
    return before | here if before else before


def words_of(session: Session, member: Staff, organisation: str) -> list[str]:
    """What a password of theirs must not hold."""
    who = opened(session, member)
    return [who.name, who.email, organisation]


def new_password(
    session: Session, member: Staff, password: str, now: datetime, *, organisation: str = ""
) -> None:
    """Their own choice of another password. Raises ``InvalidInput``."""
    hashed = hash_password(password, words_of(session, member, organisation))
    proven_to = password_seal.proven_to(session, member.id, member.password_hash)
    member.password_hash = password_seal.seal_password(session, member.id, hashed, proven_to)
    session.add(member)
    session.flush()
    audit_log.record(session, audit_log.staff(member.id), AuditAct.STAFF_PASSWORD, now)
    security_notices.add(session, member.id, Notice.PASSWORD, now)


def switch_off(session: Session, member: Staff, now: datetime) -> None:
    """End all sessions and tokens of a member of staff at once."""
    member.active = False
    session.add(member)
    session.flush()
    staff_sessions.end_all(session, member.id, now, "off", actor=audit_log.OPERATOR)
    audit_log.record(
        session, audit_log.OPERATOR, AuditAct.STAFF_SWITCH_OFF, now, detail=str(member.id)
    )


def change_role(
    session: Session, member: Staff, role: Role, by: audit_log.Actor, now: datetime
) -> None:
    """Give somebody another role: whatever they were signed in with under the old one ends, and one
    that they have not taken up yet is not theirs to take any more."""
    member.role = role
    enrolment_links.end_earlier(session, member.id, now, promotions=True)
    session.add(member)
    session.flush()
    staff_sessions.end_all(session, member.id, now, "role", actor=by)
    audit_log.record(session, by, AuditAct.STAFF_ROLE, now, detail=f"{role} {member.id}")

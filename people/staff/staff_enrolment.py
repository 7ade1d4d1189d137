"""Enrolment by a one-time link: sets a member's password and second factor, and spends the link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_
from sqlmodel import Session, col, select

from people import password_seal, row_mac
from people.approvals import bootstrap
from people.credential_models import EnrolmentLink
from people.credentials import hash_password, token_hash
from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput, LinkExpired
from people.models import Staff
from people.staff import enrolment_links, former_credentials, second_factor
from people.staff.enrolment_links import LinkKind, SecondStepInput
from people.staff.staff_passwords import forbidden_password_words
from vault import external_counters
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring


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
        former_credentials.end_former_credentials(session, link, member, now)
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

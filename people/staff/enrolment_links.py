"""What some enrolment links ask beside themselves, and what ends when one is used."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session, col, select

from people import credentials, password_seal
from people.errors import LinkSpent, SecondPieceWrong
from people.models import EnrolmentLink, Staff
from people.passkeys import credential_records
from people.staff import second_factor, security_notices, staff_sessions
from people.staff.security_notices import Notice
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring

WRONG_PIECES = 5
new_pin = credentials.new_pin
_PIN_LENGTH = 6


class Kind(StrEnum):
    """What a link is for.

    ``OPERATOR``: enrolling for the first time or after losing everything; the operator of the
    server or a colleague has asked for it. ``COLLEAGUE``: after losing password or phone; the link
    also asks for one of its owner's recovery codes. ``SELF``: another authenticator for its owner,
    who is signed in. ``PROMOTION``: another role, which its owner takes up while signed in.
    """

    OPERATOR = "operator"
    COLLEAGUE = "colleague"
    SELF = "self"
    PROMOTION = "promotion"


@dataclass(frozen=True)
class Terms:
    """What a link asks for and what it gives; kept sealed with the link and bound to it.

    ``pins`` are by the id of the person who hands each over (in hexadecimal digits; empty for the
    operator of the server). ``session_id`` is the session of the only browser that the link works
    in. ``role`` is the role that it gives.
    """

    pins: Mapping[str, str] = field(default_factory=dict)
    session_id: str = ""
    role: str = ""

    @property
    def proven_to(self) -> frozenset[UUID]:
        """The members of staff who hand a PIN over."""
        return frozenset(UUID(hex=each) for each in self.pins if each)


NO_TERMS = Terms()


@dataclass(frozen=True)
class Pieces:
    """What was given beside a link: ``pins`` in any order, a ``recovery`` code, and the session of
    the browser, if somebody is signed in there."""

    pins: str = ""
    recovery: str = ""
    session_id: UUID | None = None


def seal_terms(session: Session, link_id: UUID, terms: Terms) -> bytes | None:
    """The terms of a link as its row keeps them; none where there are none."""
    if terms == NO_TERMS:
        return None
    text = json.dumps([dict(terms.pins), terms.session_id, terms.role])
    return keyring.of(session).seal_for(keyring.STAFF, f"enrolment_link.pin:{link_id}", text)


def terms_of(session: Session, link: EnrolmentLink) -> Terms:
    """The terms of a link whose binding holds. Before there were others, a PIN stood alone."""
    if link.pin is None:
        return NO_TERMS
    place = f"enrolment_link.pin:{link.id}"
    text = keyring.of(session).open_for(keyring.STAFF, place, link.pin)
    return Terms(*json.loads(text)) if text.startswith("[") else Terms({"": text})


def require_pieces(session: Session, link: EnrolmentLink, pieces: Pieces, now: datetime) -> Terms:
    """The terms of a link, once all that it asks was given. Raises ``LinkSpent`` in any browser but
    the one it was made in, and ``SecondPieceWrong`` for what is missing or does not fit; five wrong
    ones spend the link."""
    terms = terms_of(session, link)
    if not _is_here(link, terms, pieces):
        raise LinkSpent
    asked = _asked(link, terms)
    fits = _pins_fit(terms, pieces.pins) and _recovery_fits(session, link, pieces.recovery)
    if fits:
        return terms
    if not (pieces.pins or pieces.recovery):
        raise SecondPieceWrong(asked, tried=False, pins=len(terms.pins))
    link.tries += 1
    if link.tries >= WRONG_PIECES:
        link.used_at = now
    session.add(password_seal.rebind(session, link))
    session.flush()
    detail = f"{link.staff_id} {asked}"
    audit_log.record(session, audit_log.SYSTEM, AuditAct.STAFF_ENROL_FAILED, now, detail=detail)
    raise SecondPieceWrong(asked, tried=True, pins=len(terms.pins))


def _is_here(link: EnrolmentLink, terms: Terms, pieces: Pieces) -> bool:
    """A link of one's own is good in the browser in which its owner was signed in, as long as they
    are; one that never named a browser is good in none. (Who takes up a role is signed in too: the
    page finds that link by its owner.)"""
    if link.kind != Kind.SELF:
        return True
    here = pieces.session_id
    return here is not None and terms.session_id == here.hex


def _asked(link: EnrolmentLink, terms: Terms) -> str:
    recovery = "recovery" if link.kind == Kind.COLLEAGUE else ""
    return " ".join(filter(None, ("pin" if terms.pins else "", recovery)))


def _pins_fit(terms: Terms, given: str) -> bool:
    """Whether these are all of them, in any order. The time it takes tells nothing of them."""
    plain = "".join(given.split())
    if not terms.pins:
        return True
    if len(terms.pins) > 1:
        parts = (plain[at : at + _PIN_LENGTH] for at in range(0, len(plain), _PIN_LENGTH))
        plain = "".join(sorted(parts))
    expected = "".join(sorted(terms.pins.values()))
    return hmac.compare_digest(expected.encode(), plain.encode())


def _recovery_fits(session: Session, link: EnrolmentLink, code: str) -> bool:
    if link.kind != Kind.COLLEAGUE:
        return True
    return second_factor.recovery_code_fits(session, link.staff_id, code)


def end_earlier(session: Session, staff_id: UUID, now: datetime, *, promotions: bool) -> None:
    """Unused links of somebody work no more: those for another role, or all others."""
    is_promotion = col(EnrolmentLink.kind) == Kind.PROMOTION
    earlier = select(EnrolmentLink).where(
        col(EnrolmentLink.staff_id) == staff_id,
        col(EnrolmentLink.used_at).is_(None),
        is_promotion if promotions else ~is_promotion,
    )
    for link in session.exec(earlier):
        link.used_at, link.bound = now, None
        session.add(link)


def end_what_was(session: Session, link: EnrolmentLink, member: Staff, now: datetime) -> None:
    """Somebody sets password and second factor anew: their earlier ones' browsers are out. Unless
    they did so by themselves, signed in, so are their passkeys and tokens, and a role that they
    have not taken up is not theirs to take."""
    if link.kind == Kind.SELF:
        staff_sessions.end_others(session, member.id, None, now, "authenticator")
    else:
        credential_records.end_all(session, member, now)
        end_earlier(session, member.id, now, promotions=True)
        staff_sessions.end_all(session, member.id, now, "reset", actor=audit_log.staff(member.id))
        session.refresh(member)
    audit_log.record(
        session, audit_log.staff(member.id), AuditAct.STAFF_RESET_USED, now, detail=link.kind
    )
    security_notices.add(session, member.id, Notice.RESET_USED, now)

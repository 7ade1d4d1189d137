"""Terms of enrolment links: what some ask for beside the token, and the end of unused links."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session, col, select

from people import credentials, row_mac
from people.credential_models import EnrolmentLink
from people.errors import LinkExpired, SecondStepFailed
from people.staff import second_factor
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.keys import keyring

MAX_WRONG_ATTEMPTS = 5
new_pin = credentials.new_pin
_PIN_LENGTH = 6


class LinkKind(StrEnum):
    """The purpose of a link.

    ``OPERATOR``: first enrolment, or re-enrolment after losing everything; requested by the
    operator of the server or a colleague. ``COLLEAGUE``: after losing password or phone; the link
    also asks for one of its owner's recovery codes. ``SELF``: another authenticator for its owner,
    who is signed in. ``PROMOTION``: another role, which its owner takes up while signed in.
    """

    OPERATOR = "operator"
    COLLEAGUE = "colleague"
    SELF = "self"
    PROMOTION = "promotion"


@dataclass(frozen=True)
class LinkTerms:
    """What a link asks for and what it grants; stored sealed with the link and bound to it.

    ``pins`` are by the id of the person who hands each over (in hexadecimal digits; empty for the
    operator of the server). ``session_id`` is the session of the only browser that the link works
    in. ``role`` is the role that it grants.
    """

    pins: Mapping[str, str] = field(default_factory=dict)
    session_id: str = ""
    role: str = ""

    @property
    def proven_to(self) -> frozenset[UUID]:
        """The members of staff who hand over a PIN."""
        return frozenset(UUID(hex=pin) for pin in self.pins if pin)


NO_TERMS = LinkTerms()


@dataclass(frozen=True)
class SecondStepInput:
    """What was entered beside a link: ``pins`` in any order, a ``recovery`` code, and the session
    of the browser, if somebody is signed in there."""

    pins: str = ""
    recovery: str = ""
    session_id: UUID | None = None


def seal_link_terms(session: Session, link_id: UUID, terms: LinkTerms) -> bytes | None:
    """Return the sealed terms for a link's row; ``None`` if there are none."""
    if terms == NO_TERMS:
        return None
    text = json.dumps([dict(terms.pins), terms.session_id, terms.role])
    return keyring.current_keyring(session).seal_for_purpose(
        keyring.STAFF, f"enrolment_link.pin:{link_id}", text
    )


def open_link_terms(session: Session, link: EnrolmentLink) -> LinkTerms:
    """Decrypt the terms of a link whose MAC holds. Older links hold a PIN alone."""
    if link.pin is None:
        return NO_TERMS
    context = f"enrolment_link.pin:{link.id}"
    text = keyring.current_keyring(session).open_for_purpose(keyring.STAFF, context, link.pin)
    return LinkTerms(*json.loads(text)) if text.startswith("[") else LinkTerms({"": text})


def require_second_step(
    session: Session, link: EnrolmentLink, pieces: SecondStepInput, now: datetime
) -> LinkTerms:
    """Return the terms of a link once everything it asks for was entered.

    Raises ``LinkExpired`` in any browser but its own, and ``SecondStepFailed`` for missing or wrong
    input; five wrong attempts spend the link.
    """
    terms = open_link_terms(session, link)
    if not _is_in_own_browser(link, terms, pieces):
        raise LinkExpired
    required = _required_second_step(link, terms)
    matches = _pins_match(terms, pieces.pins) and _link_recovery_code_matches(
        session, link, pieces.recovery
    )
    if matches:
        return terms
    if not (pieces.pins or pieces.recovery):
        raise SecondStepFailed(required, tried=False, pins=len(terms.pins))
    link.tries += 1
    if link.tries >= MAX_WRONG_ATTEMPTS:
        link.used_at = now
    session.add(row_mac.refresh_mac(session, link))
    session.flush()
    detail = f"{link.staff_id} {required}"
    audit_log.record_act(session, audit_log.SYSTEM, AuditAct.STAFF_ENROL_FAILED, now, detail=detail)
    raise SecondStepFailed(required, tried=True, pins=len(terms.pins))


def _is_in_own_browser(link: EnrolmentLink, terms: LinkTerms, pieces: SecondStepInput) -> bool:
    """Return whether the link may be used in this browser.

    A ``SELF`` link works in the browser in which its owner was signed in, as long as they are; one
    that names no session works in none. (For a ``PROMOTION`` link the owner is signed in too: the
    page finds the link by its owner.)
    """
    if link.kind != LinkKind.SELF:
        return True
    current_session = pieces.session_id
    return current_session is not None and terms.session_id == current_session.hex


def _required_second_step(link: EnrolmentLink, terms: LinkTerms) -> str:
    recovery = "recovery" if link.kind == LinkKind.COLLEAGUE else ""
    return " ".join(filter(None, ("pin" if terms.pins else "", recovery)))


def _pins_match(terms: LinkTerms, given: str) -> bool:
    """Return whether these are all the PINs, in any order. Compares in constant time."""
    plain = "".join(given.split())
    if not terms.pins:
        return True
    if len(terms.pins) > 1:
        parts = (plain[at : at + _PIN_LENGTH] for at in range(0, len(plain), _PIN_LENGTH))
        plain = "".join(sorted(parts))
    expected = "".join(sorted(terms.pins.values()))
    return hmac.compare_digest(expected.encode(), plain.encode())


def _link_recovery_code_matches(session: Session, link: EnrolmentLink, code: str) -> bool:
    if link.kind != LinkKind.COLLEAGUE:
        return True
    return second_factor.recovery_code_matches(session, link.staff_id, code)


def end_unused_links(session: Session, staff_id: UUID, now: datetime, *, promotions: bool) -> None:
    """End a member's unused links: those for another role, or all others."""
    is_promotion = col(EnrolmentLink.kind) == LinkKind.PROMOTION
    unused = select(EnrolmentLink).where(
        col(EnrolmentLink.staff_id) == staff_id,
        col(EnrolmentLink.used_at).is_(None),
        is_promotion if promotions else ~is_promotion,
    )
    for link in session.exec(unused):
        link.used_at, link.bound = now, None
        session.add(link)

"""What some enrolment links ask beside themselves, and what ends when one is used."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from people import binding, notices, second_factor, sessions
from people.errors import SecondPieceWrong
from people.models import EnrolmentLink, Staff
from people.notices import Notice
from people.passkeys import keeping
from vault import audit, keyring
from vault.acts import AuditAct

WRONG_PIECES = 5


class Kind(StrEnum):
    """Who makes a link: whoever runs the server, a colleague (it then asks a recovery code of its
    owner's, so that neither of the two gets in alone), or its owner, signed in."""

    OPERATOR = "operator"
    COLLEAGUE = "colleague"
    SELF = "self"


def new_pin() -> str:
    """Six digits, to be told in person and never beside the link."""
    return f"{secrets.randbelow(10**6):06d}"


def asks(link: EnrolmentLink) -> str:
    """What a link asks beside itself: ``pin``, ``recovery`` or nothing."""
    if link.kind == Kind.COLLEAGUE:
        return "recovery"
    return "pin" if link.pin is not None else ""


def require_piece(session: Session, link: EnrolmentLink, piece: str, now: datetime) -> None:
    """Raises ``SecondPieceWrong`` unless ``piece`` is what the link asks; five wrong ones spend
    the link."""
    asked = asks(link)
    if not asked or _fits(session, link, asked, piece):
        return
    if not piece:
        raise SecondPieceWrong(asked, tried=False)
    link.tries += 1
    if link.tries >= WRONG_PIECES:
        link.used_at = now
    session.add(binding.rebind(session, link))
    session.flush()
    detail = f"{link.staff_id} {asked}"
    audit.record(session, audit.SYSTEM, AuditAct.STAFF_ENROL_FAILED, now, detail=detail)
    raise SecondPieceWrong(asked, tried=True)


def _fits(session: Session, link: EnrolmentLink, asked: str, piece: str) -> bool:
    if asked == "recovery":
        return second_factor.recovery_code_fits(session, link.staff_id, piece)
    place = f"enrolment_link.pin:{link.id}"
    pin = keyring.of(session).open_for(keyring.STAFF, place, link.pin or b"")
    return hmac.compare_digest(pin.encode(), "".join(piece.split()).encode())


def end_what_was(session: Session, link: EnrolmentLink, member: Staff, now: datetime) -> None:
    """Somebody sets password and second factor anew: their earlier ones' browsers are out. Unless
    they did so by themselves, signed in, so are their passkeys and tokens."""
    if link.kind == Kind.SELF:
        sessions.end_others(session, member.id, None, now, "authenticator")
    else:
        keeping.end_all(session, member, now)
        sessions.end_all(session, member.id, now, "reset", actor=audit.staff(member.id))
        session.refresh(member)
    audit.record(session, audit.staff(member.id), AuditAct.STAFF_RESET_USED, now, detail=link.kind)
    notices.add(session, member.id, Notice.RESET_USED, now)

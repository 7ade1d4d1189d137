"""What tells that a canary has been met: raised as a case, in which a mark stands for what was met,
so that a case says nothing of who is a canary to whoever copies the database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from incidents.canaries.store import Canary, Known, known
from incidents.cases.creation import Evidence, raise_case
from incidents.cases.models import CaseEvidence, Kind
from incidents.reports import signals
from vault.keys import keyring
from vault.models import AuditEntry

KIND = "canary"
#: What investigators read of it shows neither name nor number.
_OF_INVESTIGATORS = ("report.", "case.")


class What(StrEnum):
    """How it was met."""

    OPENED = "opened"  # by staff, out of turn
    CALL = "call"
    TEXT = "text"
    CHECK = "check"
    REPORT = "report"
    PAGE = "page"  # its own page was asked for, or used
    IMPORT = "import"


@dataclass(frozen=True)
class Sign:
    """A canary was met. ``source`` names what tells of it, like ``audit:17``; ``staff_id`` is who
    opened it."""

    canary: Canary
    what: What
    source: str
    at: datetime
    staff_id: UUID | None = None


@dataclass(frozen=True)
class Exposure:
    """A member of staff who has opened a canary, whether or not in turn."""

    staff_id: UUID
    first_at: datetime
    last_at: datetime
    times: int


@dataclass(frozen=True)
class Contact:
    """Somebody from outside knew a canary. ``customer_id`` is that canary's, ``at`` to the
    minute."""

    customer_id: UUID
    at: datetime
    what: What


def exposed_by(session: Session, canary: Canary) -> list[Exposure]:
    """Who has opened this canary and when, the first first: one of them, or whoever reads over
    their shoulder, is where a call to its number comes from."""
    rows = session.exec(
        select(AuditEntry)
        .where(
            col(AuditEntry.customer_id) == canary.customer_id,
            col(AuditEntry.staff_id).is_not(None),
        )
        .order_by(col(AuditEntry.id))
    )
    times: dict[UUID, list[datetime]] = {}
    for row in rows if canary.customer_id else ():
        if row.staff_id and not row.action.startswith(_OF_INVESTIGATORS):
            times.setdefault(row.staff_id, []).append(row.at)
    return [Exposure(who, at[0], at[-1], len(at)) for who, at in times.items()]


def contacts(
    session: Session, case_id: UUID | None = None, *seen: ColumnElement[bool]
) -> list[Contact]:
    """Every contact from outside with a canary, or those of one case, of the evidence that is
    ``seen``, oldest first: for who traces leaks, each is worth more than a report, since nobody
    real has that number."""
    customers = {each.number: each.customer_id for each in known(session).canaries}
    statement = select(CaseEvidence).where(col(CaseEvidence.kind) == KIND, *seen)
    if case_id is not None:
        statement = statement.where(col(CaseEvidence.case_id) == case_id)
    rows = session.exec(statement.order_by(col(CaseEvidence.at)))
    found: dict[str, Contact] = {}
    for row in rows:
        facts = json.loads(row.facts)
        who = customers.get(facts["canary"])
        if who is not None and facts["what"] not in (What.OPENED, What.IMPORT):
            found[row.ref] = Contact(who, row.at, What(facts["what"]))
    return list(found.values())


def tell(session: Session, signs: Sequence[Sign], now: datetime) -> None:
    """Raise a case of each that is in none yet: one for all that a member of staff opened out of
    turn, one for all contacts with a canary, which names everybody who had opened it."""
    refs = {_ref(session, each): each for each in signs}
    told = set(
        session.exec(
            select(CaseEvidence.ref).where(
                col(CaseEvidence.kind) == KIND, col(CaseEvidence.ref).in_(refs)
            )
        )
    )
    for ref, sign in refs.items():
        if ref not in told:
            _raise(session, ref, sign, now)


def _ref(session: Session, sign: Sign) -> str:
    return keyring.of(session).mark(keyring.CANARIES, sign.source)


def _raise(session: Session, ref: str, sign: Sign, now: datetime) -> None:
    """The time to the minute alone: to the microsecond it would name the entry it stands for."""
    at = sign.at.replace(second=0, microsecond=0)
    facts = {"canary": sign.canary.number, "what": sign.what.value}
    if sign.what is What.OPENED and sign.staff_id:
        fold, subjects = f"canary:opened:{sign.staff_id}", [sign.staff_id]
    else:
        # Without a customer or a number: the stream is no place to learn who is a canary.
        signals.put(session, signals.Sign(signals.CANARY, at, sign.what.value))
        fold = f"canary:contact:{sign.canary.number}"
        subjects = [each.staff_id for each in exposed_by(session, sign.canary)]
    evidence = [Evidence(KIND, ref, at, facts=facts)]
    raise_case(session, Kind.CANARY, fold, evidence, now, subjects=subjects)


def rang(session: Session, phone: str, what: What, source: str, now: datetime) -> bool:
    """Whether a phone that was rung or texted (E.164) is a canary's; then a case is raised."""
    found: Known = known(session)
    canary = found.by_phone.get(phone)
    if canary is None:
        return False
    tell(session, [Sign(canary, what, source, now)], now)
    return True

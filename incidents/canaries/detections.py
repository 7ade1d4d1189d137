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

from incidents.canaries.store import Canary, CanarySet, load_canaries
from incidents.cases.creation import NewEvidence, open_or_extend_case
from incidents.cases.models import CaseEvidence, CaseKind
from incidents.reports import signals
from vault.keys import keyring
from vault.models import AuditEntry

EVIDENCE_KIND = "canary"
#: What investigators read of it shows neither name nor number.
_INVESTIGATION_ACTS = ("report.", "case.")


class DetectionKind(StrEnum):
    """How it was met."""

    OPENED = "opened"  # by staff, out of turn
    CALL = "call"
    TEXT = "text"
    CHECK = "check"
    REPORT = "report"
    PAGE = "page"  # its own page was asked for, or used
    IMPORT = "import"


@dataclass(frozen=True)
class CanaryDetection:
    """A canary was met. ``source`` names what tells of it, like ``audit:17``; ``staff_id`` is who
    opened it."""

    canary: Canary
    what: DetectionKind
    source: str
    at: datetime
    staff_id: UUID | None = None


@dataclass(frozen=True)
class CanaryAccess:
    """A member of staff who has opened a canary, whether or not in turn."""

    staff_id: UUID
    first_at: datetime
    last_at: datetime
    times: int


@dataclass(frozen=True)
class CanaryContact:
    """Somebody from outside knew a canary. ``customer_id`` is that canary's, ``at`` to the
    minute."""

    customer_id: UUID
    at: datetime
    what: DetectionKind


def list_canary_accesses(session: Session, canary: Canary) -> list[CanaryAccess]:
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
        if row.staff_id and not row.action.startswith(_INVESTIGATION_ACTS):
            times.setdefault(row.staff_id, []).append(row.at)
    return [CanaryAccess(who, at[0], at[-1], len(at)) for who, at in times.items()]


def list_canary_contacts(
    session: Session, case_id: UUID | None = None, *seen: ColumnElement[bool]
) -> list[CanaryContact]:
    """Every contact from outside with a canary, or those of one case, of the evidence that is
    ``seen``, oldest first: for who traces leaks, each is worth more than a report, since nobody
    real has that number."""
    customers = {canary.number: canary.customer_id for canary in load_canaries(session).canaries}
    statement = select(CaseEvidence).where(col(CaseEvidence.kind) == EVIDENCE_KIND, *seen)
    if case_id is not None:
        statement = statement.where(col(CaseEvidence.case_id) == case_id)
    rows = session.exec(statement.order_by(col(CaseEvidence.at)))
    found: dict[str, CanaryContact] = {}
    for row in rows:
        facts = json.loads(row.facts)
        who = customers.get(facts["canary"])
        if who is not None and facts["what"] not in (DetectionKind.OPENED, DetectionKind.IMPORT):
            found[row.ref] = CanaryContact(who, row.at, DetectionKind(facts["what"]))
    return list(found.values())


def report_detections(session: Session, signs: Sequence[CanaryDetection], now: datetime) -> None:
    """Raise a case of each that is in none yet: one for all that a member of staff opened out of
    turn, one for all contacts with a canary, which names everybody who had opened it."""
    refs = {_mark_detection_source(session, one_sign): one_sign for one_sign in signs}
    told = set(
        session.exec(
            select(CaseEvidence.ref).where(
                col(CaseEvidence.kind) == EVIDENCE_KIND, col(CaseEvidence.ref).in_(refs)
            )
        )
    )
    for ref, sign in refs.items():
        if ref not in told:
            _open_detection_case(session, ref, sign, now)


def _mark_detection_source(session: Session, sign: CanaryDetection) -> str:
    return keyring.current_keyring(session).fingerprint_for_purpose(keyring.CANARIES, sign.source)


def _open_detection_case(session: Session, ref: str, sign: CanaryDetection, now: datetime) -> None:
    """The time to the minute alone: to the microsecond it would name the entry it stands for."""
    at = sign.at.replace(second=0, microsecond=0)
    facts = {"canary": sign.canary.number, "what": sign.what.value}
    if sign.what is DetectionKind.OPENED and sign.staff_id:
        fold, subjects = f"canary:opened:{sign.staff_id}", [sign.staff_id]
    else:
        # Without a customer or a number: the stream is no place to learn who is a canary.
        signals.record_signal(session, signals.Signal(signals.CANARY, at, sign.what.value))
        fold = f"canary:contact:{sign.canary.number}"
        subjects = [access.staff_id for access in list_canary_accesses(session, sign.canary)]
    evidence = [NewEvidence(EVIDENCE_KIND, ref, at, facts=facts)]
    open_or_extend_case(session, CaseKind.CANARY, fold, evidence, now, subjects=subjects)


def detect_canary_contact(
    session: Session, phone: str, what: DetectionKind, source: str, now: datetime
) -> bool:
    """Whether a phone that was rung or texted (E.164) is a canary's; then a case is raised."""
    found: CanarySet = load_canaries(session)
    canary = found.by_phone.get(phone)
    if canary is None:
        return False
    report_detections(session, [CanaryDetection(canary, what, source, now)], now)
    return True

"""Detections of contact with canaries, reported as cases. Evidence holds a keyed mark of its
source, so that a copy of the database does not reveal who is a canary."""

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
#: Investigators' acts show neither its name nor its number.
_INVESTIGATION_ACTS = ("report.", "case.")


class DetectionKind(StrEnum):
    """How the canary was met."""

    OPENED = "opened"  # by staff, unexpectedly
    CALL = "call"
    TEXT = "text"
    CHECK = "check"
    REPORT = "report"
    PAGE = "page"  # its portal was requested or used
    IMPORT = "import"


@dataclass(frozen=True)
class CanaryDetection:
    """A canary was met. ``source`` identifies the evidence, for example ``audit:17``; ``staff_id``
    is who opened it."""

    canary: Canary
    what: DetectionKind
    source: str
    at: datetime
    staff_id: UUID | None = None


@dataclass(frozen=True)
class CanaryAccess:
    """A staff member who has opened a canary, expected or not."""

    staff_id: UUID
    first_at: datetime
    last_at: datetime
    times: int


@dataclass(frozen=True)
class CanaryContact:
    """Somebody outside knew a canary. ``customer_id`` is the canary's; ``at`` is to the minute."""

    customer_id: UUID
    at: datetime
    what: DetectionKind


def list_canary_accesses(session: Session, canary: Canary) -> list[CanaryAccess]:
    """Return who has opened this canary and when, in order of first access.

    A call to its number comes from one of them, or from somebody who reads over their shoulder.
    """
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
    """Return all outside contacts with canaries, oldest first; with ``case_id``, those of one case,
    from the evidence that matches ``seen``.

    To a trace, each is worth more than a report, since no real person has that number.
    """
    customers = {canary.number: canary.customer_id for canary in load_canaries(session).canaries}
    statement = select(CaseEvidence).where(col(CaseEvidence.kind) == EVIDENCE_KIND, *seen)
    if case_id is not None:
        statement = statement.where(col(CaseEvidence.case_id) == case_id)
    rows = session.exec(statement.order_by(col(CaseEvidence.at)))
    contacts: dict[str, CanaryContact] = {}
    for row in rows:
        facts = json.loads(row.facts)
        who = customers.get(facts["canary"])
        if who is not None and facts["what"] not in (DetectionKind.OPENED, DetectionKind.IMPORT):
            contacts[row.ref] = CanaryContact(who, row.at, DetectionKind(facts["what"]))
    return list(contacts.values())


def report_detections(session: Session, signs: Sequence[CanaryDetection], now: datetime) -> None:
    """Report each detection that is in no case yet.

    One case covers everything that one staff member opened unexpectedly; one covers all contacts
    with one canary and names everybody who had opened it.
    """
    refs = {_mark_detection_source(session, detection): detection for detection in signs}
    reported = set(
        session.exec(
            select(CaseEvidence.ref).where(
                col(CaseEvidence.kind) == EVIDENCE_KIND, col(CaseEvidence.ref).in_(refs)
            )
        )
    )
    for ref, sign in refs.items():
        if ref not in reported:
            _open_detection_case(session, ref, sign, now)


def _mark_detection_source(session: Session, sign: CanaryDetection) -> str:
    return keyring.current_keyring(session).fingerprint_for_purpose(keyring.CANARIES, sign.source)


def _open_detection_case(session: Session, ref: str, sign: CanaryDetection, now: datetime) -> None:
    """Open or extend the case. The time is stored to the minute only: to the microsecond it would
    identify the audit entry that the mark stands for."""
    at = sign.at.replace(second=0, microsecond=0)
    facts = {"canary": sign.canary.number, "what": sign.what.value}
    if sign.what is DetectionKind.OPENED and sign.staff_id:
        fold, subjects = f"canary:opened:{sign.staff_id}", [sign.staff_id]
    else:
        # Without a customer or a number: the stream must not reveal who is a canary.
        signals.record_signal(session, signals.Signal(signals.CANARY, at, sign.what.value))
        fold = f"canary:contact:{sign.canary.number}"
        subjects = [access.staff_id for access in list_canary_accesses(session, sign.canary)]
    evidence = [NewEvidence(EVIDENCE_KIND, ref, at, facts=facts)]
    open_or_extend_case(session, CaseKind.CANARY, fold, evidence, now, subjects=subjects)


def detect_canary_contact(
    session: Session, phone: str, what: DetectionKind, source: str, now: datetime
) -> bool:
    """Return whether a called or texted phone (E.164) is a canary's; if so, open a case."""
    canaries: CanarySet = load_canaries(session)
    canary = canaries.by_phone.get(phone)
    if canary is None:
        return False
    report_detections(session, [CanaryDetection(canary, what, source, now)], now)
    return True

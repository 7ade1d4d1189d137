"""Steps that an investigator takes in a case. Each is recorded in the case and in the audit log."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.cases import states
from incidents.cases.creation import add_case_event, add_case_subjects
from incidents.cases.models import Case, CaseEvidence, CaseOutcome, CaseState
from incidents.cases.visibility import evidence_visible_to, get_held_case, get_visible_case
from incidents.error_codes import IncidentErrorCode
from incidents.reports import reporter_feedback
from incidents.reports.models import Report
from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput
from people.models import Staff
from people.text_input import require_meaningful_reason
from scheduling.errors import WrongState
from vault.audit import audit_log
from vault.audit.acts import AuditAct

MAX_TEXT_LENGTH = 4000
#: Outcomes that an investigator can choose. ``JOINED`` is set by a merge.
SELECTABLE_OUTCOMES = tuple(item for item in CaseOutcome if item is not CaseOutcome.JOINED)


def claim_case(session: Session, reference: str, who: UUID, now: datetime) -> Case:
    """Take an open case; of several concurrent claims one succeeds. Raises ``NotFound`` or
    ``WrongState``."""
    case = get_visible_case(session, reference, who, lock=True)
    if case.state == CaseState.TAKEN and case.taken_by == who:
        return case
    states.transition_case(session, case, CaseState.TAKEN, now, taker=who)
    add_case_event(session, case, AuditAct.CASE_TAKEN, "", audit_log.staff_actor(who), now)
    return case


def hand_back_case(session: Session, reference: str, who: UUID, words: str, now: datetime) -> Case:
    """Give the case back so that another investigator can take it. Raises as
    :func:`write_case_note`."""
    case = get_held_case(session, reference, who)
    states.transition_case(session, case, CaseState.OPEN, now)
    add_case_event(
        session,
        case,
        AuditAct.CASE_GIVEN_BACK,
        clean_case_text(words, required=False),
        audit_log.staff_actor(who),
        now,
    )
    return case


def write_case_note(session: Session, reference: str, who: UUID, words: str, now: datetime) -> Case:
    """Add a note to the case. Raises ``NotFound``, ``NotAllowed`` or ``InvalidInput``."""
    case = get_held_case(session, reference, who)
    add_case_event(
        session, case, AuditAct.CASE_NOTED, clean_case_text(words), audit_log.staff_actor(who), now
    )
    return case


def decide_case_outcome(
    session: Session, reference: str, who: UUID, outcome: str, words: str, now: datetime
) -> Case:
    """Decide the outcome of the case, with a reason. It can be changed until the case is closed.

    Raises as :func:`write_case_note`.
    """
    case = get_held_case(session, reference, who)
    if outcome not in SELECTABLE_OUTCOMES:
        raise InvalidInput("outcome", IncidentErrorCode.CASE_OUTCOME_MISSING)
    plain = clean_case_reason(words, "why")
    case.outcome = outcome
    session.add(case)
    add_case_event(session, case, AuditAct.CASE_DECIDED, plain, audit_log.staff_actor(who), now)
    return case


def add_named_staff_member(
    session: Session, reference: str, who: UUID, person: UUID, words: str, now: datetime
) -> Case:
    """Name a colleague in the case, who can then see nothing of it. Raises as
    :func:`write_case_note`."""
    case = get_held_case(session, reference, who)
    plain = clean_case_reason(words, "naming")
    if person == who:
        raise InvalidInput("person", IncidentErrorCode.CASE_NAMES_YOURSELF)
    if session.get(Staff, person) is None:
        raise InvalidInput("person", IncidentErrorCode.CASE_PERSON_UNKNOWN)
    add_case_subjects(session, case, [person], now)
    add_case_event(session, case, AuditAct.CASE_NAMED, plain, audit_log.staff_actor(who), now)
    return case


def close_decided_case(
    session: Session, reference: str, who: UUID, words: str, now: datetime, *, tell: str = ""
) -> Case:
    """Close a decided case, with a reason.

    Reporters in the case who asked for the outcome get the text ``tell``
    (:data:`messaging.report_texts.REPORT_OUTCOMES`), unless it is empty. Raises as
    :func:`write_case_note`, or ``WrongState``.
    """
    case = get_held_case(session, reference, who)
    if case.outcome is None:
        raise WrongState(IncidentErrorCode.CASE_UNDECIDED)
    plain = clean_case_reason(words, "closing")
    if tell:
        for report in list_reports_awaiting_feedback(session, case, who):
            reporter_feedback.record_report_outcome(session, report, tell, now)
    states.transition_case(session, case, CaseState.CLOSED, now)
    add_case_event(session, case, AuditAct.CASE_CLOSED, plain, audit_log.staff_actor(who), now)
    return case


def list_reports_awaiting_feedback(session: Session, case: Case, reader: UUID) -> list[Report]:
    """Return the case's reports, among those the reader may see, whose reporters asked for the
    outcome and have not got it."""
    refs = session.exec(
        select(CaseEvidence.ref).where(
            col(CaseEvidence.case_id) == case.id,
            col(CaseEvidence.kind) == "report",
            evidence_visible_to(reader),
        )
    )
    reports = session.exec(
        select(Report)
        .where(
            col(Report.id).in_([UUID(ref) for ref in refs]),
            col(Report.tell_outcome),
            col(Report.outcome).is_(None),
        )
        .with_for_update()
    )
    return list(reports)


def reopen_closed_case(
    session: Session, reference: str, who: UUID, words: str, now: datetime
) -> Case:
    """Reopen a closed case, with a reason. Raises as :func:`write_case_note`, or ``WrongState``."""
    case = get_visible_case(session, reference, who, lock=True)
    if case.state != CaseState.CLOSED:
        raise WrongState(IncidentErrorCode.CASE_NOT_CLOSED)
    if case.outcome == CaseOutcome.JOINED:
        raise WrongState(IncidentErrorCode.CASE_MERGED)
    plain = clean_case_reason(words, "reopening")
    case.outcome = None
    states.transition_case(session, case, CaseState.OPEN, now)
    add_case_event(session, case, AuditAct.CASE_REOPENED, plain, audit_log.staff_actor(who), now)
    return case


def clean_case_reason(words: str, field: str) -> str:
    """Return a reason as it is stored. Raises ``InvalidInput``."""
    plain = clean_case_text(words, field, required=False)
    require_meaningful_reason(field, plain)
    return plain


def clean_case_text(words: str, field: str = "words", *, required: bool = True) -> str:
    """Return text as it is stored. Raises ``InvalidInput``."""
    plain = words.replace("\r\n", "\n").strip()
    if required and not plain:
        raise InvalidInput(field, IncidentErrorCode.CASE_TEXT_MISSING)
    if len(plain) > MAX_TEXT_LENGTH:
        raise InvalidInput(field, PeopleErrorCode.TEXT_TOO_LONG, limit=MAX_TEXT_LENGTH)
    if any(ord(char) < 32 and char not in "\n\t" for char in plain):
        raise InvalidInput(field, PeopleErrorCode.TEXT_HAS_INVISIBLE_CHARACTER)
    return plain

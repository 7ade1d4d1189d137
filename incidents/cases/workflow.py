"""What an investigator does with a case. Each step is kept in the case and in the audit log."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.cases import states
from incidents.cases.creation import name_subjects, step
from incidents.cases.models import Case, CaseEvidence, Outcome, State
from incidents.cases.visibility import evidence_for, held, seen
from incidents.reports import reporter_feedback
from incidents.reports.models import Report
from people.errors import InvalidInput
from people.models import Staff
from people.text_input import require_reason
from scheduling.errors import WrongState
from vault.audit import audit_log
from vault.audit.acts import AuditAct

WORDS_LIMIT = 4000
#: What is decided by hand; a case is joined by joining it.
DECISIONS = tuple(each for each in Outcome if each is not Outcome.JOINED)


def take(session: Session, reference: str, who: UUID, now: datetime) -> Case:
    """Take an open case; of several at once, one gets it. Raises ``NotFound``, ``WrongState``."""
    case = seen(session, reference, who, lock=True)
    if case.state == State.TAKEN and case.taken_by == who:
        return case
    states.move(session, case, State.TAKEN, now, taker=who)
    step(session, case, AuditAct.CASE_TAKEN, "", audit_log.staff(who), now)
    return case


def give_back(session: Session, reference: str, who: UUID, words: str, now: datetime) -> Case:
    """Let another investigator have it. Raises as :func:`note`."""
    case = held(session, reference, who)
    states.move(session, case, State.OPEN, now)
    step(
        session,
        case,
        AuditAct.CASE_GIVEN_BACK,
        written(words, required=False),
        audit_log.staff(who),
        now,
    )
    return case


def note(session: Session, reference: str, who: UUID, words: str, now: datetime) -> Case:
    """Write something down. Raises ``NotFound``, ``NotAllowed``, ``InvalidInput``."""
    case = held(session, reference, who)
    step(session, case, AuditAct.CASE_NOTED, written(words), audit_log.staff(who), now)
    return case


def decide(
    session: Session, reference: str, who: UUID, outcome: str, words: str, now: datetime
) -> Case:
    """Say what the case comes to, and why; it can be said anew until the case is closed. Raises
    as :func:`note`."""
    case = held(session, reference, who)
    if outcome not in DECISIONS:
        raise InvalidInput("outcome", "Choose what the case comes to.")
    plain = because(words, "why")
    case.outcome = outcome
    session.add(case)
    step(session, case, AuditAct.CASE_DECIDED, plain, audit_log.staff(who), now)
    return case


def name_somebody(
    session: Session, reference: str, who: UUID, person: UUID, words: str, now: datetime
) -> Case:
    """Say that the case is about a colleague, who then sees nothing of it. Raises as
    :func:`note`."""
    case = held(session, reference, who)
    plain = because(words, "naming")
    if person == who:
        raise InvalidInput(
            "person", "This is yourself. Give the case back, so that a colleague goes on."
        )
    if session.get(Staff, person) is None:
        raise InvalidInput("person", "Choose a colleague from the list.")
    name_subjects(session, case, [person], now)
    step(session, case, AuditAct.CASE_NAMED, plain, audit_log.staff(who), now)
    return case


def close(
    session: Session, reference: str, who: UUID, words: str, now: datetime, *, tell: str = ""
) -> Case:
    """Close a decided case, with a reason. Whoever reported a call in it and wanted to know is told
    ``tell``, if anything (:data:`messaging.text_templates.OUTCOMES`). Raises as :func:`note`, or
    ``WrongState``."""
    case = held(session, reference, who)
    if case.outcome is None:
        raise WrongState("Decide what the case comes to before you close it.")
    plain = because(words, "closing")
    if tell:
        for report in reporters(session, case, who):
            reporter_feedback.tell_outcome(session, report, tell, now)
    states.move(session, case, State.CLOSED, now)
    step(session, case, AuditAct.CASE_CLOSED, plain, audit_log.staff(who), now)
    return case


def reporters(session: Session, case: Case, reader: UUID) -> list[Report]:
    """The reports of a case, of those that the reader may see, whose makers want to hear what came
    of them, and have not yet."""
    refs = session.exec(
        select(CaseEvidence.ref).where(
            col(CaseEvidence.case_id) == case.id,
            col(CaseEvidence.kind) == "report",
            evidence_for(reader),
        )
    )
    found = session.exec(
        select(Report)
        .where(
            col(Report.id).in_([UUID(each) for each in refs]),
            col(Report.tell_outcome),
            col(Report.outcome).is_(None),
        )
        .with_for_update()
    )
    return list(found)


def reopen(session: Session, reference: str, who: UUID, words: str, now: datetime) -> Case:
    """Open a closed case again, with a reason. Raises as :func:`note`, or ``WrongState``."""
    case = seen(session, reference, who, lock=True)
    if case.state != State.CLOSED:
        raise WrongState("This case is not closed.")
    if case.outcome == Outcome.JOINED:
        raise WrongState("This case goes on in another one. Take that one apart instead.")
    plain = because(words, "reopening")
    case.outcome = None
    states.move(session, case, State.OPEN, now)
    step(session, case, AuditAct.CASE_REOPENED, plain, audit_log.staff(who), now)
    return case


def because(words: str, field: str) -> str:
    """Why somebody does something, as it is kept. Raises ``InvalidInput``."""
    plain = written(words, field, required=False)
    require_reason(field, plain)
    return plain


def written(words: str, field: str = "words", *, required: bool = True) -> str:
    """What somebody wrote, as it is kept. Raises ``InvalidInput``."""
    plain = words.replace("\r\n", "\n").strip()
    if required and not plain:
        raise InvalidInput(field, "Write it down in a sentence or two.")
    if len(plain) > WORDS_LIMIT:
        raise InvalidInput(field, f"Use at most {WORDS_LIMIT} characters.")
    if any(ord(char) < 32 and char not in "\n\t" for char in plain):
        raise InvalidInput(field, "Remove the characters that cannot be shown.")
    return plain

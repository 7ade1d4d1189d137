"""What takes two people when a case comes to something (rule I4)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from incidents.cases.creation import name_subjects, step
from incidents.cases.models import Case, CaseSubject
from incidents.cases.visibility import held, named_with, not_named, requests_closed_to
from incidents.response import customer_warnings, exposure
from people.approvals import approval_requests, bootstrap
from people.approvals.decisions import APPROVE
from people.approvals.models import ApprovalRequest, ApprovalVote
from people.approvals.request_types import About, Act, Kind
from people.errors import InvalidInput, NotAllowed, NotFound
from people.models import Role, Staff
from people.staff import staff_records, suspension
from vault.audit import audit_log
from vault.audit.acts import AuditAct
from vault.errors import Tampered

_ASKS = frozenset({Role.INVESTIGATOR})
#: Where there are two investigators and one is suspected, a supervisor must do.
_APPROVES = frozenset({Role.INVESTIGATOR, Role.SUPERVISOR})


def ask_to_suspend(
    session: Session, reference: str, who: UUID, person: UUID, why: str, now: datetime
) -> ApprovalRequest:
    """Ask that somebody's access be suspended. Raises ``NotFound``, ``NotAllowed``,
    ``InvalidInput``, ``NoLonger``."""
    member = _other(session, who, person)
    suspension.require_at_work(member)
    bootstrap.require_another(session, member)
    return _ask(session, SUSPEND, reference, who, person, why, now)


def ask_to_lift(
    session: Session, reference: str, who: UUID, person: UUID, why: str, now: datetime
) -> ApprovalRequest:
    """Ask that a suspension be lifted. Raises as :func:`ask_to_suspend`."""
    suspension.require_suspended(_other(session, who, person))
    return _ask(session, LIFT, reference, who, person, why, now)


def ask_to_lift_outside(
    session: Session, who: UUID, person: UUID, why: str, now: datetime
) -> ApprovalRequest:
    """Ask that a suspension be lifted though nobody holds its case any more: the asking is kept in
    the latest case that names them. Raises as :func:`ask_to_suspend`, alike for nobody and for
    somebody in a case that names the asker (rule I5)."""
    if person not in {each.id for each in suspended_for(session, who)}:
        raise NotFound("There is no such colleague.")
    found = (
        select(Case)
        .join(CaseSubject, col(CaseSubject.case_id) == col(Case.id))
        .where(col(CaseSubject.staff_id) == person, not_named(who))
        .order_by(col(Case.id).desc())
        .limit(1)
        .with_for_update(of=Case)
    )
    case = session.exec(found).one()
    return _ask_in(session, LIFT, case, who, person, why, now)


def suspended_for(session: Session, who: UUID) -> list[Staff]:
    """Those whose access is suspended, but for whom a case names together with the reader, or
    names none."""
    named = set(session.exec(select(CaseSubject.staff_id)))
    shown = named - named_with(session, who) - {who}
    return [each for each in suspension.suspended(session) if each.id in shown]


def suspensions_hidden(session: Session, reader: UUID) -> set[UUID]:
    """Those whose suspension tells the reader of a case that names both: to them, they are at work
    as ever."""
    shared = named_with(session, reader)
    return {each.id for each in suspension.suspended(session)} & shared if shared else set()


def ask_to_warn(
    session: Session,
    reference: str,
    who: UUID,
    person: UUID,
    since: datetime,
    until: datetime,
    why: str,
    now: datetime,
) -> ApprovalRequest:
    """Ask that all whom somebody's access exposed in that time be warned. Raises as
    :func:`ask_to_suspend`."""
    _other(session, who, person)
    case = held(session, reference, who)
    customer_warnings.require_none(session, case)
    count = exposure.count(session, person, since, until)
    if not count:
        raise InvalidInput("person", "Their access exposed nobody in that time.")
    span = {"since": since.isoformat(), "until": until.isoformat()}
    payload: dict[str, str | int] = {**span, "customers": count}
    return _ask(session, WARN, reference, who, person, why, now, payload)


def _ask(
    session: Session,
    kind: Kind,
    reference: str,
    who: UUID,
    person: UUID,
    why: str,
    now: datetime,
    more: dict[str, str | int] | None = None,
) -> ApprovalRequest:
    case = held(session, reference, who)
    return _ask_in(session, kind, case, who, person, why, now, more)


def _ask_in(
    session: Session,
    kind: Kind,
    case: Case,
    who: UUID,
    person: UUID,
    why: str,
    now: datetime,
    more: dict[str, str | int] | None = None,
) -> ApprovalRequest:
    name_subjects(session, case, [person], now)
    payload = {"case": case.reference, **(more or {})}
    about = About(staff_id=person, case_id=case.id)
    made = approval_requests.ask(session, kind, payload, why, who, now, about=about)
    step(session, case, AuditAct.CASE_ASKED, f"{kind.name}\n{why}", audit_log.staff(who), now)
    return made


def _other(session: Session, who: UUID, person: UUID) -> Staff:
    if who == person:
        raise NotAllowed("This is about yourself. It takes somebody else.")
    found = session.get(Staff, person)
    if found is None:
        raise NotFound("There is no such colleague.")
    return found


def _case(session: Session, act: Act) -> Case:
    found = select(Case).where(col(Case.reference) == act.text("case")).with_for_update()
    return session.exec(found).one()


def _hold(session: Session, act: Act) -> None:
    """Lock the case, so that nobody is named in it meanwhile. Raises ``Tampered`` for one
    that was asked in another case."""
    if _case(session, act).id != act.about.case_id:
        raise Tampered("a request is not of the case that it was asked in")


def _suspend(session: Session, act: Act, now: datetime) -> None:
    person = _person(act)
    bootstrap.require_another(session, session.get_one(Staff, person))
    suspension.suspend(session, person, act.actor, now)
    step(
        session,
        _case(session, act),
        AuditAct.CASE_SUSPENDED,
        _approvers(session, act),
        act.actor,
        now,
    )


def _lift(session: Session, act: Act, now: datetime) -> None:
    suspension.lift(session, _person(act), act.actor, now)
    step(
        session, _case(session, act), AuditAct.CASE_LIFTED, _approvers(session, act), act.actor, now
    )


def _warn(session: Session, act: Act, now: datetime) -> None:
    since, until = (datetime.fromisoformat(act.text(each)) for each in ("since", "until"))
    case = _case(session, act)
    customer_warnings.begin(session, case, _person(act), since, until, now)
    words = f"{act.text('customers')}\n{_approvers(session, act)}"
    step(session, case, AuditAct.CASE_WARNING, words, act.actor, now)


def _approvers(session: Session, act: Act) -> str:
    """The ids of who approved, a line each."""
    found = session.exec(
        select(ApprovalVote.staff_id)
        .where(col(ApprovalVote.request_id) == act.id, col(ApprovalVote.verdict) == APPROVE)
        .order_by(col(ApprovalVote.id))
    )
    return "\n".join(map(str, found))


def _person(act: Act) -> UUID:
    if act.about.staff_id is None:
        raise NotFound("There is no such colleague.")
    return act.about.staff_id


def _whom(session: Session, act: Act) -> list[tuple[str, str]]:
    who = staff_records.opened(session, session.get_one(Staff, _person(act)))
    return [("name", who.name), ("role now", who.role), ("case", act.text("case"))]


def _how_many(_: Session, act: Act) -> list[tuple[str, str]]:
    count = act.text("customers")
    return [("customers to be warned by text", count), ("case", act.text("case"))]


def _ended(session: Session, act: Act) -> str:
    return "" if session.get_one(Staff, _person(act)).active else "ended"


def _not_suspended(session: Session, act: Act) -> str:
    suspended = session.get_one(Staff, _person(act)).suspended_at
    return "" if suspended is not None else "not suspended"


SUSPEND = Kind(
    "suspend",
    asks=_ASKS,
    approves=_APPROVES,
    facts=_whom,
    run=_suspend,
    same=(),
    closed_to=requests_closed_to,
    hold=_hold,
    hopeless=_ended,
)
LIFT = Kind(
    "suspend.lift",
    asks=_ASKS,
    approves=_APPROVES,
    facts=_whom,
    run=_lift,
    same=(),
    closed_to=requests_closed_to,
    hold=_hold,
    hopeless=_not_suspended,
)
WARN = Kind(
    "warn_customers",
    asks=_ASKS,
    approves=_APPROVES,
    facts=_how_many,
    run=_warn,
    same=("case", "since", "until"),
    closed_to=requests_closed_to,
    hold=_hold,
)

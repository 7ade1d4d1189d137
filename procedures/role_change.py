"""Changes of a member of staff's role. Each takes two people. For a role that may approve, the
member also enrols again, signed in and with the approver's PIN (rule I7); until then they keep the
old role."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from people.approvals import approval_requests, bootstrap
from people.approvals.request_types import About, Act, Kind, Payload
from people.credentials import new_token, token_hash
from people.errors import InvalidInput, LinkSpent, NoLonger
from people.models import Role, Staff
from people.staff import enrolment_links, security_notices, staff_approvals, staff_records
from people.staff.enrolment_links import Pieces
from people.staff.security_notices import Notice
from scheduling.calendars import calendar_feeds
from scheduling.models import Callback
from scheduling.states import LIVE, State
from vault.audit import audit_log


def ask(
    session: Session, member: Staff, role: str, why: str, by: UUID | None, now: datetime
) -> None:
    """Ask for another role for somebody. Raises ``InvalidInput`` or ``NoLonger``."""
    if role not in set(Role) or role == member.role:
        raise InvalidInput("role", f"Choose another role of: {', '.join(Role)}.")
    _require_free(session, member, now)
    bootstrap.require_another(session, member)
    payload = {"from": member.role, "to": str(Role(role))}
    approval_requests.ask(session, ROLE, payload, why, by, now, about=About(staff_id=member.id))


def _require_free(session: Session, member: Staff, now: datetime) -> None:
    """Calls of somebody who is an agent no more would never be made."""
    booked = session.exec(
        select(Callback.id)
        .where(
            col(Callback.agent_id) == member.id,
            col(Callback.state).in_((State.BOOKED, *LIVE)),
            col(Callback.ends_at) > now,
        )
        .limit(1)
    ).first()
    if booked is not None:
        raise NoLonger("Calls are booked with them. Hand these over first.")


def _change(session: Session, act: Act, now: datetime) -> None:
    member = session.get_one(Staff, act.about.staff_id)
    if not member.active or member.role != act.text("from"):
        raise NoLonger("They have another role by now, or do not work here. Refuse this.")
    if not _approves(act.payload):
        at_once(session, member, act.text("to"), act.actor, now)
        return
    _require_free(session, member, now)
    bootstrap.require_another(session, member)
    terms = staff_approvals.terms_of(act, act.text("to"))
    hashed = token_hash(new_token())  # of a token that nobody has: they are signed in
    kind = enrolment_links.Kind.PROMOTION
    staff_records.invite_by(session, member, hashed, now, act.actor, kind=kind, terms=terms)
    security_notices.add(session, member.id, Notice.ROLE_GIVEN, now)


def _approves(payload: Payload) -> bool:
    """Whether a request is for a role that approves."""
    return payload.get("to") in bootstrap.APPROVERS


def waiting(session: Session, staff_id: UUID, now: datetime) -> Role | None:
    """The role that was given to somebody and that they have not taken up yet."""
    try:
        found = staff_records.own_link(session, enrolment_links.Kind.PROMOTION, staff_id, now)
    except LinkSpent:
        return None
    return Role(enrolment_links.terms_of(session, found.link).role)


def to_take_up(
    session: Session, staff_id: UUID, pins: str, now: datetime
) -> staff_records.OpenLink:
    """What somebody, signed in, enrols by to take up the role they were given. Raises
    ``LinkSpent``, or ``SecondPieceWrong``, with which the caller commits."""
    found = staff_records.own_link(session, enrolment_links.Kind.PROMOTION, staff_id, now)
    enrolment_links.require_pieces(session, found.link, Pieces(pins), now)
    return found


def take_up(
    session: Session,
    staff_id: UUID,
    pins: str,
    password: str,
    code: str,
    now: datetime,
    organisation: str = "",
) -> list[str]:
    """Take up the role: another password and second factor, and the end of whatever was begun
    under the role before; gives the recovery codes. Raises as :func:`to_take_up`, ``InvalidInput``,
    or ``NoLonger``."""
    found = to_take_up(session, staff_id, pins, now)
    role = enrolment_links.terms_of(session, found.link).role
    codes = staff_records.set_credentials(session, found, password, code, now, organisation)
    at_once(session, found.member, role, audit_log.staff(staff_id), now)
    return codes


def _hopeless(session: Session, act: Act) -> str:
    role = session.get_one(Staff, act.about.staff_id).role
    return staff_approvals.left(session, act) or (
        "role changed" if role != act.text("from") else ""
    )


def at_once(session: Session, member: Staff, role: str, by: audit_log.Actor, now: datetime) -> None:
    """Give somebody another role. Raises ``NoLonger`` where that would leave calls that nobody
    makes, or too few who can approve."""
    _require_free(session, member, now)
    bootstrap.require_another(session, member)
    staff_records.change_role(session, member, Role(role), by, now)
    calendar_feeds.end(session, member.id, now)
    if bootstrap.close_if_due(session, now) and bootstrap.approvers(session) < bootstrap.ENOUGH:
        raise NoLonger("Too few would be left who can approve anything. Add somebody first.")


def _facts(session: Session, act: Act) -> Sequence[tuple[str, str]]:
    return [*staff_approvals.facts_of_member(session, act), ("new role", act.text("to"))]


ROLE = Kind(
    "staff.role",
    asks=frozenset({Role.SUPERVISOR}),
    approves=bootstrap.APPROVERS,
    facts=_facts,
    run=_change,
    by_operator=True,
    same=("to",),
    hopeless=_hopeless,
    enrols=_approves,
)

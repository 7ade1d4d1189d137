"""Role changes of staff members, which need a second approver.

For a role that may approve, the staff member also enrols again, signed in and with the approver's
PIN (rule I7). Until then they keep their old role.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from people.approvals import approval_requests, bootstrap
from people.approvals.request_types import ApprovalRequestView, Payload, RequestSubject, RequestType
from people.credentials import new_token, token_hash
from people.errors import Conflict, InvalidInput, LinkExpired
from people.models import Role, Staff
from people.staff import (
    enrolment_links,
    link_creation,
    security_notices,
    staff_approvals,
    staff_enrolment,
    staff_status,
)
from people.staff.enrolment_links import SecondStepInput
from people.staff.security_notices import Notice
from procedures.error_codes import ProcedureErrorCode
from scheduling.calendars import calendar_feeds
from scheduling.models import Callback
from scheduling.states import LIVE_STATES, CallbackState
from vault.audit import audit_log


def request_role_change(
    session: Session, member: Staff, role: str, why: str, by: UUID | None, now: datetime
) -> None:
    """Request another role for a staff member. Raises ``InvalidInput`` or ``Conflict``."""
    if role not in set(Role) or role == member.role:
        raise InvalidInput("role", ProcedureErrorCode.ROLE_UNCHANGED, roles=tuple(Role))
    _require_no_booked_calls(session, member, now)
    bootstrap.require_other_in_role(session, member)
    payload = {"from": member.role, "to": str(Role(role))}
    approval_requests.submit_for_approval(
        session, CHANGE_ROLE, payload, why, by, now, about=RequestSubject(staff_id=member.id)
    )


def _require_no_booked_calls(session: Session, member: Staff, now: datetime) -> None:
    """Raise ``Conflict`` if calls are booked with the staff member: nobody would make them after
    the change."""
    booked = session.exec(
        select(Callback.id)
        .where(
            col(Callback.agent_id) == member.id,
            col(Callback.state).in_((CallbackState.BOOKED, *LIVE_STATES)),
            col(Callback.ends_at) > now,
        )
        .limit(1)
    ).first()
    if booked is not None:
        raise Conflict(ProcedureErrorCode.COLLEAGUE_HAS_CALLS)


def _execute_role_change(session: Session, act: ApprovalRequestView, now: datetime) -> None:
    member = session.get_one(Staff, act.about.staff_id)
    if not member.active or member.role != act.payload_text("from"):
        raise Conflict(ProcedureErrorCode.ROLE_CHANGED_SINCE)
    if not _is_approver_role(act.payload):
        change_role_immediately(session, member, act.payload_text("to"), act.actor, now)
        return
    _require_no_booked_calls(session, member, now)
    bootstrap.require_other_in_role(session, member)
    terms = staff_approvals.link_terms_from_approval(act, act.payload_text("to"))
    hashed = token_hash(new_token())  # of a token that nobody has: they are already signed in
    kind = enrolment_links.LinkKind.PROMOTION
    link_creation.activate_enrolment_link(
        session, member, hashed, now, act.actor, kind=kind, terms=terms
    )
    security_notices.add_security_notice(session, member.id, Notice.ROLE_GIVEN, now)


def _is_approver_role(payload: Payload) -> bool:
    """Return whether the request is for a role that may approve."""
    return payload.get("to") in bootstrap.APPROVERS


def find_pending_role(session: Session, staff_id: UUID, now: datetime) -> Role | None:
    """Return the role that was granted to a staff member and that they have not accepted yet."""
    try:
        usable_link = staff_enrolment.open_own_link(
            session, enrolment_links.LinkKind.PROMOTION, staff_id, now
        )
    except LinkExpired:
        return None
    return Role(enrolment_links.open_link_terms(session, usable_link.link).role)


def open_role_enrolment(
    session: Session, staff_id: UUID, pins: str, now: datetime
) -> staff_enrolment.UsableLink:
    """Return the enrolment link with which a signed-in staff member accepts a granted role.

    Raises ``LinkExpired``, or ``SecondStepFailed``, after which the caller must commit.
    """
    usable_link = staff_enrolment.open_own_link(
        session, enrolment_links.LinkKind.PROMOTION, staff_id, now
    )
    enrolment_links.require_second_step(session, usable_link.link, SecondStepInput(pins), now)
    return usable_link


def accept_role(
    session: Session,
    staff_id: UUID,
    pins: str,
    password: str,
    code: str,
    now: datetime,
    organisation: str = "",
) -> list[str]:
    """Accept a granted role with a new password and second factor, and return the recovery codes.

    Ends everything started under the old role. Raises as :func:`open_role_enrolment`,
    ``InvalidInput`` or ``Conflict``.
    """
    usable_link = open_role_enrolment(session, staff_id, pins, now)
    role = enrolment_links.open_link_terms(session, usable_link.link).role
    codes = staff_enrolment.set_credentials(session, usable_link, password, code, now, organisation)
    change_role_immediately(session, usable_link.member, role, audit_log.staff_actor(staff_id), now)
    return codes


def _invalid_role_reason(session: Session, act: ApprovalRequestView) -> str:
    role = session.get_one(Staff, act.about.staff_id).role
    return staff_approvals.inactive_subject_reason(session, act) or (
        "role changed" if role != act.payload_text("from") else ""
    )


def change_role_immediately(
    session: Session, member: Staff, role: str, by: audit_log.Actor, now: datetime
) -> None:
    """Change a staff member's role. Raises ``Conflict`` if that would leave calls without an agent,
    or too few approvers."""
    _require_no_booked_calls(session, member, now)
    bootstrap.require_other_in_role(session, member)
    staff_status.assign_staff_role(session, member, Role(role), by, now)
    calendar_feeds.revoke_feed(session, member.id, now)
    if (
        bootstrap.finish_bootstrap(session, now)
        and bootstrap.count_approvers(session) < bootstrap.MIN_APPROVERS
    ):
        raise Conflict(ProcedureErrorCode.TOO_FEW_APPROVERS)


def _role_change_facts(session: Session, act: ApprovalRequestView) -> Sequence[tuple[str, str]]:
    return [*staff_approvals.staff_member_facts(session, act), ("new role", act.payload_text("to"))]


CHANGE_ROLE = RequestType(
    "staff.role",
    asks=frozenset({Role.SUPERVISOR}),
    approves=bootstrap.APPROVERS,
    facts=_role_change_facts,
    run=_execute_role_change,
    by_operator=True,
    same=("to",),
    hopeless=_invalid_role_reason,
    enrols=_is_approver_role,
)

"""Reset links: a new enrolment link for a colleague who lost password or phone, or whose first one
expired. One person requests it, another approves and hands over a PIN, and its owner needs a
recovery code."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from people.approvals import approval_requests, bootstrap
from people.approvals.request_types import ApprovalRequestView, RequestSubject, RequestType
from people.credentials import new_token, token_hash
from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput, NotAllowed, NotFound
from people.models import Role, Staff
from people.staff import (
    enrolment_links,
    second_factor,
    security_notices,
    staff_approvals,
    staff_records,
)
from people.staff.security_notices import Notice
from people.staff.staff_records import StaffDetails
from vault.audit import audit_log
from vault.audit.acts import AuditAct

#: The roles whose links a role may request. Nobody requests their own.
RESETTABLE_ROLES = {
    Role.SUPERVISOR: (Role.AGENT, Role.SUPERVISOR),
    Role.INVESTIGATOR: (Role.INVESTIGATOR,),
}


def list_resettable_staff(session: Session, maker: UUID, role: Role) -> Sequence[StaffDetails]:
    """List the colleagues whose link a member of that role may request, sorted by name."""
    rows = session.exec(
        select(Staff).where(
            col(Staff.role).in_(RESETTABLE_ROLES.get(role, ())),
            col(Staff.active).is_(True),
            col(Staff.id) != maker,
        )
    )
    return sorted(
        (staff_records.open_staff_details(session, row) for row in rows), key=lambda each: each.name
    )


def request_reset_link(
    session: Session, maker: UUID, role: Role, staff_id: UUID, why: str, now: datetime
) -> str:
    """Request a reset link for a colleague, and return its token.

    The link works after somebody else has approved it. It asks for the approver's PIN and, if the
    colleague has enrolled before, for one of their recovery codes: neither the requester nor the
    approver can use it. The colleague's sign-in works as before until they use the link.

    Raises ``NotAllowed`` for one's own link, ``NotFound`` for a person who is not in
    :func:`list_resettable_staff`, ``InvalidInput`` if they have no recovery code left,
    ``AlreadyRequested``.
    """
    if staff_id == maker:
        raise NotAllowed(PeopleErrorCode.OWN_RESET_LINK)
    member = session.get(Staff, staff_id)
    if member is None or not member.active or member.role not in RESETTABLE_ROLES.get(role, ()):
        raise NotFound(PeopleErrorCode.COLLEAGUE_NOT_FOUND)
    if member.password_hash and not second_factor.count_recovery_codes(session, member.id):
        raise InvalidInput(
            "staff_id",
            PeopleErrorCode.NO_RECOVERY_CODE_LEFT,
        )
    token = new_token()
    payload = {"link": token_hash(token).hex()}
    approval_requests.submit_for_approval(
        session, RESET, payload, why, maker, now, about=RequestSubject(staff_id=member.id)
    )
    audit_log.record_act(
        session, audit_log.staff_actor(maker), AuditAct.STAFF_RESET_MADE, now, detail=str(member.id)
    )
    security_notices.add_security_notice(session, member.id, Notice.RESET_MADE, now)
    return token


def _execute_link_reset(session: Session, act: ApprovalRequestView, now: datetime) -> None:
    member = staff_approvals.require_active_subject(session, act)
    enrolled_before = member.password_hash is not None
    kind = (
        enrolment_links.LinkKind.COLLEAGUE if enrolled_before else enrolment_links.LinkKind.OPERATOR
    )
    staff_approvals.activate_approved_link(session, member, act, now, kind)


RESET = RequestType(
    "staff.reset",
    asks=frozenset(RESETTABLE_ROLES),
    approves=bootstrap.APPROVERS,
    facts=staff_approvals.staff_member_facts,
    run=_execute_link_reset,
    same=(),
    hopeless=staff_approvals.inactive_subject_reason,
    enrols=staff_approvals.always_grants_enrolment,
)

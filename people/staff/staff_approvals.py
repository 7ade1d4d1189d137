"""Adding members of staff and re-enrolling them. Both need two people, and the newcomer in person
(rule I7).

The link is made when it is requested and works once that is approved; until then only its hash is
stored. The requester holds the link. Each approver gets a PIN, which nobody else is shown, and
hands it over in person to the enrolling colleague. So neither of them can enrol as somebody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from people.approvals import approval_requests, bootstrap
from people.approvals.request_types import ApprovalRequestView, Payload, RequestSubject, RequestType
from people.credentials import new_token, token_hash
from people.customers import lookup_log
from people.error_codes import PeopleErrorCode
from people.errors import Conflict
from people.models import Role, Staff
from people.staff import enrolment_links, link_creation, staff_records
from people.staff.enrolment_links import LinkTerms
from vault.audit import audit_log

Facts = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class PendingLink:
    """A link that works once it is approved, with the PINs of the approvers."""

    token: str


def request_new_staff_member(
    session: Session,
    email: str,
    name: str,
    role: str,
    why: str,
    by: UUID | None,
    now: datetime,
    *,
    timezone: str,
    phone: str = "",
) -> PendingLink:
    """Request a new member of staff, with the number (E.164) at which they are called, if any;
    return their enrolment link.

    The check whether their address is known is counted and audited as a look-up. Raises
    ``InvalidInput``, ``NotAllowed`` or ``BudgetExceeded``.
    """
    known = staff_records.find_staff_by_email(session, email) is not None
    actor = audit_log.staff_actor(by) if by else audit_log.OPERATOR
    normalised = staff_records.normalise_email(email)
    lookup_log.log_staff_lookup(
        session, actor, found=known, asked=normalised, purpose=ADD.name, now=now
    )
    address, plain_name = staff_records.validate_new_staff_member(
        session, email, name, role, timezone
    )
    token = new_token()
    payload = {
        "email": address,
        "name": plain_name,
        "role": role,
        "timezone": timezone,
        "phone": phone,
        "link": token_hash(token).hex(),
    }
    approval_requests.submit_for_approval(session, ADD, payload, why, by, now)
    return PendingLink(token)


def _execute_staff_addition(session: Session, act: ApprovalRequestView, now: datetime) -> None:
    member = staff_records.add_staff_member(
        session,
        act.payload_text("email"),
        act.payload_text("name"),
        act.payload_text("role"),
        now,
        timezone=act.payload_text("timezone"),
        by=act.actor,
    )
    if act.payload_text("phone"):
        staff_records.set_staff_phone(session, member, act.payload_text("phone"), now, by=act.actor)
    activate_approved_link(session, member, act, now, enrolment_links.LinkKind.OPERATOR)


def activate_approved_link(
    session: Session,
    member: Staff,
    act: ApprovalRequestView,
    now: datetime,
    kind: enrolment_links.LinkKind,
) -> None:
    """Activate the requested link, with the PINs of the approvers."""
    hashed, terms = bytes.fromhex(act.payload_text("link")), link_terms_from_approval(act)
    link_creation.activate_enrolment_link(
        session, member, hashed, now, act.actor, kind=kind, terms=terms
    )


def link_terms_from_approval(act: ApprovalRequestView, role: str = "") -> LinkTerms:
    """Return the terms of an approved link: the PINs of the approvers, and the ``role`` it grants,
    if any. Raises ``Conflict`` if there is no PIN: every enrolment needs one."""
    if not act.pins:
        raise Conflict(PeopleErrorCode.NO_APPROVER_WITH_PIN)
    return LinkTerms({approver.hex: pin for approver, pin in act.pins.items()}, role=role)


def _new_staff_member_facts(_: Session, act: ApprovalRequestView) -> Facts:
    return [(name, act.payload_text(name)) for name in ("name", "email", "role")]


def request_enrolment_link(session: Session, member: Staff, why: str, now: datetime) -> PendingLink:
    """Request, from the command line, a new enrolment link for a member who lost phone or password.
    Raises ``InvalidInput``."""
    token = new_token()
    payload = {"link": token_hash(token).hex()}
    approval_requests.submit_for_approval(
        session, INVITE, payload, why, None, now, about=RequestSubject(staff_id=member.id)
    )
    return PendingLink(token)


def _execute_invitation(session: Session, act: ApprovalRequestView, now: datetime) -> None:
    activate_approved_link(
        session, require_active_subject(session, act), act, now, enrolment_links.LinkKind.OPERATOR
    )


def require_active_subject(session: Session, act: ApprovalRequestView) -> Staff:
    """Return the member of staff that a request is about. Raises ``Conflict`` if they have left."""
    member = session.get_one(Staff, act.about.staff_id)
    if not member.active:
        raise Conflict(PeopleErrorCode.COLLEAGUE_HAS_LEFT)
    return member


def staff_member_facts(session: Session, act: ApprovalRequestView) -> Facts:
    """Return the facts of a request's subject: name, address and current role."""
    details = staff_records.open_staff_details(session, session.get_one(Staff, act.about.staff_id))
    return [("name", details.name), ("email", details.email), ("role now", details.role)]


def _email_taken_reason(session: Session, act: ApprovalRequestView) -> str:
    return "known" if staff_records.find_staff_by_email(session, act.payload_text("email")) else ""


def inactive_subject_reason(session: Session, act: ApprovalRequestView) -> str:
    """Void a request once its subject has left or is suspended."""
    return "" if session.get_one(Staff, act.about.staff_id).active else "left"


def always_grants_enrolment(_: Payload) -> bool:
    """The rule for request types that always enrol somebody."""
    return True


ADD = RequestType(
    "staff.add",
    asks=frozenset({Role.SUPERVISOR}),
    approves=bootstrap.APPROVERS,
    facts=_new_staff_member_facts,
    run=_execute_staff_addition,
    by_operator=True,
    same=("email",),
    hopeless=_email_taken_reason,
    enrols=always_grants_enrolment,
)
INVITE = RequestType(
    "staff.invite",
    asks=frozenset(),
    approves=bootstrap.APPROVERS,
    facts=staff_member_facts,
    run=_execute_invitation,
    by_operator=True,
    same=(),
    hopeless=inactive_subject_reason,
    enrols=always_grants_enrolment,
)

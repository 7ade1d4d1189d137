"""Pages for requests that need a second approver: list, approve, refuse, withdraw."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.app_context import current_context
from channels.console import approval_labels
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.error_codes import ChannelErrorCode
from channels.error_texts import describe_error
from people import phone_numbers
from people.approvals import (
    approval_inbox,
    approval_requests,
    decisions,
    invalidation,
    sealed_requests,
)
from people.approvals.approval_inbox import ApprovalInbox
from people.approvals.models import ApprovalRequest
from people.approvals.request_types import RequestTypes
from people.customers import customer_records, lookup_log
from people.errors import Conflict, InvalidInput
from people.models import Customer, Role, Staff
from people.staff import budget_unlock, staff_records
from procedures import approval_registry, erasure_request

_FIELDS = ("customer", "why", "why_unlock")


@bp.get("/approvals")
@staff_page(*Role)
def show_approvals(desk: StaffRequest) -> ResponseReturnValue:
    """Show the requests this person can decide, and the state of their own requests."""
    return _render_approvals(desk)


def _render_approvals(desk: StaffRequest, errors: Mapping[str, str] | None = None) -> str:
    kinds = approval_registry.collect_request_types(current_context().policy)
    invalidation.void_unexecutable_requests(desk.session, kinds, desk.moment)
    inbox = approval_inbox.load_approval_inbox(desk.session, kinds, desk.principal, desk.moment)
    g.to_approve = approval_inbox.count_undecided_requests(
        desk.session, kinds, desk.principal, desk.moment
    )
    return render_template(
        "console/approvals.html",
        found=inbox,
        names=_load_requester_names(desk, inbox),
        words=approval_labels,
        done=approval_labels.describe_submission_result(request.args.get("done", "")),
        errors=errors or {},
        typed={name: request.form.get(name, "")[:300] for name in _FIELDS},
        clock=desk.clock,
    )


def _load_requester_names(desk: StaffRequest, found: ApprovalInbox) -> dict[UUID, str]:
    """Return the names of the requesters by staff id."""
    items = (*found.to_decide, *found.waiting)
    ids = {entry.act.asked_by for entry in items if entry.act.asked_by is not None}
    members = (desk.session.get_one(Staff, id_) for id_ in ids)
    return {
        member.id: staff_records.open_staff_name(desk.session, member.id, member.name)
        for member in members
    }


def _redirect_to_approvals(done: str) -> ResponseReturnValue:
    return redirect(url_for("console.show_approvals", done=done), code=303)


@bp.post("/approvals/<uuid:request_id>/approve")
@staff_page(*Role)
def submit_approval(desk: StaffRequest, request_id: UUID) -> ResponseReturnValue:
    """Approve the version of the request that was displayed, identified by its digest.

    If the approval lets somebody enrol, show the approver the PIN to hand over. It is shown once.
    """
    kinds, read = (
        approval_registry.collect_request_types(current_context().policy),
        request.form.get("digest", ""),
    )
    by = desk.principal.id
    invalidation.void_unexecutable_requests(desk.session, kinds, desk.moment)
    if decisions.is_request_void(desk.session, kinds, request_id, by):
        return _redirect_to_approvals("void")
    facts = _load_request_facts(desk, kinds, request_id)
    result = decisions.approve_issuing_pin(desk.session, kinds, request_id, read, by, desk.moment)
    if not result.pin:
        return _redirect_to_approvals(result.state)
    return render_template("console/pin.html", pin=result.pin, person=facts, state=result.state)


def _load_request_facts(
    desk: StaffRequest, kinds: RequestTypes, request_id: UUID
) -> Mapping[str, str]:
    """Return the facts of a request, or nothing once its payload is erased. Display them only to a
    person who has approved the request."""
    row = desk.session.get(ApprovalRequest, request_id)
    if row is None or row.kind not in kinds or not row.payload:
        return {}
    return dict(
        kinds[row.kind].facts(
            desk.session, sealed_requests.open_approval_request(desk.session, row)
        )
    )


@bp.post("/approvals/<uuid:request_id>/refuse")
@staff_page(*Role)
def submit_refusal(desk: StaffRequest, request_id: UUID) -> ResponseReturnValue:
    """Refuse a request."""
    kinds = approval_registry.collect_request_types(current_context().policy)
    decisions.refuse_request(desk.session, kinds, request_id, desk.principal.id, desk.moment)
    return _redirect_to_approvals("refused")


@bp.post("/approvals/<uuid:request_id>/withdraw")
@staff_page(*Role)
def submit_withdrawal(desk: StaffRequest, request_id: UUID) -> ResponseReturnValue:
    """Withdraw one of the signed-in person's own requests."""
    kinds, me = approval_registry.collect_request_types(current_context().policy), desk.principal.id
    approval_requests.withdraw_approval_request(
        desk.session, request_id, me, desk.moment, kinds=kinds
    )
    return _redirect_to_approvals("withdrawn")


@bp.post("/approvals/erase")
@staff_page(Role.INVESTIGATOR)
def submit_erasure_request(desk: StaffRequest) -> ResponseReturnValue:
    """Request the erasure of a customer, identified by exact reference or number."""
    why = request.form.get("why", "")[:1000]
    try:
        customer = _find_customer_to_erase(desk, request.form.get("customer", "")[:100])
        erasure_request.request_erasure(desk.session, customer, why, desk.principal.id, desk.moment)
    except InvalidInput as error:
        return _render_approvals(desk, {error.field: describe_error(error)}), 422
    except Conflict as error:  # answered here, so that the look-up's audit entry is committed
        return _render_approvals(desk, {"customer": describe_error(error)}), 409
    return _redirect_to_approvals("asked")


@bp.post("/approvals/unlock")
@staff_page(*Role)
def submit_unlock_request(desk: StaffRequest) -> ResponseReturnValue:
    """Request a reset of the signed-in person's own access budget."""
    me = desk.principal.id
    try:
        budget_unlock.request_budget_unlock(
            desk.session, me, request.form.get("why_unlock", "")[:1000], me, desk.moment
        )
    except InvalidInput as error:
        return _render_approvals(desk, {f"{error.field}_unlock": describe_error(error)}), 422
    return _redirect_to_approvals("asked")


def _find_customer_to_erase(desk: StaffRequest, typed: str) -> Customer:
    """Find a customer by exact reference or number. Raises ``InvalidInput`` if there is none.

    Every look-up is audited, including one that finds nobody.
    """
    customer = customer_records.find_by_external_ref(desk.session, typed.strip())
    if customer is None:
        try:
            phone = phone_numbers.parse_phone(typed, current_context().policy.default_region)
            customer = customer_records.find_by_phone(desk.session, phone)
        except InvalidInput:
            customer = None
    customer_id, actor = customer.id if customer else None, desk.principal.actor
    lookup_log.log_customer_lookup(
        desk.session, actor, customer_id, typed.strip(), "erasure", desk.moment
    )
    if customer is None:
        raise InvalidInput("customer", ChannelErrorCode.ERASED_CUSTOMER_UNKNOWN)
    return customer

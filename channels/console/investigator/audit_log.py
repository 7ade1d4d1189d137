"""Search of the audit log, for investigators: all entries, one person's acts, or all accesses to
one customer."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.app_context import current_context
from channels.console.investigator import audit_labels, timeline
from channels.console.investigator.audit_filter import (
    open_page_mark,
    parse_filter_id,
    read_audit_filter,
    seal_page_mark,
)
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.error_texts import describe_error
from incidents.audit_search import customer_search, entry_search
from incidents.audit_search.entry_search import EntryFilter
from incidents.cases import case_view
from people import phone_numbers
from people.errors import InvalidInput
from people.models import Role
from people.staff import staff_records

_LOOKS_BACK = timedelta(days=30)


@bp.get("/audit")
@staff_page(Role.INVESTIGATOR)
def show_audit_log(desk: StaffRequest) -> ResponseReturnValue:
    """Show the latest entries, filtered by ``?person=``, ``?what=``, ``?from=``, ``?to=`` and
    ``?purpose=``. ``?before=`` takes a sealed page mark."""
    return _answer_audit_query(desk)


@bp.post("/audit/customer")
@staff_page(Role.INVESTIGATOR)
def start_customer_audit(desk: StaffRequest) -> ResponseReturnValue:
    """Start a search for the accesses to one customer: by exact number with a reason, or from a
    case that the investigator holds."""
    me, form = desk.principal.id, request.form
    case, customer = form.get("case", "")[:12], form.get("customer", "")
    try:
        if case:
            who = parse_filter_id(customer, "customer")
            begun = customer_search.start_search_in_case(desk.session, me, case, who, desk.moment)
        else:
            phone = phone_numbers.parse_phone(
                form.get("phone", "")[:60], current_context().policy.default_region
            )
            reason = form.get("reason", "")[:10_000]
            begun = customer_search.start_search_by_number(
                desk.session, me, phone, reason, desk.moment
            )
    except InvalidInput as error:
        return _render_audit_entries(
            desk, EntryFilter(), errors={error.field: describe_error(error)}
        ), 422
    return redirect(url_for("console.show_customer_audit", reading_id=begun), code=303)


@bp.get("/audit/customer/<uuid:reading_id>")
@staff_page(Role.INVESTIGATOR)
def show_customer_audit(desk: StaffRequest, reading_id: UUID) -> ResponseReturnValue:
    """Show the accesses to the customer of a search the investigator started, for an hour."""
    me = desk.principal.id
    begun, case = customer_search.require_active_search(desk.session, me, reading_id, desk.moment)
    reason = customer_search.unseal_search_reason(desk.session, begun)
    purpose = case.reference if case else "oversight"
    more = {"reading": begun.id, "case": case, "reason": reason}
    return _answer_audit_query(desk, begun.customer_id, purpose, **more)


def _answer_audit_query(
    desk: StaffRequest, customer: UUID | None = None, purpose: str = "oversight", **more: object
) -> ResponseReturnValue:
    """Show the page of results; if the filter is invalid, show its errors and read no entries."""
    try:
        before = open_page_mark(desk, request.args.get("before", ""))
        wanted = read_audit_filter(desk, customer)
    except InvalidInput as error:
        return _render_audit_page(
            desk,
            EntryFilter(customer=customer),
            errors={error.field: describe_error(error)},
            **more,
        ), 422
    return _render_audit_entries(desk, wanted, purpose, before, **more)


def _render_audit_entries(
    desk: StaffRequest,
    wanted: EntryFilter,
    purpose: str = "oversight",
    before: int | None = None,
    **more: object,
) -> str:
    me, session = desk.principal.id, desk.session
    result = entry_search.search_entries(
        session, me, wanted, desk.moment, before=before, purpose=purpose
    )
    people = [entry.staff_id for entry in result.entries]
    people += [
        id for entry in result.entries for id in audit_labels.find_ids_in_detail(entry.detail)
    ]
    return _render_audit_page(
        desk,
        wanted,
        entries=result.entries,
        names=case_view.list_staff_names(session, people),
        following=seal_page_mark(desk, result.following) if result.following else "",
        paged=before is not None,
        picture=_build_audit_timeline(desk, wanted),
        **more,
    )


def _render_audit_page(desk: StaffRequest, wanted: EntryFilter, **more: object) -> str:
    """Render the page of the log, with the entries if there are any."""
    me, session = desk.principal.id, desk.session
    query = {
        name: value[:100] for name, value in request.args.items() if name != "before" and value
    }
    nothing: dict[str, object] = {"entries": None, "picture": None, "following": "", "paged": False}
    return render_template(
        "console/audit.html",
        wanted=wanted,
        kept=query,
        colleagues=[
            colleague
            for colleague in staff_records.list_all_staff_names(session)
            if colleague[0] != me
        ],
        audit_words=audit_labels,
        clock=desk.clock,
        **{**nothing, "reading": None, "case": None, "reason": "", "errors": {}, **more},
    )


def _build_audit_timeline(desk: StaffRequest, wanted: EntryFilter) -> timeline.Timeline:
    """Build the timeline of the selected days (default: the last 30). Of a longer period, show its
    end."""
    until = wanted.until or desk.moment
    since = wanted.since or datetime.combine(
        desk.clock.local_date_of(until - _LOOKS_BACK), time(0), desk.zone
    )
    since = max(since, until - timeline.MAX_PERIOD)
    shown = EntryFilter(
        wanted.person, wanted.actions, wanted.customer, since, until, wanted.purpose
    )
    me = desk.principal.id
    return timeline.build_timeline(
        desk.clock,
        since,
        until,
        lambda bins: entry_search.count_entries_by_bin(desk.session, me, shown, bins),
    )

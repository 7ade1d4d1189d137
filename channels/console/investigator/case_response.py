"""Actions of a case: naming a colleague, suspending access, listing exposed customers and warning
them."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.console import labels
from channels.console.investigator.case_workflow import apply_case_change, read_case_field
from channels.console.investigator.cases import parse_form_id
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.error_codes import ChannelErrorCode
from channels.error_texts import describe_error
from channels.time_format import read_date
from incidents.cases import case_view, workflow
from incidents.cases.models import Case
from incidents.cases.visibility import get_held_case
from incidents.response import exposure, response_requests, warning_runs
from people.errors import InvalidInput
from people.models import Role

DEFAULT_EXPOSURE_PERIOD = timedelta(days=180)


@bp.post("/cases/<reference>/name")
@staff_page(Role.INVESTIGATOR)
def submit_naming(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Name a colleague as a subject of the case."""
    me = desk.principal.id

    def name_chosen_member() -> Case:
        person = parse_form_id(read_case_field("person"), "person")
        return workflow.add_named_staff_member(
            desk.session, reference, me, person, read_case_field("naming"), desk.moment
        )

    return apply_case_change(desk, reference, name_chosen_member)


@bp.post("/cases/<reference>/suspend")
@staff_page(Role.INVESTIGATOR)
def submit_suspension_request(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Request the suspension of a person's access, or the lifting of one."""
    me = desk.principal.id
    ask = (
        response_requests.request_suspension_lift
        if "lift" in request.form
        else response_requests.request_staff_suspension
    )

    def ask_for_access_change() -> Case:
        person = parse_form_id(read_case_field("person"), "person")
        _require_named(desk, reference, person)
        ask(desk.session, reference, me, person, read_case_field("why_access"), desk.moment)
        return get_held_case(desk.session, reference, me)

    return apply_case_change(desk, reference, ask_for_access_change)


def _require_named(desk: StaffRequest, reference: str, person: UUID) -> Case:
    case = get_held_case(desk.session, reference, desk.principal.id)
    if person not in case_view.list_subject_ids(desk.session, case):
        raise InvalidInput("person", ChannelErrorCode.PERSON_NOT_NAMED)
    return case


@bp.get("/cases/<reference>/exposed")
@staff_page(Role.INVESTIGATOR)
def show_exposed_customers(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Show how many customers the access of ``?person=`` exposed from ``?from=`` to ``?to=``.

    With ``?list=``, also list them by id; ``?after=`` takes the last id of the previous page.
    """
    return _render_exposed_customers(desk, reference, {})


def _render_exposed_customers(desk: StaffRequest, reference: str, errors: dict[str, str]) -> str:
    args = request.args if request.method == "GET" else request.form
    person = parse_form_id(args.get("person", ""), "person")
    case = _require_named(desk, reference, person)
    since, until, first, last = _read_exposure_period(
        desk, args.get("from", ""), args.get("to", "")
    )
    me, session = desk.principal.id, desk.session
    after = args.get("after", "")
    rows = []
    if "list" in args:
        mark = parse_form_id(after, "after") if after else None
        rows = exposure.load_exposure_page(
            session, case, person, since, until, me, desk.moment, mark
        )
    return render_template(
        "console/exposed.html",
        case=case,
        person=person,
        name=case_view.list_staff_names(session, [person]).get(person, ""),
        count=exposure.count_exposed_customers(session, person, since, until),
        rows=rows,
        listed="list" in args,
        more=rows[-1].customer_id if len(rows) == exposure.PAGE_SIZE else None,
        first=first,
        last=last,
        warned=warning_runs.find_latest_warning_run(session, case),
        errors=errors,
        words=labels,
        clock=desk.clock,
    )


def _read_exposure_period(
    desk: StaffRequest, first: str, last: str
) -> tuple[datetime, datetime, str, str]:
    """Return start and end of the period, and both days as text.

    The period runs from the start of the first day to the end of the last in the reader's time
    zone.
    """
    today = desk.clock.local_date_of(desk.moment)
    begins = read_date(first, "from") if first else today - DEFAULT_EXPOSURE_PERIOD
    ends = read_date(last, "to") if last else today
    if ends < begins:
        raise InvalidInput("to", ChannelErrorCode.LAST_DAY_BEFORE_FIRST)
    since = datetime.combine(begins, time(0), desk.zone)
    until = datetime.combine(ends + timedelta(days=1), time(0), desk.zone)
    return since, until, begins.isoformat(), ends.isoformat()


@bp.post("/cases/<reference>/warn")
@staff_page(Role.INVESTIGATOR)
def submit_warning_request(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Request a warning of the exposed customers."""
    person = parse_form_id(read_case_field("person"), "person")
    try:
        with desk.session.begin_nested():
            _require_named(desk, reference, person)
            since, until, _, _ = _read_exposure_period(
                desk, read_case_field("from"), read_case_field("to")
            )
            response_requests.request_customer_warning(
                desk.session,
                reference,
                desk.principal.id,
                person,
                since,
                until,
                read_case_field("why"),
                desk.moment,
            )
    except InvalidInput as error:
        return _render_exposed_customers(desk, reference, {error.field: describe_error(error)}), 422
    return redirect(url_for("console.show_case", reference=reference, _anchor="steps"), code=303)


@bp.post("/cases/<reference>/stop")
@staff_page(Role.INVESTIGATOR)
def submit_warning_stop(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Stop a running warning."""
    me = desk.principal.id

    def stop_case_warning() -> Case:
        case = get_held_case(desk.session, reference, me)
        plain = workflow.clean_case_reason(read_case_field("stopping"), "stopping")
        warning_runs.stop_warning_run(desk.session, case, me, plain, desk.moment)
        return case

    return apply_case_change(desk, reference, stop_case_warning)

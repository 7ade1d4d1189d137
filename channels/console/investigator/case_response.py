"""From finding to action: naming, suspending, whom somebody's access exposed, warning them."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.console import labels
from channels.console.investigator.case_workflow import done, typed
from channels.console.investigator.cases import id_from
from channels.console.staff_request import Desk, pages, staff_page
from channels.time_format import read_date
from incidents.cases import case_view, workflow
from incidents.cases.models import Case
from incidents.cases.visibility import held
from incidents.response import approval_types, customer_warnings, exposure
from people.errors import InvalidInput
from people.models import Role

LOOKS_BACK = timedelta(days=180)


@pages.post("/cases/<reference>/name")
@staff_page(Role.INVESTIGATOR)
def name_in_case(desk: Desk, reference: str) -> ResponseReturnValue:
    """Say that it is about a colleague."""
    me = desk.principal.id

    def act() -> Case:
        person = id_from(typed("person"), "person")
        return workflow.name_somebody(
            desk.session, reference, me, person, typed("naming"), desk.moment
        )

    return done(desk, reference, act)


@pages.post("/cases/<reference>/suspend")
@staff_page(Role.INVESTIGATOR)
def suspend(desk: Desk, reference: str) -> ResponseReturnValue:
    """Ask that somebody's access be suspended, or that a suspension be lifted."""
    me = desk.principal.id
    ask = approval_types.ask_to_lift if "lift" in request.form else approval_types.ask_to_suspend

    def act() -> Case:
        person = id_from(typed("person"), "person")
        _require_named(desk, reference, person)
        ask(desk.session, reference, me, person, typed("why_access"), desk.moment)
        return held(desk.session, reference, me)

    return done(desk, reference, act)


def _require_named(desk: Desk, reference: str, person: UUID) -> Case:
    case = held(desk.session, reference, desk.principal.id)
    if person not in case_view.subjects(desk.session, case):
        raise InvalidInput("person", "Name them in this case first.")
    return case


@pages.get("/cases/<reference>/exposed")
@staff_page(Role.INVESTIGATOR)
def exposed(desk: Desk, reference: str) -> ResponseReturnValue:
    """Whom the access of ``?person=`` exposed, ``?from=`` ``?to=``: how many, and with ``?list=``
    who, by ids alone; ``?after=`` an id goes on."""
    return _exposed(desk, reference, {})


def _exposed(desk: Desk, reference: str, errors: dict[str, str]) -> str:
    args = request.args if request.method == "GET" else request.form
    person = id_from(args.get("person", ""), "person")
    case = _require_named(desk, reference, person)
    since, until, first, last = _time(desk, args.get("from", ""), args.get("to", ""))
    me, session = desk.principal.id, desk.session
    after = args.get("after", "")
    rows = []
    if "list" in args:
        mark = id_from(after, "after") if after else None
        rows = exposure.page(session, case, person, since, until, me, desk.moment, mark)
    return render_template(
        "console/exposed.html",
        case=case,
        person=person,
        name=case_view.names(session, [person]).get(person, ""),
        count=exposure.count(session, person, since, until),
        rows=rows,
        listed="list" in args,
        more=rows[-1].customer_id if len(rows) == exposure.PAGE else None,
        first=first,
        last=last,
        warned=customer_warnings.of_case(session, case),
        errors=errors,
        words=labels,
        clock=desk.clock,
    )


def _time(desk: Desk, first: str, last: str) -> tuple[datetime, datetime, str, str]:
    """From the first day's start until the last day's end, on the reader's clock."""
    today = desk.clock.today(desk.moment)
    begins = read_date(first, "from") if first else today - LOOKS_BACK
    ends = read_date(last, "to") if last else today
    if ends < begins:
        raise InvalidInput("to", "The last day is before the first.")
    since = datetime.combine(begins, time(0), desk.zone)
    until = datetime.combine(ends + timedelta(days=1), time(0), desk.zone)
    return since, until, begins.isoformat(), ends.isoformat()


@pages.post("/cases/<reference>/warn")
@staff_page(Role.INVESTIGATOR)
def warn(desk: Desk, reference: str) -> ResponseReturnValue:
    """Ask that they be warned."""
    person = id_from(typed("person"), "person")
    try:
        with desk.session.begin_nested():
            _require_named(desk, reference, person)
            since, until, _, _ = _time(desk, typed("from"), typed("to"))
            approval_types.ask_to_warn(
                desk.session,
                reference,
                desk.principal.id,
                person,
                since,
                until,
                typed("why"),
                desk.moment,
            )
    except InvalidInput as error:
        return _exposed(desk, reference, {error.field: str(error)}), 422
    return redirect(url_for("console.case", reference=reference, _anchor="steps"), code=303)


@pages.post("/cases/<reference>/stop")
@staff_page(Role.INVESTIGATOR)
def stop_warning(desk: Desk, reference: str) -> ResponseReturnValue:
    """Send no more."""
    me = desk.principal.id

    def act() -> Case:
        case = held(desk.session, reference, me)
        plain = workflow.because(typed("stopping"), "stopping")
        customer_warnings.stop(desk.session, case, me, plain, desk.moment)
        return case

    return done(desk, reference, act)

"""What an investigator does with a case: each a form that leads back to it."""

from __future__ import annotations

from collections.abc import Callable

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.console.investigator.cases import id_from, show
from channels.console.staff_request import Desk, pages, staff_page
from incidents.cases import customer_access, merge_split, workflow
from incidents.cases.models import Case
from incidents.cases.visibility import seen
from people import phone_numbers
from people.customers import lookup_log
from people.errors import InvalidInput
from people.models import Role

#: Pieces of evidence of one page that are moved at once.
MOST_TICKED = 100


def done(
    desk: Desk, reference: str, act: Callable[[], Case], anchor: str = ""
) -> ResponseReturnValue:
    """Do it and go back to the case; or the case again with what stands against it."""
    try:
        with desk.session.begin_nested():
            case = act()
    except InvalidInput as error:
        me = desk.principal.id
        found = seen(desk.session, reference, me)
        if error.field == "other":  # a case that is not there for them
            asked, page = f"{reference} {typed('other')}", request.endpoint or ""
            lookup_log.note_unknown(desk.session, me, asked, page, desk.moment)
        return show(desk, found, {error.field: str(error)}), 422
    to = url_for("console.case", reference=case.reference, _anchor=anchor or None)
    return redirect(to, code=303)


def typed(name: str) -> str:
    """What stands in a field of the form, cut where nobody would read on."""
    return request.form.get(name, "")[:10_000]


@pages.post("/cases/<reference>/take")
@staff_page(Role.INVESTIGATOR)
def take_case(desk: Desk, reference: str) -> ResponseReturnValue:
    """Mine from now on."""
    me = desk.principal.id
    return done(desk, reference, lambda: workflow.take(desk.session, reference, me, desk.moment))


@pages.post("/cases/<reference>/give-back")
@staff_page(Role.INVESTIGATOR)
def give_back_case(desk: Desk, reference: str) -> ResponseReturnValue:
    """Open to others again."""
    me, words = desk.principal.id, typed("words")
    workflow.give_back(desk.session, reference, me, words, desk.moment)
    return redirect(url_for("console.cases"), code=303)


@pages.post("/cases/<reference>/note")
@staff_page(Role.INVESTIGATOR)
def note_case(desk: Desk, reference: str) -> ResponseReturnValue:
    """A note."""
    me, words = desk.principal.id, typed("words")
    return done(
        desk,
        reference,
        lambda: workflow.note(desk.session, reference, me, words, desk.moment),
        "steps",
    )


@pages.post("/cases/<reference>/decide")
@staff_page(Role.INVESTIGATOR)
def decide_case(desk: Desk, reference: str) -> ResponseReturnValue:
    """What it comes to."""
    me, outcome, why = desk.principal.id, typed("outcome"), typed("why")
    return done(
        desk,
        reference,
        lambda: workflow.decide(desk.session, reference, me, outcome, why, desk.moment),
        "steps",
    )


@pages.post("/cases/<reference>/close")
@staff_page(Role.INVESTIGATOR)
def close_case(desk: Desk, reference: str) -> ResponseReturnValue:
    """Nothing more to do."""
    me, words, tell = desk.principal.id, typed("closing"), typed("tell")
    return done(
        desk,
        reference,
        lambda: workflow.close(desk.session, reference, me, words, desk.moment, tell=tell),
    )


@pages.post("/cases/<reference>/reopen")
@staff_page(Role.INVESTIGATOR)
def reopen_case(desk: Desk, reference: str) -> ResponseReturnValue:
    """There is more to it."""
    me, words = desk.principal.id, typed("reopening")
    return done(
        desk, reference, lambda: workflow.reopen(desk.session, reference, me, words, desk.moment)
    )


@pages.post("/cases/<reference>/customer")
@staff_page(Role.INVESTIGATOR)
def open_customer(desk: Desk, reference: str) -> ResponseReturnValue:
    """One customer of its evidence, with a reason; shown in the answer and at no address."""
    me, reason = desk.principal.id, typed("reason")
    try:
        with desk.session.begin_nested():
            who = id_from(typed("customer"), "customer")
            opened = customer_access.open_one(desk.session, reference, me, who, reason, desk.moment)
    except InvalidInput as error:
        found = seen(desk.session, reference, me)
        return show(desk, found, {error.field: str(error)}), 422
    return render_template(
        "console/case_customer.html",
        opened=opened,
        phone=phone_numbers.displayed(opened.person.phone),
        reason=reason,
    )


@pages.post("/cases/<reference>/join")
@staff_page(Role.INVESTIGATOR)
def join_case(desk: Desk, reference: str) -> ResponseReturnValue:
    """Take another case into this one."""
    me, other, words = desk.principal.id, typed("other").strip().upper(), typed("joining")
    return done(
        desk,
        reference,
        lambda: merge_split.join(desk.session, reference, other, me, words, desk.moment),
    )


@pages.post("/cases/<reference>/apart")
@staff_page(Role.INVESTIGATOR)
def take_case_apart(desk: Desk, reference: str) -> ResponseReturnValue:
    """Undo a joining."""
    me, other, words = desk.principal.id, typed("other"), typed("parting")
    return done(
        desk,
        reference,
        lambda: merge_split.take_apart(desk.session, reference, other, me, words, desk.moment),
    )


@pages.post("/cases/<reference>/split")
@staff_page(Role.INVESTIGATOR)
def split_case(desk: Desk, reference: str) -> ResponseReturnValue:
    """Put what is ticked into a new case."""
    me, words = desk.principal.id, typed("parting")

    def act() -> Case:
        ticked = ",".join(request.form.getlist("part")).split(",")[:MOST_TICKED]
        parts = [id_from(each, "part") for each in ticked if each]
        return merge_split.split(desk.session, reference, parts, me, words, desk.moment)

    return done(desk, reference, act)

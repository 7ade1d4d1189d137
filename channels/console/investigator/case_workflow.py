"""What an investigator does with a case: each a form that leads back to it."""

from __future__ import annotations

from collections.abc import Callable

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.console.investigator.cases import parse_form_id, render_case
from channels.console.staff_request import StaffRequest, bp, staff_page
from incidents.cases import customer_access, merge_split, workflow
from incidents.cases.models import Case
from incidents.cases.visibility import get_visible_case
from people import phone_numbers
from people.customers import lookup_log
from people.errors import InvalidInput
from people.models import Role

#: Pieces of evidence of one page that are moved at once.
MAX_TICKED_EVIDENCE = 100


def apply_case_change(
    desk: StaffRequest, reference: str, act: Callable[[], Case], anchor: str = ""
) -> ResponseReturnValue:
    """Do it and go back to the case; or the case again with what stands against it."""
    try:
        with desk.session.begin_nested():
            case = act()
    except InvalidInput as error:
        me = desk.principal.id
        found = get_visible_case(desk.session, reference, me)
        if error.field == "other":  # a case that is not there for them
            asked, page = f"{reference} {read_case_field('other')}", request.endpoint or ""
            lookup_log.log_unknown_request(desk.session, me, asked, page, desk.moment)
        return render_case(desk, found, {error.field: str(error)}), 422
    to = url_for("console.show_case", reference=case.reference, _anchor=anchor or None)
    return redirect(to, code=303)


def read_case_field(name: str) -> str:
    """What stands in a field of the form, cut where nobody would read on."""
    return request.form.get(name, "")[:10_000]


@bp.post("/cases/<reference>/take")
@staff_page(Role.INVESTIGATOR)
def take_case(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Mine from now on."""
    me = desk.principal.id
    return apply_case_change(
        desk, reference, lambda: workflow.claim_case(desk.session, reference, me, desk.moment)
    )


@bp.post("/cases/<reference>/give-back")
@staff_page(Role.INVESTIGATOR)
def give_back_case(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Open to others again."""
    me, words = desk.principal.id, read_case_field("words")
    workflow.hand_back_case(desk.session, reference, me, words, desk.moment)
    return redirect(url_for("console.show_case_board"), code=303)


@bp.post("/cases/<reference>/note")
@staff_page(Role.INVESTIGATOR)
def submit_case_note(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """A note."""
    me, words = desk.principal.id, read_case_field("words")
    return apply_case_change(
        desk,
        reference,
        lambda: workflow.write_case_note(desk.session, reference, me, words, desk.moment),
        "steps",
    )


@bp.post("/cases/<reference>/decide")
@staff_page(Role.INVESTIGATOR)
def decide_case(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """What it comes to."""
    me, outcome, why = desk.principal.id, read_case_field("outcome"), read_case_field("why")
    return apply_case_change(
        desk,
        reference,
        lambda: workflow.decide_case_outcome(
            desk.session, reference, me, outcome, why, desk.moment
        ),
        "steps",
    )


@bp.post("/cases/<reference>/close")
@staff_page(Role.INVESTIGATOR)
def close_case(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Nothing more to do."""
    me, words, tell = desk.principal.id, read_case_field("closing"), read_case_field("tell")
    return apply_case_change(
        desk,
        reference,
        lambda: workflow.close_decided_case(
            desk.session, reference, me, words, desk.moment, tell=tell
        ),
    )


@bp.post("/cases/<reference>/reopen")
@staff_page(Role.INVESTIGATOR)
def reopen_case(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """There is more to it."""
    me, words = desk.principal.id, read_case_field("reopening")
    return apply_case_change(
        desk,
        reference,
        lambda: workflow.reopen_closed_case(desk.session, reference, me, words, desk.moment),
    )


@bp.post("/cases/<reference>/customer")
@staff_page(Role.INVESTIGATOR)
def show_case_customer(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """One customer of its evidence, with a reason; shown in the answer and at no address."""
    me, reason = desk.principal.id, read_case_field("reason")
    try:
        with desk.session.begin_nested():
            who = parse_form_id(read_case_field("customer"), "customer")
            opened = customer_access.open_case_customer(
                desk.session, reference, me, who, reason, desk.moment
            )
    except InvalidInput as error:
        found = get_visible_case(desk.session, reference, me)
        return render_case(desk, found, {error.field: str(error)}), 422
    return render_template(
        "console/case_customer.html",
        opened=opened,
        phone=phone_numbers.format_phone(opened.person.phone),
        reason=reason,
    )


@bp.post("/cases/<reference>/join")
@staff_page(Role.INVESTIGATOR)
def submit_case_merge(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Take another case into this one."""
    me, other, words = (
        desk.principal.id,
        read_case_field("other").strip().upper(),
        read_case_field("joining"),
    )
    return apply_case_change(
        desk,
        reference,
        lambda: merge_split.merge_cases(desk.session, reference, other, me, words, desk.moment),
    )


@bp.post("/cases/<reference>/apart")
@staff_page(Role.INVESTIGATOR)
def submit_case_unmerge(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Undo a joining."""
    me, other, words = desk.principal.id, read_case_field("other"), read_case_field("parting")
    return apply_case_change(
        desk,
        reference,
        lambda: merge_split.undo_case_merge(desk.session, reference, other, me, words, desk.moment),
    )


@bp.post("/cases/<reference>/split")
@staff_page(Role.INVESTIGATOR)
def split_case(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Put what is ticked into a new case."""
    me, words = desk.principal.id, read_case_field("parting")

    def split_ticked_evidence() -> Case:
        ticked = ",".join(request.form.getlist("part")).split(",")[:MAX_TICKED_EVIDENCE]
        parts = [parse_form_id(item, "part") for item in ticked if item]
        return merge_split.split_case_evidence(
            desk.session, reference, parts, me, words, desk.moment
        )

    return apply_case_change(desk, reference, split_ticked_evidence)

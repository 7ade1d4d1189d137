"""An investigator's actions on a case. Each is a form that redirects to the case."""

from __future__ import annotations

from collections.abc import Callable

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.console.investigator.cases import parse_form_id, render_case
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.error_texts import describe_error
from incidents.cases import customer_access, merge_split, workflow
from incidents.cases.models import Case
from incidents.cases.visibility import get_visible_case
from people import phone_numbers
from people.customers import lookup_log
from people.errors import InvalidInput
from people.models import Role

#: Maximum number of pieces of evidence moved at once.
MAX_TICKED_EVIDENCE = 100


def apply_case_change(
    desk: StaffRequest, reference: str, act: Callable[[], Case], anchor: str = ""
) -> ResponseReturnValue:
    """Apply a change and redirect to the case, or show the case again with the errors."""
    try:
        with desk.session.begin_nested():
            case = act()
    except InvalidInput as error:
        me = desk.principal.id
        current = get_visible_case(desk.session, reference, me)
        if error.field == "other":  # a case that they cannot see
            asked, page = f"{reference} {read_case_field('other')}", request.endpoint or ""
            lookup_log.log_unknown_request(desk.session, me, asked, page, desk.moment)
        return render_case(desk, current, {error.field: describe_error(error)}), 422
    to = url_for("console.show_case", reference=case.reference, _anchor=anchor or None)
    return redirect(to, code=303)


def read_case_field(name: str) -> str:
    """Return a field of the form, cut to the maximum length."""
    return request.form.get(name, "")[:10_000]


@bp.post("/cases/<reference>/take")
@staff_page(Role.INVESTIGATOR)
def take_case(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Claim the case for the signed-in investigator."""
    me = desk.principal.id
    return apply_case_change(
        desk, reference, lambda: workflow.claim_case(desk.session, reference, me, desk.moment)
    )


@bp.post("/cases/<reference>/give-back")
@staff_page(Role.INVESTIGATOR)
def give_back_case(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Release the case, so that others can claim it."""
    me, words = desk.principal.id, read_case_field("words")
    workflow.hand_back_case(desk.session, reference, me, words, desk.moment)
    return redirect(url_for("console.show_case_board"), code=303)


@bp.post("/cases/<reference>/note")
@staff_page(Role.INVESTIGATOR)
def submit_case_note(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Add a note."""
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
    """Record the outcome of the case."""
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
    """Close a decided case."""
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
    """Reopen a closed case."""
    me, words = desk.principal.id, read_case_field("reopening")
    return apply_case_change(
        desk,
        reference,
        lambda: workflow.reopen_closed_case(desk.session, reference, me, words, desk.moment),
    )


@bp.post("/cases/<reference>/customer")
@staff_page(Role.INVESTIGATOR)
def show_case_customer(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Show one customer of the evidence, with a reason. They appear only in the answer to this
    POST, at no address."""
    me, reason = desk.principal.id, read_case_field("reason")
    try:
        with desk.session.begin_nested():
            who = parse_form_id(read_case_field("customer"), "customer")
            opened = customer_access.open_case_customer(
                desk.session, reference, me, who, reason, desk.moment
            )
    except InvalidInput as error:
        case = get_visible_case(desk.session, reference, me)
        return render_case(desk, case, {error.field: describe_error(error)}), 422
    return render_template(
        "console/case_customer.html",
        opened=opened,
        phone=phone_numbers.format_phone(opened.person.phone),
        reason=reason,
    )


@bp.post("/cases/<reference>/join")
@staff_page(Role.INVESTIGATOR)
def submit_case_merge(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Merge another case into this one."""
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
    """Undo a merge."""
    me, other, words = desk.principal.id, read_case_field("other"), read_case_field("parting")
    return apply_case_change(
        desk,
        reference,
        lambda: merge_split.undo_case_merge(desk.session, reference, other, me, words, desk.moment),
    )


@bp.post("/cases/<reference>/split")
@staff_page(Role.INVESTIGATOR)
def split_case(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Move the selected evidence into a new case."""
    me, words = desk.principal.id, read_case_field("parting")

    def split_ticked_evidence() -> Case:
        ticked = ",".join(request.form.getlist("part")).split(",")[:MAX_TICKED_EVIDENCE]
        parts = [parse_form_id(part, "part") for part in ticked if part]
        return merge_split.split_case_evidence(
            desk.session, reference, parts, me, words, desk.moment
        )

    return apply_case_change(desk, reference, split_ticked_evidence)

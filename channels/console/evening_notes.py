"""Evening notes: a person's own, and those of a case for the investigators who can see it."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.console import labels
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.error_texts import describe_error
from incidents.cases import case_view
from incidents.cases.visibility import get_visible_case
from incidents.evening_notes import case_evidence, explanations
from people.errors import InvalidInput
from people.models import Role


@bp.get("/notes")
@staff_page(*Role)
def show_evening_notes(desk: StaffRequest) -> ResponseReturnValue:
    """Show the signed-in person's notes, newest first."""
    return _render_evening_notes(desk)


@bp.post("/notes/<uuid:note_id>")
@staff_page(*Role)
def submit_explanations(desk: StaffRequest, note_id: UUID) -> ResponseReturnValue:
    """Save why the records were opened: for each access, or one reason for all unexplained ones."""
    texts = {
        int(name[1:]): text[:5000]
        for name, text in request.form.items()
        if name[:1] == "e" and name[1:].isascii() and name[1:].isdecimal() and len(name) < 20
    }
    general = request.form.get("all", "")[:5000]
    try:
        explanations.save_explanations(
            desk.session, desk.principal.id, note_id, texts, general, desk.moment
        )
    except InvalidInput as error:
        return _render_evening_notes(desk, {error.field: describe_error(error)}, note_id), 422
    return redirect(url_for("console.show_evening_notes", done=1), code=303)


def _render_evening_notes(
    desk: StaffRequest, errors: Mapping[str, str] | None = None, at: UUID | None = None
) -> str:
    return render_template(
        "console/notes.html",
        notes=explanations.list_staff_notes(desk.session, desk.principal.id),
        errors=errors or {},
        at=at,
        typed={name: value[:5000] for name, value in request.form.items()},
        done="done" in request.args,
        limit=explanations.MAX_LENGTH,
        words=labels,
        clock=desk.clock,
    )


@bp.get("/cases/<reference>/notes")
@staff_page(Role.INVESTIGATOR)
def show_case_notes(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Show the notes of a case with their explanations. Each view is audited."""
    case = get_visible_case(desk.session, reference, desk.principal.id)
    notes = case_evidence.read_case_notes(desk.session, case, desk.principal.id, desk.moment)
    return render_template(
        "console/case_notes.html",
        case=case,
        notes=notes,
        names=case_view.list_staff_names(desk.session, [note.staff_id for note in notes]),
        words=labels,
        clock=desk.clock,
    )

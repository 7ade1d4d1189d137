"""A case in one signed file."""

from __future__ import annotations

from flask import Response, make_response, render_template, request
from flask.typing import ResponseReturnValue

from channels.app_context import ctx
from channels.console import labels
from channels.console.investigator import case_labels
from channels.console.investigator.case_workflow import typed
from channels.console.investigator.cases import show
from channels.console.investigator.export_labels import Telling
from channels.console.staff_request import Desk, pages, staff_page
from incidents.cases.visibility import held, seen
from incidents.export import archive, case_data
from incidents.export.case_data import Collected
from incidents.leak_tracing import service
from people.errors import InvalidInput
from people.models import Role
from vault.audit import checkpoints

#: For a page that is read by itself, with nothing beside it.
_STYLE = (
    "body { overflow-wrap: anywhere; font-family: sans-serif; line-height: 1.4; }"
    " ol, ul { padding-inline-start: 1.4rem; }"
)


@pages.post("/cases/<reference>/export")
@staff_page(Role.INVESTIGATOR)
def export_case(desk: Desk, reference: str) -> ResponseReturnValue:
    """The file, with the fields that were ticked."""
    me, fields, reason = desk.principal.id, request.form.getlist("field"), typed("exporting")
    origin = ctx().audit_origin
    try:
        with desk.session.begin_nested():
            case = held(desk.session, reference, me)
            traced = service.goes_out(desk.session, case, me)
            ranking = service.of_case(desk.session, reference, me, desk.moment) if traced else None
            if traced and ranking is None:  # it says something about whoever exports
                return render_template("console/trace_handed_on.html")
            found = case_data.collect(
                desk.session, reference, me, fields, reason, origin, desk.moment, ranking
            )
    except InvalidInput as error:
        return show(desk, seen(desk.session, reference, me), {error.field: str(error)}), 422
    return _file(desk, found, origin)


def _file(desk: Desk, found: Collected, origin: str) -> Response:
    key = str(checkpoints.signer(desk.session, origin).verifier)
    given = {
        "found": found.data,
        "reference": found.case.reference,
        "key": key,
        "proofs": found.proofs,
        "words": labels,
        "case_words": case_labels,
        "telling": Telling(found.data, desk.clock),
        "style": _STYLE,
    }
    page = render_template("console/export.html", **given)
    readme = render_template("console/export.txt", **given)
    data = archive.pack(desk.session, found, page, readme, origin, desk.moment)
    answer = make_response(data)
    answer.headers["Content-Type"] = "application/zip"
    name = f"{found.case.reference}.zip"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer

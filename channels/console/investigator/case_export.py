"""Export of a case as one signed file."""

from __future__ import annotations

from flask import Response, make_response, render_template, request
from flask.typing import ResponseReturnValue

from channels.app_context import current_context
from channels.console import labels
from channels.console.investigator import case_labels
from channels.console.investigator.case_workflow import read_case_field
from channels.console.investigator.cases import render_case
from channels.console.investigator.export_labels import ExportFormatter
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.error_texts import describe_error
from incidents.cases.visibility import get_held_case, get_visible_case
from incidents.export import archive, case_data
from incidents.export.case_data import ExportedCase
from incidents.leak_tracing import service
from people.errors import InvalidInput
from people.models import Role
from vault.audit import checkpoints

#: Styles of the exported page, which has no stylesheet.
_STYLE = (
    "body { overflow-wrap: anywhere; font-family: sans-serif; line-height: 1.4; }"
    " ol, ul { padding-inline-start: 1.4rem; }"
)


@bp.post("/cases/<reference>/export")
@staff_page(Role.INVESTIGATOR)
def export_case(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Return the ZIP file with the selected fields."""
    me, fields, reason = (
        desk.principal.id,
        request.form.getlist("field"),
        read_case_field("exporting"),
    )
    origin = current_context().audit_origin
    try:
        with desk.session.begin_nested():
            case = get_held_case(desk.session, reference, me)
            traced = service.should_export_ranking(desk.session, case, me)
            ranking = (
                service.trace_case_signals(desk.session, reference, me, desk.moment)
                if traced
                else None
            )
            if traced and ranking is None:  # the ranking names the investigator who exports
                return render_template("console/trace_reassigned.html")
            exported = case_data.collect_for_export(
                desk.session, reference, me, fields, reason, origin, desk.moment, ranking
            )
    except InvalidInput as error:
        return render_case(
            desk,
            get_visible_case(desk.session, reference, me),
            {error.field: describe_error(error)},
        ), 422
    return _build_export_response(desk, exported, origin)


def _build_export_response(desk: StaffRequest, found: ExportedCase, origin: str) -> Response:
    key = str(checkpoints.log_signer(desk.session, origin).verifier)
    context = {
        "found": found.data,
        "reference": found.case.reference,
        "key": key,
        "proofs": found.proofs,
        "words": labels,
        "case_words": case_labels,
        "telling": ExportFormatter(found.data, desk.clock),
        "style": _STYLE,
    }
    page = render_template("console/export.html", **context)
    readme = render_template("console/export.txt", **context)
    data = archive.build_export_archive(desk.session, found, page, readme, origin, desk.moment)
    answer = make_response(data)
    answer.headers["Content-Type"] = "application/zip"
    name = f"{found.case.reference}.zip"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer

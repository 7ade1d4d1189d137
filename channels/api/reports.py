"""``/reports``: anyone can file them, investigators read them."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from channels import report_submission
from channels.api.auth import require_token, unit_for_role
from channels.api.report_schemas import ReferenceOut, ReportIn, ReportOut, ReportsOut
from channels.api.schemas import Problem
from channels.app_context import current_time, unit_of_work
from channels.check_service import read_number
from incidents.cases import report_list
from incidents.reports import report_fields, submission
from people.models import Role

bp = APIBlueprint(
    "api_reports",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="Checks and reports")],
    abp_responses={503: Problem},
)
bp.before_request(require_token)


@bp.post(
    "/reports", summary="Report an unexpected call", security=[], responses={201: ReferenceOut}
)
def make_report(body: ReportIn) -> tuple[Response, int]:
    """File a report and return its reference."""
    report_submission.count_report_address()
    report = report_fields.ReportSubmission(
        phone=read_number(body.phone),
        channel="api",
        called_at=body.called_at,
        shown_number=body.shown_number,
        said=body.said,
        knew=body.knew,
        number_hidden=body.number_hidden,
        claimed_to_be=body.claimed_to_be,
        asked_for=body.asked_for,
        gave=body.gave,
        tell_me=body.tell_me,
    )
    with unit_of_work() as session:
        return jsonify(
            reference=submission.submit_for_reference(session, report, current_time())
        ), 201


@bp.get(
    "/reports",
    summary="The latest reports",
    security=[{"bearer": []}],
    responses={200: ReportsOut, 401: Problem, 403: Problem},
)
def list_reports() -> Response:
    """List reports for investigators, newest first; each access is audited."""
    with unit_for_role(Role.INVESTIGATOR) as (session, investigator):
        reports = report_list.list_latest_reports(session, investigator.actor, current_time())
        return jsonify(
            reports=[
                ReportOut.model_validate(report, from_attributes=True).model_dump(mode="json")
                for report in reports
            ]
        )

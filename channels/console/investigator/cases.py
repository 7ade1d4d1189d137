"""The case board and the page of a single case, for investigators."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue

from channels.console import labels
from channels.console.investigator import audit_labels, case_labels, timeline
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.error_codes import ChannelErrorCode
from incidents.cases import board as board_of
from incidents.cases import case_view, merge_split, workflow
from incidents.cases.evidence_summary import count_common_answers, group_evidence_items
from incidents.cases.models import Case, CaseState, WarningRun
from incidents.cases.visibility import get_visible_case
from incidents.response import customer_warnings, post_warning_reports, warning_runs
from people.errors import InvalidInput
from people.models import Role, Staff
from people.staff import staff_records

_REFERENCE = re.compile(r"C[0-9A-Z]{7}")
_PAGE = re.compile(r"[1-9][0-9]{0,4}")


@bp.app_template_filter("instant")
def parse_fact_instant(text: str) -> datetime:
    """Parse an instant in the facts of a case."""
    return datetime.fromisoformat(text)


@bp.get("/cases")
@staff_page(Role.INVESTIGATOR)
def show_case_board(desk: StaffRequest) -> ResponseReturnValue:
    """Show the board: ``?view=`` open, mine or closed; ``?after=`` the last reference of the
    previous page."""
    view = request.args.get("view", board_of.OPEN)
    after = request.args.get("after", "")
    if view not in board_of.VIEWS:
        raise InvalidInput("view", ChannelErrorCode.CASES_VIEW_UNKNOWN)
    if after and not _REFERENCE.fullmatch(after):
        raise InvalidInput("after", ChannelErrorCode.PAGE_UNKNOWN)
    reader = desk.principal.id
    board = board_of.load_case_board(desk.session, reader, view, desk.moment, after)
    return render_template(
        "console/cases.html",
        board=board,
        view=view,
        names=case_view.list_staff_names(desk.session, [row.taken_by for row in board.rows]),
        **_case_label_context(desk),
    )


@bp.get("/cases/<reference>")
@staff_page(Role.INVESTIGATOR)
def show_case(desk: StaffRequest, reference: str) -> ResponseReturnValue:
    """Show a case with its evidence (``?page=`` from 1) and its events."""
    return render_case(desk, get_visible_case(desk.session, reference, desk.principal.id))


def render_case(desk: StaffRequest, found: Case, errors: Mapping[str, str] | None = None) -> str:
    """Render the page of a case; ``errors`` are those of its forms, by field."""
    reader = desk.principal.id
    asked = request.args.get("page", "1")
    page = int(asked) if _PAGE.fullmatch(asked) else 1
    evidence, count = case_view.load_evidence_page(desk.session, found, reader, desk.moment, page)
    steps = case_view.list_case_events(desk.session, found, reader)
    subjects = case_view.list_subject_ids(desk.session, found)
    people = [found.taken_by, *subjects, *(step.staff_id for step in steps)]
    people += [piece.entry.staff_id for piece in evidence if piece.entry]
    people += [staff_id for step in steps for staff_id in step.approved_by]
    return render_template(
        "console/case.html",
        case=found,
        mine=found.state == CaseState.TAKEN and found.taken_by == reader,
        evidence=group_evidence_items(evidence, desk.zone),
        often=count_common_answers(evidence),
        count=count,
        page=page,
        last=max(1, -(-count // case_view.PAGE_SIZE)),
        steps=steps,
        subjects=subjects,
        names=case_view.list_staff_names(desk.session, people),
        joined=merge_split.list_merged_cases(desk.session, found),
        waiting=len(workflow.list_reports_awaiting_feedback(desk.session, found, reader)),
        **_case_response_context(desk, found, subjects),
        errors=errors or {},
        typed={name: value[:5000] for name, value in request.form.items()},
        **_case_label_context(desk),
    )


def _case_response_context(
    desk: StaffRequest, found: Case, subjects: list[UUID]
) -> dict[str, object]:
    """Return the context about the people named in the case and the warning of their customers."""
    session, run = desk.session, warning_runs.find_latest_warning_run(desk.session, found)
    members = {subject: session.get_one(Staff, subject) for subject in subjects}
    return {
        "members": members,
        "colleagues": [
            name
            for name in staff_records.list_all_staff_names(session)
            if name[0] != desk.principal.id
        ],
        "warning": customer_warnings.load_warning_progress(session, run) if run else None,
        "after": _post_warning_timeline(desk, run) if run else None,
    }


def _post_warning_timeline(desk: StaffRequest, run: WarningRun) -> timeline.Timeline:
    """Build the timeline of reports by exposed customers, from two weeks before the warning."""
    since = run.begun_at - timedelta(days=14)
    until = min(desk.moment, run.begun_at + timedelta(days=60))
    return timeline.build_timeline(
        desk.clock,
        since,
        until,
        lambda bins: post_warning_reports.count_reports_by_bin(
            desk.session, run, desk.principal.id, since, until, bins
        ),
    )


def _case_label_context(desk: StaffRequest) -> dict[str, object]:
    shared = {"words": labels, "case_words": case_labels, "audit_words": audit_labels}
    return {"clock": desk.clock, "moment": desk.moment, **shared}


def parse_form_id(text: str, field: str) -> UUID:
    """Parse an id from a form. Raises ``InvalidInput``."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(field, ChannelErrorCode.CHOICE_UNKNOWN) from None

"""Reauthentication before a sensitive change."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels.app_context import current_context
from channels.console.auth.sign_in import is_console_address
from channels.console.staff_request import StaffRequest, bp, staff_page
from people.errors import SignInFailed
from people.models import Role
from people.passkeys.relying_party import relying_party_from_url
from people.staff import authentication, staff_records, staff_sessions


@bp.get("/account/proof")
@staff_page(*Role)
def show_proof_form(_: StaffRequest) -> ResponseReturnValue:
    """Show the form: password and second factor, or a passkey."""
    return _render_proof_form("")


@bp.post("/account/proof")
@staff_page(*Role)
def submit_proof(desk: StaffRequest) -> ResponseReturnValue:
    """Check password and second factor. Attempts are counted per person, as a known browser's
    sign-ins are."""
    counted = "sign_in_device", f"proof:{desk.principal.id.hex}"
    current_context().limiter.count_hit(*counted)
    email = staff_records.open_staff_details(desk.session, desk.member).email
    password, code = request.form.get("password", "")[:500], request.form.get("code", "")[:40]
    try:
        authentication.check_credentials(desk.session, email, password, code, desk.moment)
    except SignInFailed:
        return _render_proof_form(
            gettext("These do not fit together. Check both, and try again.")
        ), 403
    current_context().limiter.refund_hit(*counted)
    record_session_proof(desk)
    return redirect(choose_next_address(), code=303)


def record_session_proof(desk: StaffRequest) -> None:
    """Record the proof on this browser's session."""
    if desk.principal.session_id is not None:
        staff_sessions.record_fresh_proof(desk.session, desk.principal.session_id, desk.moment)


def choose_next_address() -> str:
    """Return the console page to continue to."""
    wanted = request.values.get("next", "")
    return wanted if is_console_address(wanted) else url_for("console.show_account")


def _render_proof_form(problem: str) -> str:
    return render_template(
        "console/proof.html",
        problem=problem,
        next=choose_next_address(),
        site=relying_party_from_url(
            current_context().base_url, current_context().policy.organisation
        ),
    )

"""Changing sign-in credentials. Each change requires a proof not older than five minutes."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels.app_context import current_context
from channels.console.account.overview import redirect_to_account
from channels.console.staff_request import StaffRequest, bp, staff_page
from channels.error_texts import describe_error
from people.credentials import MIN_PASSWORD
from people.errors import InvalidInput
from people.models import Role
from people.staff import (
    second_factor,
    security_notices,
    staff_passwords,
    staff_sessions,
)
from people.staff.security_notices import Notice
from vault.audit import audit_log
from vault.audit.acts import AuditAct


@bp.get("/account/password")
@staff_page(*Role)
def show_password_form(desk: StaffRequest) -> ResponseReturnValue:
    """Show the form for a new password."""
    desk.require_reauthentication()
    return _render_password_form({})


@bp.post("/account/password")
@staff_page(*Role)
def change_password(desk: StaffRequest) -> ResponseReturnValue:
    """Save the new password and end all other sessions."""
    desk.require_reauthentication()
    new, again = (request.form.get(name, "")[:500] for name in ("password", "again"))
    if new != again:
        return _render_password_form(
            {"again": gettext("The two are not the same. Write both again.")}
        ), 422
    organisation = current_context().policy.organisation
    try:
        staff_passwords.replace_password(
            desk.session, desk.member, new, desk.moment, organisation=organisation
        )
    except InvalidInput as error:
        return _render_password_form({error.field: describe_error(error)}), 422
    mine, here = desk.principal.id, desk.principal.session_id
    staff_sessions.end_other_sessions(desk.session, mine, here, desk.moment, "password")
    return redirect_to_account("password")


def _render_password_form(errors: dict[str, str]) -> str:
    return render_template("console/password.html", errors=errors, shortest=MIN_PASSWORD)


@bp.post("/account/recovery")
@staff_page(*Role)
def replace_recovery_codes(desk: StaffRequest) -> ResponseReturnValue:
    """Issue new recovery codes and show them, once."""
    desk.require_reauthentication()
    codes = second_factor.issue_recovery_codes(desk.session, desk.principal.id)
    audit_log.record_act(
        desk.session, desk.principal.actor, AuditAct.STAFF_RECOVERY_CODES, desk.moment
    )
    security_notices.add_security_notice(
        desk.session, desk.principal.id, Notice.RECOVERY_CODES, desk.moment
    )
    return render_template("console/enrolled.html", recovery=codes, signed_in=True)

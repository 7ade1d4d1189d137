"""The account page: sessions, sign-in methods and recent sign-in events."""

from __future__ import annotations

from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.app_context import current_context
from channels.console.account import reenrolment, sign_in_labels
from channels.console.auth import sign_in
from channels.console.staff_request import StaffRequest, bp, staff_page
from people.models import Role
from people.passkeys import credential_records
from people.passkeys.relying_party import relying_party_from_url
from people.staff import (
    second_factor,
    security_notices,
    sign_in_history,
    staff_records,
    staff_sessions,
)


@bp.get("/account")
@staff_page(*Role)
def show_account(desk: StaffRequest) -> ResponseReturnValue:
    """Show everything about the signed-in person's sign-in on one page."""
    session, mine = desk.session, desk.principal.id
    return render_template(
        "console/account.html",
        who=staff_records.open_staff_details(session, desk.member),
        notices=security_notices.list_unseen_notices(session, mine),
        browsers=staff_sessions.list_staff_sessions(session, mine, desk.moment),
        here=desk.principal.session_id,
        passkeys=credential_records.list_passkeys(session, mine),
        site=relying_party_from_url(
            current_context().base_url, current_context().policy.organisation
        ),
        codes_left=second_factor.count_recovery_codes(session, mine),
        new_role=reenrolment.describe_waiting_role(desk),
        events=sign_in_history.list_sign_in_events(session, mine),
        words=sign_in_labels,
        clock=desk.clock,
        done=request.args.get("done", ""),
    )


@bp.post("/account/read")
@staff_page(*Role)
def mark_notices_read(desk: StaffRequest) -> ResponseReturnValue:
    """Mark the security notices as read."""
    security_notices.mark_notices_seen(desk.session, desk.principal.id, desk.moment)
    return redirect_to_account()


@bp.post("/account/sessions/<uuid:session_id>/end")
@staff_page(*Role)
def end_own_session(desk: StaffRequest, session_id: UUID) -> ResponseReturnValue:
    """End one of the person's own sessions. Ending this browser's session signs out."""
    if session_id == desk.principal.session_id:
        return _sign_out_this_browser(desk)
    staff_sessions.end_staff_session(desk.session, desk.principal.id, session_id, desk.moment)
    return redirect_to_account("ended")


@bp.post("/account/sessions/end")
@staff_page(*Role)
def end_all_sessions(desk: StaffRequest) -> ResponseReturnValue:
    """Sign out everywhere, including here."""
    staff_sessions.end_other_sessions(
        desk.session, desk.principal.id, None, desk.moment, "everywhere"
    )
    return _sign_out_this_browser(desk)


def _sign_out_this_browser(desk: StaffRequest) -> ResponseReturnValue:
    sign_in.end_browser_session(desk.session)
    return redirect(url_for("console.show_staff_sign_in", out=1), code=303)


def redirect_to_account(done: str = "") -> ResponseReturnValue:
    """Redirect to the account page, with a code for what was done."""
    return redirect(url_for("console.show_account", done=done or None), code=303)

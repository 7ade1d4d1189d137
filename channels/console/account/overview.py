"""One's own account: where one is signed in, by what one can sign in, and what happened."""

from __future__ import annotations

from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.app_context import ctx
from channels.console.account import reenrolment, sign_in_labels
from channels.console.auth import sign_in
from channels.console.staff_request import Desk, pages, staff_page
from people.models import Role
from people.passkeys import credential_records
from people.passkeys.relying_party import site
from people.staff import (
    second_factor,
    security_notices,
    sign_in_history,
    staff_records,
    staff_sessions,
)


@pages.get("/account")
@staff_page(*Role)
def account(desk: Desk) -> ResponseReturnValue:
    """Everything about one's sign-in on one page."""
    session, mine = desk.session, desk.principal.id
    return render_template(
        "console/account.html",
        who=staff_records.opened(session, desk.member),
        notices=security_notices.unseen(session, mine),
        browsers=staff_sessions.of(session, mine, desk.moment),
        here=desk.principal.session_id,
        passkeys=credential_records.of(session, mine),
        site=site(ctx().base_url, ctx().policy.organisation),
        codes_left=second_factor.recovery_codes_left(session, mine),
        new_role=reenrolment.waiting_role(desk),
        events=sign_in_history.latest(session, mine),
        words=sign_in_labels,
        clock=desk.clock,
        done=request.args.get("done", ""),
    )


@pages.post("/account/read")
@staff_page(*Role)
def notices_read(desk: Desk) -> ResponseReturnValue:
    """They have read what they were told."""
    security_notices.seen(desk.session, desk.principal.id, desk.moment)
    return back()


@pages.post("/account/sessions/<uuid:session_id>/end")
@staff_page(*Role)
def end_session(desk: Desk, session_id: UUID) -> ResponseReturnValue:
    """End one of one's own; the one of this very browser is a sign-out."""
    if session_id == desk.principal.session_id:
        return _out(desk)
    staff_sessions.end_one(desk.session, desk.principal.id, session_id, desk.moment)
    return back("ended")


@pages.post("/account/sessions/end")
@staff_page(*Role)
def end_sessions(desk: Desk) -> ResponseReturnValue:
    """Sign out everywhere, here too."""
    staff_sessions.end_others(desk.session, desk.principal.id, None, desk.moment, "everywhere")
    return _out(desk)


def _out(desk: Desk) -> ResponseReturnValue:
    sign_in.forget(desk.session)
    return redirect(url_for("console.sign_in", out=1), code=303)


def back(done: str = "") -> ResponseReturnValue:
    """To the page, with a word of what was done."""
    return redirect(url_for("console.account", done=done or None), code=303)

"""Proving again who is at the desk, before something that matters is changed."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels.app_context import ctx
from channels.console.auth.sign_in import is_local
from channels.console.staff_request import Desk, pages, staff_page
from people.errors import SignInFailed
from people.models import Role
from people.passkeys.relying_party import site
from people.staff import authentication, staff_records, staff_sessions


@pages.get("/account/proof")
@staff_page(*Role)
def prove(_: Desk) -> ResponseReturnValue:
    """The form: password and second factor, or a passkey."""
    return _form("")


@pages.post("/account/proof")
@staff_page(*Role)
def proved(desk: Desk) -> ResponseReturnValue:
    """Counted for the person alone, as a known browser's sign-in is."""
    counted = "sign_in_device", f"proof:{desk.principal.id.hex}"
    ctx().limiter.hit(*counted)
    email = staff_records.opened(desk.session, desk.member).email
    password, code = request.form.get("password", "")[:500], request.form.get("code", "")[:40]
    try:
        authentication.check_credentials(desk.session, email, password, code, desk.moment)
    except SignInFailed:
        return _form(gettext("These do not fit together. Check both, and try again.")), 403
    ctx().limiter.give_back(*counted)
    keep(desk)
    return redirect(onward(), code=303)


def keep(desk: Desk) -> None:
    """Note the proof at this browser's session."""
    if desk.principal.session_id is not None:
        staff_sessions.proved(desk.session, desk.principal.session_id, desk.moment)


def onward() -> str:
    """Where they wanted to be."""
    wanted = request.values.get("next", "")
    return wanted if is_local(wanted) else url_for("console.account")


def _form(problem: str) -> str:
    return render_template(
        "console/proof.html",
        problem=problem,
        next=onward(),
        site=site(ctx().base_url, ctx().policy.organisation),
    )

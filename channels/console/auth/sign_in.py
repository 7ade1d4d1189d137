"""Signing in and out."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from flask import Response, make_response, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlmodel import Session
from werkzeug.exceptions import NotFound as NoPage

from channels import failed_attempts
from channels.app_context import current_context, current_time, unit_of_work
from channels.console.auth import demo_sign_ins, device_cookie, sign_in_limits, user_agent
from channels.console.auth.sign_in_limits import SignInTries
from channels.console.staff_request import HOME_ENDPOINTS, SESSION_TOKEN_ENTRY, bp
from channels.rate_limits import RateLimitExceeded
from people.errors import SignInFailed
from people.models import Role, Staff
from people.passkeys.relying_party import relying_party_from_url
from people.staff import authentication, second_factor, security_notices, session_lifecycle

_LOCAL = re.compile(r"/staff/[\w\-./?=&%:+]*", re.ASCII)


@bp.get("/sign-in")
def show_staff_sign_in() -> ResponseReturnValue:
    """Show the form, or redirect if the browser is signed in already."""
    with unit_of_work(read_only=True) as session:
        token, moment = cookie.get(SESSION_TOKEN_ENTRY), current_time()
        if isinstance(token, str) and (
            who := session_lifecycle.find_session_principal(session, token, moment)
        ):
            return redirect(_address_after_sign_in(session, who.id, who.role), code=303)
        out = gettext("You are signed out. Sign in to go on.") if "out" in request.args else ""
        return _render_sign_in_form(session, note=out)


@bp.post("/sign-in")
def submit_staff_sign_in() -> ResponseReturnValue:
    """Check password and second factor together. The error is the same for every cause."""
    email, moment = request.form.get("email", "")[:250], current_time()
    password, code = request.form.get("password", ""), request.form.get("code", "")[:40]
    with unit_of_work(read_only=True) as session:  # hold no write lock while a password is hashed
        seen = authentication.find_account_by_email(session, email)
        tried = sign_in_limits.build_sign_in_tries(session, seen, email, code, moment)
    try:
        counted = tried.count_try()
    except RateLimitExceeded as error:
        return _answer_too_many_tries(tried, seen, error, email)
    right = authentication.check_password(current_context().ring, seen, password[:500])
    with unit_of_work() as session:
        try:
            member = authentication.check_second_factor(
                session, seen, right, code, moment, noted=_may_note_sign_in
            )
        except SignInFailed:  # caught here, so that its audit entry is committed
            if counted.refused is None:
                return _answer_wrong_credentials(session, email)
        else:
            counted.release_limit_counts()
            how = "recovery" if second_factor.is_recovery_code(code) else "password"
            return redirect(begin_browser_session(session, member, moment, how=how), code=303)
    return _answer_too_many_tries(tried, seen, counted.refused, email)


def _may_note_sign_in() -> bool:
    return failed_attempts.is_first_this_hour("sign-in")


def _answer_wrong_credentials(session: Session, email: str) -> ResponseReturnValue:
    wrong = gettext("These do not fit together. Check all three, and try again.")
    return _render_sign_in_form(session, problem=wrong, email=email), 403


@bp.get("/sign-in/lost")
def show_lost_credentials() -> ResponseReturnValue:
    """Explain what to do without password or phone. The page is the same for everybody; nothing is
    sent."""
    return render_template("console/lost_credentials.html")


def begin_browser_session(
    session: Session,
    member: Staff,
    moment: datetime,
    *,
    how: str,
    passkey_id: UUID | None = None,
) -> str:
    """Begin a session in this browser under a new token. Return the address to continue to."""
    end_browser_session(session)
    cookie[SESSION_TOKEN_ENTRY] = session_lifecycle.open_staff_session(
        session,
        member,
        moment,
        how=how,
        browser=user_agent.describe_user_agent(),
        passkey_id=passkey_id,
    )
    device_cookie.remember_browser(member, moment)
    return _address_after_sign_in(session, member.id, Role(member.role))


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session, in the browser and in the database."""
    with unit_of_work() as session:
        end_browser_session(session)
        return redirect(url_for("console.show_staff_sign_in"), code=303)


@bp.get("/sign-in/demo")
def show_demo_codes() -> ResponseReturnValue:
    """Render only the demo's second-factor codes, so that the page can refresh them."""
    if not demo_sign_ins.is_on():
        raise NoPage
    with unit_of_work(read_only=True) as session:
        return render_template(
            "console/_demo_codes.html",
            demo=demo_sign_ins.list_demo_sign_ins(session, current_time()),
        )


def end_browser_session(session: Session) -> None:
    """End the session this browser has, if any: no session outlives a sign-in or sign-out."""
    token = cookie.get(SESSION_TOKEN_ENTRY)
    if isinstance(token, str):
        session_lifecycle.close_staff_session(session, token, current_time())
    cookie.clear()


def _address_after_sign_in(session: Session, staff_id: UUID, role: Role) -> str:
    """Return the account page if there are unread notices, else the requested console page, else
    the home page of the role."""
    if security_notices.list_unseen_notices(session, staff_id):
        return url_for("console.show_account")
    wanted = request.values.get("next", "")
    return wanted if is_console_address(wanted) else url_for(HOME_ENDPOINTS[role])


def is_console_address(address: str) -> bool:
    """Return whether an address is a path of the console on this site."""
    plain = bool(_LOCAL.fullmatch(address)) and ".." not in address and "//" not in address
    parts = urlsplit(address) if plain else None
    return parts is not None and not parts.scheme and not parts.netloc


def _answer_too_many_tries(
    tried: SignInTries, seen: Staff | None, error: RateLimitExceeded, email: str
) -> Response:
    wait = gettext("Too many tries. Try again in %(s)s seconds.", s=error.retry_after)
    with unit_of_work() as session:
        tried.note_lockout(session, seen, current_time())
        response = make_response(
            _render_sign_in_form(session, problem=wait, email=email, locked=True), 429
        )
    response.headers["Retry-After"] = str(error.retry_after)
    return response


def _render_sign_in_form(
    session: Session, *, problem: str = "", note: str = "", email: str = "", locked: bool = False
) -> str:
    wanted = request.values.get("next", "")
    return render_template(
        "console/sign_in.html",
        problem=problem,
        note=note,
        email=email,
        locked=locked,
        next=wanted if is_console_address(wanted) else "",
        passkeys=relying_party_from_url(
            current_context().base_url, current_context().policy.organisation
        ),
        demo=demo_sign_ins.list_demo_sign_ins(session, current_time())
        if demo_sign_ins.is_on()
        else None,
    )

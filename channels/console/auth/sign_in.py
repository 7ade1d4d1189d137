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
from channels.app_context import ctx, now, unit
from channels.console.auth import demo_sign_ins, device_cookie, sign_in_limits, user_agent
from channels.console.auth.sign_in_limits import Tries
from channels.console.staff_request import HOMES, TOKEN, pages
from channels.rate_limits import TooMany
from people.errors import SignInFailed
from people.models import Role, Staff
from people.passkeys.relying_party import site
from people.staff import authentication, second_factor, security_notices

_LOCAL = re.compile(r"/staff/[\w\-./?=&%:+]*", re.ASCII)


@pages.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    """The form; somebody signed in already goes on."""
    with unit(read_only=True) as session:
        token, moment = cookie.get(TOKEN), now()
        if isinstance(token, str) and (who := authentication.signed_in(session, token, moment)):
            return redirect(_onward(session, who.id, who.role), code=303)
        out = gettext("You are signed out. Sign in to go on.") if "out" in request.args else ""
        return _form(session, note=out)


@pages.post("/sign-in")
def let_in() -> ResponseReturnValue:
    """Password and second factor together. One answer for whatever was wrong."""
    email, moment = request.form.get("email", "")[:250], now()
    password, code = request.form.get("password", ""), request.form.get("code", "")[:40]
    with unit(read_only=True) as session:  # nobody else need wait while a password is hashed
        seen = authentication.find(session, email)
        tried = sign_in_limits.of(session, seen, email, code, moment)
    try:
        counted = tried.count()
    except TooMany as error:
        return _wait(tried, seen, error, email)
    right = authentication.password_right(ctx().ring, seen, password[:500])
    with unit() as session:
        try:
            member = authentication.check_second_factor(
                session, seen, right, code, moment, noted=_noted
            )
        except SignInFailed:  # caught in here, so that what it writes down is committed
            if counted.refused is None:
                return _wrong(session, email)
        else:
            counted.give_back()
            how = "recovery" if second_factor.is_recovery_code(code) else "password"
            return redirect(enter(session, member, moment, how=how), code=303)
    return _wait(tried, seen, counted.refused, email)


def _noted() -> bool:
    return failed_attempts.first_of_the_hour("sign-in")


def _wrong(session: Session, email: str) -> ResponseReturnValue:
    wrong = gettext("These do not fit together. Check all three, and try again.")
    return _form(session, problem=wrong, email=email), 403


@pages.get("/sign-in/lost")
def lost() -> ResponseReturnValue:
    """What to do without password or phone: the same for everybody, and nothing is sent."""
    return render_template("console/lost.html")


def enter(
    session: Session,
    member: Staff,
    moment: datetime,
    *,
    how: str,
    passkey_id: UUID | None = None,
) -> str:
    """Begin a session in this browser, under a token of its own; where to go on."""
    forget(session)
    cookie[TOKEN] = authentication.open_session(
        session, member, moment, how=how, browser=user_agent.words(), passkey_id=passkey_id
    )
    device_cookie.remember(member, moment)
    return _onward(session, member.id, Role(member.role))


@pages.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session, here and in the store."""
    with unit() as session:
        forget(session)
        return redirect(url_for("console.sign_in"), code=303)


@pages.get("/sign-in/demo")
def demo_codes() -> ResponseReturnValue:
    """The demo's second-factor codes alone, for the page to keep itself fresh."""
    if not demo_sign_ins.is_on():
        raise NoPage
    with unit(read_only=True) as session:
        return render_template(
            "console/_demo_codes.html", demo=demo_sign_ins.sign_ins(session, now())
        )


def forget(session: Session) -> None:
    """Drop whatever this browser was signed in as: no session outlives a sign-in or sign-out."""
    token = cookie.get(TOKEN)
    if isinstance(token, str):
        authentication.close_session(session, token, now())
    cookie.clear()


def _onward(session: Session, staff_id: UUID, role: Role) -> str:
    """To what they have to be told, else to the page that was asked for, if it is one of ours,
    else to the role's own."""
    if security_notices.unseen(session, staff_id):
        return url_for("console.account")
    wanted = request.values.get("next", "")
    return wanted if is_local(wanted) else url_for(HOMES[role])


def is_local(address: str) -> bool:
    """Whether an address leads to a page of the console and nowhere else."""
    plain = bool(_LOCAL.fullmatch(address)) and ".." not in address and "//" not in address
    parts = urlsplit(address) if plain else None
    return parts is not None and not parts.scheme and not parts.netloc


def _wait(tried: Tries, seen: Staff | None, error: TooMany, email: str) -> Response:
    wait = gettext("Too many tries. Try again in %(s)s seconds.", s=error.retry_after)
    with unit() as session:
        tried.note(session, seen, now())
        response = make_response(_form(session, problem=wait, email=email, locked=True), 429)
    response.headers["Retry-After"] = str(error.retry_after)
    return response


def _form(
    session: Session, *, problem: str = "", note: str = "", email: str = "", locked: bool = False
) -> str:
    wanted = request.values.get("next", "")
    return render_template(
        "console/sign_in.html",
        problem=problem,
        note=note,
        email=email,
        locked=locked,
        next=wanted if is_local(wanted) else "",
        passkeys=site(ctx().base_url, ctx().policy.organisation),
        demo=demo_sign_ins.sign_ins(session, now()) if demo_sign_ins.is_on() else None,
    )

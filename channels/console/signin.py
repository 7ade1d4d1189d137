"""Signing in and out."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import Response, make_response, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlmodel import Session
from werkzeug.exceptions import NotFound as NoPage

from channels.console import demo
from channels.console.desk import TOKEN, home_of, pages
from channels.context import ctx, now, unit
from channels.limiting import TooMany
from people import signin, staff
from people.errors import InvalidInput, SignInFailed
from people.models import Role

_LOCAL = re.compile(r"/staff/[\w\-./?=&%:+]*", re.ASCII)


@pages.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    """The form; somebody signed in already goes on."""
    with unit() as session:
        token, moment = cookie.get(TOKEN), now()
        if isinstance(token, str) and (who := signin.signed_in(session, token, moment)):
            return _onward(who.role)
        out = gettext("You are signed out. Sign in to go on.") if "out" in request.args else ""
        return _form(session, note=out)


@pages.post("/sign-in")
def let_in() -> ResponseReturnValue:
    """Password and second factor together. One answer for whatever was wrong."""
    email, moment = request.form.get("email", "")[:250], now()
    try:
        _count(email)
    except TooMany as error:
        wait = gettext("Too many tries. Try again in %(s)s seconds.", s=error.retry_after)
        with unit() as session:
            response = make_response(_form(session, problem=wait, email=email), 429)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    password, code = request.form.get("password", ""), request.form.get("code", "")[:40]
    with unit() as session:
        try:
            member = signin.check_credentials(session, email, password[:500], code, moment)
        except SignInFailed:  # caught in here, so that what the try has spent is committed
            wrong = gettext("These do not fit together. Check all three, and try again.")
            return _form(session, problem=wrong, email=email), 403
        _forget(session)
        cookie[TOKEN] = signin.open_session(session, member, moment)
        return _onward(Role(member.role))


@pages.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session, here and in the store."""
    with unit() as session:
        _forget(session)
        return redirect(url_for("console.sign_in"), code=303)


@pages.get("/sign-in/demo")
def demo_codes() -> ResponseReturnValue:
    """The demo's second-factor codes alone, for the page to keep itself fresh."""
    if not demo.is_on():
        raise NoPage
    with unit(read_only=True) as session:
        return render_template("console/_demo_codes.html", demo=demo.sign_ins(session, now()))


def _forget(session: Session) -> None:
    """Drop whatever this browser was signed in as: no session outlives a sign-in or sign-out."""
    token = cookie.get(TOKEN)
    if isinstance(token, str):
        signin.close_session(session, token, now())
    cookie.clear()


def _count(email: str) -> None:
    """Count a try at the address it comes from and at the account it is for."""
    here = ctx()
    here.limiter.hit("sign_in_address", request.remote_addr or "unknown")
    try:
        account = staff.normal_email(email)
    except InvalidInput:
        return
    here.limiter.hit("sign_in_account", here.ring.blind_index("email", account).hex())


def _onward(role: Role) -> Response:
    """To the page that was asked for, if it is one of ours, else to the role's own."""
    wanted = request.values.get("next", "")
    if is_local(wanted):
        return make_response(redirect(wanted, code=303))
    return home_of(role)


def is_local(address: str) -> bool:
    """Whether an address leads to a page of the console and nowhere else."""
    plain = bool(_LOCAL.fullmatch(address)) and ".." not in address and "//" not in address
    parts = urlsplit(address) if plain else None
    return parts is not None and not parts.scheme and not parts.netloc


def _form(session: Session, *, problem: str = "", note: str = "", email: str = "") -> str:
    wanted = request.values.get("next", "")
    return render_template(
        "console/sign_in.html",
        problem=problem,
        note=note,
        email=email,
        next=wanted if is_local(wanted) else "",
        demo=demo.sign_ins(session, now()) if demo.is_on() else None,
    )

"""A customer proves their number, comes to their own page, and leaves it."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels import check_service, display_text, failed_attempts
from channels.app_context import ctx, now, unit
from channels.client_network import request_network
from channels.locale_selection import select
from channels.web.portal.auth import TOKEN, Owner, here, own_page, pages
from incidents.reports import submission
from people.customers import customer_sessions
from people.errors import InvalidInput
from scheduling.booking import customer_callbacks
from verification import number_proof

MEDIA = ("text", "voice")


@pages.get("")
def enter() -> ResponseReturnValue:
    """The own page, or the question for the number that leads there."""
    moment = now()
    with unit() as session:
        owner = here(session, moment)
        if owner is None:
            return _ask_number({}, "", ended="out" in request.args)
        return render_template(
            "own/overview.html",
            calls=[
                display_text.call(each, select())
                for each in customer_callbacks.booked(session, owner.customer.id, moment)
            ],
            most=customer_callbacks.MOST_BOOKED,
            clock=owner.clock,
            done=request.args.get("done", ""),
        )


@pages.post("/number")
def send_number() -> ResponseReturnValue:
    """Send a page number; says the same whether or not we know the phone."""
    ctx().limiter.hit("proof_address", request_network())
    typed = request.form.get("phone", "")
    medium = request.form.get("medium", "text")
    try:
        phone = check_service.read_number(typed)
    except InvalidInput:
        advice = gettext("Type your own whole phone number.")
        return _ask_number({"phone": advice}, typed[:40]), 422
    with unit() as session:
        number_proof.send(
            session, phone, medium if medium in MEDIA else "text", ctx().policy, now()
        )
    return _ask_proof({}, phone)


@pages.post("/prove")
def prove() -> ResponseReturnValue:
    """Try the page number: each try counts, and every wrong answer is the same."""
    ctx().limiter.hit("proof_address", request_network())
    try:
        phone = check_service.read_number(request.form.get("phone", ""))
    except InvalidInput:
        return redirect(url_for("own.enter"), code=303)
    moment = now()
    with unit() as session:
        found = number_proof.prove(
            session, phone, request.form.get("number", "")[:64], moment, _first
        )
        token = customer_sessions.begin(session, found, moment) if found else None
        if found:
            submission.prove(session, phone, moment)
    if token is None:
        return _ask_proof({"number": _wrong()}, phone), 422
    cookie[TOKEN] = token
    return redirect(url_for("own.enter"), code=303)


def _first() -> bool:
    return failed_attempts.first_of_the_hour("page number")


def _wrong() -> str:
    return gettext(
        "This number does not open your page. Look at our newest message again, or ask for a new"
        " number."
    )


@pages.post("/leave")
@own_page
def leave(owner: Owner) -> ResponseReturnValue:
    """End this browser's visit, or with ``everywhere`` those of all browsers."""
    if "everywhere" in request.form:
        customer_sessions.end_all(owner.session, owner.customer.id, owner.moment)
    else:
        customer_sessions.end(owner.session, str(cookie[TOKEN]), owner.moment)
    cookie.pop(TOKEN, None)
    return redirect(url_for("own.enter"), code=303)


def _ask_number(errors: dict[str, str], phone: str, *, ended: bool = False) -> str:
    return render_template("own/number.html", errors=errors, phone=phone, ended=ended)


def _ask_proof(errors: dict[str, str], phone: str) -> str:
    return render_template("own/prove.html", errors=errors, phone=phone, digits=number_proof.DIGITS)

"""A customer's phone in the browser: texts both ways."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from channels import check_service
from channels.app_context import ctx, now, unit
from channels.simulator import incoming_call, ivr_call
from channels.simulator.seed_data import CUSTOMERS
from channels.texts.handler import Text, receive
from messaging.providers.simulator import phone_modes, sms
from messaging.providers.simulator.phone_modes import Mode
from people.errors import InvalidInput
from storage.column_types import new_id

pages = Blueprint("demo", __name__, url_prefix="/demo")
_LONGEST = 1600


@pages.get("/phone")
def phone() -> str:
    """The phone of one number, with its texts; ``?phone=`` chooses whose."""
    number = _number(request.args.get("phone", ""))
    with unit() as session:
        texts = sms.texts(session, now(), number)
        return render_template(
            "demo/phone.html",
            number=number,
            texts=texts,
            incoming=incoming_call.of(session, number, now()),
            line=phone_modes.of(session, number),
            modes=_modes(),
            numbers=sorted({number, *(each.phone for each in CUSTOMERS)}),
            names={each.phone: each.name for each in CUSTOMERS},
        )


@pages.get("/phone/texts")
def texts() -> str:
    """The texts alone, for the page to keep itself fresh."""
    number = _number(request.args.get("phone", ""))
    with unit(read_only=True) as session:
        return render_template("demo/texts.html", texts=sms.texts(session, now(), number))


@pages.get("/phone/call")
def call() -> str:
    """The incoming call alone, for the page to keep itself fresh."""
    number = _number(request.args.get("phone", ""))
    with unit(read_only=True) as session:
        found = incoming_call.of(session, number, now())
        return render_template("demo/call.html", incoming=found, number=number)


@pages.post("/phone/call")
def act() -> AnyResponse:
    """Answer, decline, let it ring out, let the machine answer, or hang up."""
    number = _number(request.form.get("phone", ""))
    with unit() as session:
        incoming_call.act(session, number, request.form.get("act", ""), ctx().policy, now())
    return redirect(url_for("demo.phone", phone=number), code=303)


@pages.post("/phone/line")
def line() -> AnyResponse:
    """Choose how texts arrive on this phone."""
    number, mode = _number(request.form.get("phone", "")), request.form.get("mode", "")
    seconds = request.form.get("seconds", "")
    if mode in set(Mode):
        late = int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 6 else 0
        with unit() as session:
            phone_modes.choose(session, number, Mode(mode), late, now())
    return redirect(url_for("demo.phone", phone=number), code=303)


@pages.route("/keypad", methods=["GET", "POST"])
def keypad() -> str:
    """Ring the official line from this phone, and press keys."""
    number = _number(request.values.get("phone", ""))
    said = ivr_call.take(number, request.form)
    return render_template("demo/keypad.html", number=number, **said)


@pages.post("/phone")
def send() -> AnyResponse:
    """Send a text from this phone to us, and keep our answer on it."""
    number = _number(request.form.get("phone", ""))
    body = request.form.get("body", "").strip()[:_LONGEST]
    if body:
        text_from_phone(number, body)
    return redirect(url_for("demo.phone", phone=number), code=303)


def text_from_phone(number: str, body: str) -> str | None:
    """A text from a simulated phone, handled as one that came by a provider."""
    moment = now()
    with unit() as session:
        sms.keep(session, number, body, moment, outgoing=True)
        answer = receive(
            session, Text(f"demo-{new_id()}", number, body), ctx().policy, ctx().rules, moment
        )
        if answer is not None:
            sms.keep(session, number, answer, moment, outgoing=False)
    return answer


@pages.get("/messages")
def messages() -> Response:
    """All simulated texts as JSON, oldest first; ``?phone=`` of one number only."""
    wanted = request.args.get("phone")
    number = check_service.read_number(wanted) if wanted else None
    with unit(read_only=True) as session:
        return jsonify(messages=sms.texts(session, now(), number))


def _modes() -> dict[str, str]:
    return {
        Mode.AT_ONCE: gettext("at once"),
        Mode.LATE: gettext("late"),
        Mode.LANDLINE: gettext("never: a landline"),
        Mode.OFF: gettext("never: switched off"),
        Mode.OPTED_OUT: gettext("never: opted out"),
        Mode.DOWN: gettext("not while the provider is down"),
        Mode.UNSURE: gettext("at once, but the provider's answer is lost"),
    }


def _number(text: str) -> str:
    try:
        return check_service.read_number(text)
    except InvalidInput:
        return CUSTOMERS[0].phone

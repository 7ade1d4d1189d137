"""A customer's phone in the browser: texts both ways."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from channels import checks
from channels.context import ctx, now, unit
from channels.demo.people import CUSTOMERS
from channels.texts.inbound import Text, receive
from messaging.gateways import simulator
from people.errors import InvalidInput
from storage.types import new_id

pages = Blueprint("demo", __name__, url_prefix="/demo")
_LONGEST = 1600


@pages.get("/phone")
def phone() -> str:
    """The phone of one number, with its texts; ``?phone=`` chooses whose."""
    number = _number(request.args.get("phone", ""))
    with unit() as session:
        texts = simulator.texts(session, number)
        return render_template(
            "demo/phone.html",
            number=number,
            texts=texts,
            numbers=sorted({number, *(each.phone for each in CUSTOMERS)}),
            names={each.phone: each.name for each in CUSTOMERS},
        )


@pages.get("/phone/texts")
def texts() -> str:
    """The texts alone, for the page to keep itself fresh."""
    number = _number(request.args.get("phone", ""))
    with unit(read_only=True) as session:
        return render_template("demo/texts.html", texts=simulator.texts(session, number))


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
        simulator.keep(session, number, body, moment, outgoing=True)
        answer = receive(
            session, Text(f"demo-{new_id()}", number, body), ctx().policy, ctx().rules, moment
        )
        if answer is not None:
            simulator.keep(session, number, answer, moment, outgoing=False)
    return answer


@pages.get("/messages")
def messages() -> Response:
    """All simulated texts as JSON, oldest first; ``?phone=`` of one number only."""
    wanted = request.args.get("phone")
    number = checks.read_number(wanted) if wanted else None
    with unit(read_only=True) as session:
        return jsonify(messages=simulator.texts(session, number))


def _number(text: str) -> str:
    try:
        return checks.read_number(text)
    except InvalidInput:
        return CUSTOMERS[0].phone

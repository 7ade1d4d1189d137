"""Twilio's webhook for texts."""

from __future__ import annotations

from contextlib import suppress

import structlog
from flask import Blueprint, Response, request
from sqlmodel import Session
from twilio.twiml.messaging_response import MessagingResponse

from channels import error_handlers
from channels.app_context import ctx, now, unit
from channels.texts.command_parser import read
from channels.texts.handler import Text, receive
from channels.twilio.canary_guard import to_canary
from channels.twilio.signature import require_signature, sid
from incidents.canaries.detections import What
from messaging import delivery_reports, line_types, opt_outs, text_templates
from messaging.providers.twilio.sms import PERMANENT
from people import phone_numbers
from people.errors import InvalidInput

pages = Blueprint("twilio", __name__, url_prefix="/twilio")
pages.before_request(require_signature)
log = structlog.get_logger("texts")

#: What the provider has taken a text for, where its advanced opt-out is on.
_OPTING = {"STOP": "out", "START": "in"}


@pages.post("/sms")
def sms() -> Response:
    """Answer a customer's text in TwiML. A replay is answered with nothing and does nothing."""
    form = request.form
    provider_id, body = sid("MessageSid", "SM|MM"), form.get("Body", "")
    try:
        sender = phone_numbers.parse(form.get("From", ""), ctx().policy.default_region)
    except InvalidInput:
        return _twiml(None)  # a short code or a name: nobody we could answer
    kind = form.get("OptOutType", "").upper()
    if not provider_id or kind == "HELP":
        return _twiml(None)  # the provider has answered for us
    text = Text(provider_id, sender, body, _OPTING.get(kind, ""))
    if to_canary(What.TEXT, provider_id):
        return _twiml(None)
    try:
        with unit() as session:
            answer = receive(session, text, ctx().policy, ctx().rules, now())
    except Exception as error:  # whatever it is, the customer needs advice, not silence
        error_handlers.note("cannot answer", error)
        return _twiml(_cannot(body))
    return _twiml(answer)


@pages.post("/status/message")
def status() -> Response:
    """What became of a text, in any order and any number of times."""
    form = request.form
    provider_id, told = sid("MessageSid", "SM|MM"), form.get("MessageStatus", "")
    code = form.get("ErrorCode", "")
    error = int(code) if code.isascii() and code.isdecimal() and len(code) < 7 else None
    if provider_id:
        with unit() as session:
            if delivery_reports.note(session, provider_id, told, error, now()):
                log.info("text reported", status=told, error=error)
                _learn(session, form.get("To", ""), error)
    return Response("", mimetype="text/plain")


def _learn(session: Session, recipient: str, error: int | None) -> None:
    """What a report says of the number holds for the next text too."""
    meaning = PERMANENT.get(error or 0)
    if meaning not in ("opted_out", line_types.LANDLINE):
        return
    with suppress(InvalidInput):
        phone = phone_numbers.parse(recipient, "ZZ")
        if meaning == line_types.LANDLINE:
            line_types.note(session, phone, meaning, now())
        else:
            opt_outs.note_out(session, phone, now())


def _cannot(body: str) -> str | None:
    """What to answer when nothing can be looked up: a question about a call must have one."""
    policy = ctx().policy
    asked = read(body, policy.code_digits)
    return None if asked.word == "other" else text_templates.cannot_check(policy.voice())


def _twiml(answer: str | None) -> Response:
    response = MessagingResponse()
    if answer is not None:
        response.message(answer)
    return Response(str(response), mimetype="text/xml")

"""Twilio's webhook for texts."""

from __future__ import annotations

from flask import Blueprint, Response, request
from twilio.twiml.messaging_response import MessagingResponse

from channels import failures
from channels.context import ctx, now, unit
from channels.signed import require_signature, sid
from channels.texts.inbound import Text, receive
from channels.texts.reading import read
from messaging import wording
from people import phones
from people.errors import InvalidInput

pages = Blueprint("twilio", __name__, url_prefix="/twilio")
pages.before_request(require_signature)


#: What Twilio takes for an opt-out; it names that in a field of its own only where a messaging
#: service is set up for it. After one of these nothing of ours may go out, an answer neither.
_OPT_OUT = {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"}


@pages.post("/sms")
def sms() -> Response:
    """Answer a customer's text in TwiML. A replay is answered with nothing and does nothing."""
    form = request.form
    provider_id, body = sid("MessageSid", "SM|MM"), form.get("Body", "")
    try:
        sender = phones.parse(form.get("From", ""), ctx().policy.default_region)
    except InvalidInput:
        return _twiml(None)  # a short code or a name: nobody we could answer
    if not provider_id or form.get("OptOutType") or _opts_out(body):
        return _twiml(None)  # STOP, START and HELP are answered by Twilio itself
    try:
        with unit() as session:
            answer = receive(session, Text(provider_id, sender, body), ctx().policy, now())
    except Exception as error:  # whatever it is, the customer needs advice, not silence
        failures.note("cannot answer", error)
        return _twiml(_cannot(body))
    return _twiml(answer)


def _opts_out(body: str) -> bool:
    return "".join(c for c in body[:100].lower() if c.isalpha()) in _OPT_OUT


def _cannot(body: str) -> str | None:
    """What to answer when nothing can be looked up: a question about a call must have one."""
    policy = ctx().policy
    asked = read(body, policy.code_digits)
    return None if asked.word == "other" else wording.cannot_check(policy.voice())


def _twiml(answer: str | None) -> Response:
    response = MessagingResponse()
    if answer is not None:
        response.message(answer)
    return Response(str(response), mimetype="text/xml")

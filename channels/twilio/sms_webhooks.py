"""Twilio's webhooks for texts and their delivery reports."""

from __future__ import annotations

from flask import Blueprint, Response, request
from twilio.twiml.messaging_response import MessagingResponse

from channels.app_context import current_context
from channels.texts.canary_guard import report_canary_contact
from channels.texts.text_job import ReceivedText
from channels.texts.webhook_handling import answer_received_text, record_report
from channels.twilio.signature import read_provider_id, require_signature
from incidents.canaries.detections import DetectionKind
from messaging.providers.twilio.client import PERMANENT_ERRORS
from people import phone_numbers
from people.errors import InvalidInput

bp = Blueprint("twilio", __name__, url_prefix="/twilio")
bp.before_request(require_signature)

#: The provider's advanced opt-out types.
_OPTING_BY_TYPE = {"STOP": "out", "START": "in"}


@bp.post("/sms")
def receive_sms() -> Response:
    """Answer a customer's text in TwiML. A replay gets an empty answer and changes nothing."""
    form = request.form
    provider_id, body = read_provider_id("MessageSid", "SM|MM"), form.get("Body", "")
    try:
        sender = phone_numbers.parse_phone(
            form.get("From", ""), current_context().policy.default_region
        )
    except InvalidInput:
        return _message_twiml(None)  # a short code or a name, which cannot be answered
    kind = form.get("OptOutType", "").upper()
    if not provider_id or kind == "HELP":
        return _message_twiml(None)  # the provider has answered for us
    text = ReceivedText(provider_id, sender, body, _OPTING_BY_TYPE.get(kind, ""))
    if report_canary_contact(form.get("To", ""), DetectionKind.TEXT, provider_id):
        return _message_twiml(None)
    return _message_twiml(answer_received_text(text))


@bp.post("/status/message")
def receive_message_status() -> Response:
    """Record a delivery report. Reports can come in any order and repeatedly."""
    form = request.form
    provider_id, status = read_provider_id("MessageSid", "SM|MM"), form.get("MessageStatus", "")
    code = form.get("ErrorCode", "")
    error = int(code) if code.isascii() and code.isdecimal() and len(code) < 7 else None
    if provider_id:
        reason = PERMANENT_ERRORS.get(error or 0, "")
        record_report(provider_id, status, error, reason, form.get("To", ""))
    return Response("", mimetype="text/plain")


def _message_twiml(answer: str | None) -> Response:
    response = MessagingResponse()
    if answer is not None:
        response.message(answer)
    return Response(str(response), mimetype="text/xml")

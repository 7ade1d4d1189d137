"""Twilio's webhooks for texts and their delivery reports."""

from __future__ import annotations

from contextlib import suppress

import structlog
from flask import Blueprint, Response, request
from sqlmodel import Session
from twilio.twiml.messaging_response import MessagingResponse

from channels import error_handlers
from channels.app_context import current_context, current_time, unit_of_work
from channels.texts.command_parser import parse_text_command
from channels.texts.handler import ReceivedText, handle_text
from channels.twilio.canary_guard import report_canary_contact
from channels.twilio.signature import read_provider_id, require_signature
from incidents.canaries.detections import DetectionKind
from messaging import delivery_reports, line_types, opt_outs, text_templates
from messaging.providers.twilio.sms import PERMANENT_ERRORS
from people import phone_numbers
from people.errors import InvalidInput

bp = Blueprint("twilio", __name__, url_prefix="/twilio")
bp.before_request(require_signature)
log = structlog.get_logger("texts")

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
    if report_canary_contact(DetectionKind.TEXT, provider_id):
        return _message_twiml(None)
    try:
        with unit_of_work() as session:
            answer = handle_text(
                session, text, current_context().policy, current_context().rules, current_time()
            )
    except Exception as error:  # after any error the customer needs advice, not silence
        error_handlers.log_failure("cannot answer", error)
        return _message_twiml(_cannot_check_answer(body))
    return _message_twiml(answer)


@bp.post("/status/message")
def receive_message_status() -> Response:
    """Record a delivery report. Reports can come in any order and repeatedly."""
    form = request.form
    provider_id, status = read_provider_id("MessageSid", "SM|MM"), form.get("MessageStatus", "")
    code = form.get("ErrorCode", "")
    error = int(code) if code.isascii() and code.isdecimal() and len(code) < 7 else None
    if provider_id:
        with unit_of_work() as session:
            if delivery_reports.record_delivery_report(
                session, provider_id, status, error, current_time()
            ):
                log.info("text reported", status=status, error=error)
                _record_recipient_report(session, form.get("To", ""), error)
    return Response("", mimetype="text/plain")


def _record_recipient_report(session: Session, recipient: str, error: int | None) -> None:
    """Record what a report says about the number itself, for later texts."""
    meaning = PERMANENT_ERRORS.get(error or 0)
    if meaning not in ("opted_out", line_types.LANDLINE):
        return
    with suppress(InvalidInput):
        phone = phone_numbers.parse_phone(recipient, "ZZ")
        if meaning == line_types.LANDLINE:
            line_types.record_line_type(session, phone, meaning, current_time())
        else:
            opt_outs.record_opt_out(session, phone, current_time())


def _cannot_check_answer(body: str) -> str | None:
    """Return the answer if nothing can be looked up; a question about a call must get one."""
    policy = current_context().policy
    asked = parse_text_command(body, policy.code_digits)
    return (
        None
        if asked.word == "other"
        else text_templates.text_cannot_check(policy.message_context_for())
    )


def _message_twiml(answer: str | None) -> Response:
    response = MessagingResponse()
    if answer is not None:
        response.message(answer)
    return Response(str(response), mimetype="text/xml")

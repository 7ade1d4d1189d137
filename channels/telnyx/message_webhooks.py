"""Telnyx's webhook for texts and their delivery reports.

Telnyx takes no answer in its response, so a text is answered through its API, after the commit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from threading import BoundedSemaphore
from typing import Any
from uuid import UUID, uuid5

import structlog
from flask import Blueprint, Response, request

from channels.app_context import current_context, current_time
from channels.telnyx.signature import require_signature
from channels.texts.canary_guard import report_canary_contact
from channels.texts.text_job import ReceivedText
from channels.texts.webhook_handling import answer_received_text, record_report
from incidents.canaries.detections import DetectionKind
from messaging.providers.base import OutboundMessage, OutcomeUnknown, Rejected, Unavailable
from messaging.providers.telnyx.errors import read_error, reason_for
from messaging.providers.telnyx.sms import TelnyxSmsProvider
from people import phone_numbers
from people.errors import InvalidInput

bp = Blueprint("telnyx", __name__, url_prefix="/telnyx")
bp.before_request(require_signature)
log = structlog.get_logger("texts")

#: Telnyx waits two seconds for us, then delivers the event again, which changes nothing.
ANSWER_SECONDS, ANSWER_TRIES = 4.0, 2
#: Answers that are sent at a time, and how long others wait: while Telnyx hangs, threads are left
#: for the pages where customers check calls.
ANSWERS_AT_A_TIME, WAIT_SECONDS = 4, 2.0
_sending = BoundedSemaphore(ANSWERS_AT_A_TIME)
ANSWER_VALID = timedelta(minutes=10)
_ANSWER_IDS = UUID("6f1d1f0e-6a57-4a35-9b0e-6f7e4d0b8a11")
_OPTING_BY_TYPE = {"STOP": "out", "START": "in"}
#: Telnyx's statuses of a text as ours; an unconfirmed delivery tells no more than that it was sent.
STATUSES = {
    "queued": "queued",
    "sending": "sending",
    "sent": "sent",
    "delivery_unconfirmed": "sent",
    "cancelled": "canceled",
    "sending_failed": "failed",
    "expired": "undelivered",
    "delivery_failed": "undelivered",
    "delivered": "delivered",
    "read": "read",
}


@bp.post("/messages")
def receive_message_event() -> Response:
    """Handle an event about a text, from a customer or of ours; ignore others."""
    event = _mapping(_mapping(_read_json()).get("data"))
    payload = _mapping(event.get("payload"))
    provider_id = _parse_id(payload.get("id"))
    if provider_id and event.get("event_type") == "message.received":
        return _receive_text(provider_id, payload)
    if provider_id and event.get("event_type") in ("message.sent", "message.finalized"):
        _receive_report(provider_id, payload)
    return _done()


def _receive_text(provider_id: str, payload: Mapping[str, Any]) -> Response:
    provider = _answering_provider()
    if provider is None:
        log.error("text not handled: VOUCHLINE_SMS does not name the provider it came by")
        return Response("", 503, mimetype="text/plain")
    called = _first_number(payload.get("to"))
    try:
        sender = phone_numbers.parse_phone(_first_number(payload.get("from")), "ZZ")
    except InvalidInput:
        return _done()  # a short code or a name, which cannot be answered
    kind = str(payload.get("autoresponse_type") or "").upper()
    if payload.get("type") not in ("SMS", "MMS") or kind == "HELP":
        return _done()  # another channel; or the provider has answered for us
    text = ReceivedText(
        provider_id, sender, _string(payload.get("text")), _OPTING_BY_TYPE.get(kind, "")
    )
    if report_canary_contact(called, DetectionKind.TEXT, provider_id):
        return _done()
    answer = answer_received_text(text)
    if answer is not None:
        now = current_time()
        reference = uuid5(_ANSWER_IDS, provider_id)
        letter = OutboundMessage(reference, sender, answer, now, now + ANSWER_VALID)
        _send_answer(provider, letter, called)
    return _done()


def _send_answer(provider: TelnyxSmsProvider, letter: OutboundMessage, sender: str) -> None:
    """Send an answer from the number that was texted; log the reason if it cannot be sent."""
    if not _sending.acquire(timeout=WAIT_SECONDS):
        log.error("answer not sent", reason="too many at a time")
        return
    try:
        failure = _try_to_answer(provider, letter, sender)
    finally:
        _sending.release()
    if failure:
        log.error("answer not sent", reason=failure)


def _try_to_answer(provider: TelnyxSmsProvider, letter: OutboundMessage, sender: str) -> str:
    """Return why an answer could not be sent. A second try cannot make a second text."""
    failure = ""
    for _ in range(ANSWER_TRIES):
        try:
            provider.send_answer(letter, sender, ANSWER_SECONDS)
        except (OutcomeUnknown, Unavailable) as error:
            failure = type(error).__name__
        except Rejected as error:
            return error.code
        else:
            return ""
    return failure


def _receive_report(provider_id: str, payload: Mapping[str, Any]) -> None:
    recipients = payload.get("to")
    first = _mapping(recipients[0]) if isinstance(recipients, list) and recipients else {}
    status = STATUSES.get(_string(first.get("status")))
    if status is None:
        return
    error, words = read_error(payload)
    reason = reason_for(error, words)
    record_report(provider_id, status, error, reason, _string(first.get("phone_number")))


def _answering_provider() -> TelnyxSmsProvider | None:
    providers = current_context().gateways
    return next((found for found in providers if isinstance(found, TelnyxSmsProvider)), None)


def _read_json() -> object:
    try:
        return json.loads(request.get_data())
    except (ValueError, RecursionError):
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _string(value: object) -> str:
    """Return a text without surrogates, which cannot be stored; empty for anything else."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _first_number(value: object) -> str:
    """Return the number in an address, or of the first address in a list."""
    first = value[0] if isinstance(value, list) and value else value
    return _string(_mapping(first).get("phone_number"))


def _parse_id(value: object) -> str:
    """Return Telnyx's id of a text, which is a UUID; empty for anything else."""
    try:
        return str(UUID(value)) if isinstance(value, str) and len(value) == 36 else ""
    except ValueError:
        return ""


def _done() -> Response:
    return Response("", mimetype="text/plain")

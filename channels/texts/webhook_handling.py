"""What the webhooks of every provider do with a text and with a delivery report."""

from __future__ import annotations

from contextlib import suppress

import structlog
from sqlmodel import Session

from channels import error_handlers
from channels.app_context import current_context, current_time, unit_of_work
from channels.texts.command_parser import parse_text_command
from channels.texts.handler import handle_text
from channels.texts.text_job import ReceivedText
from messaging import delivery_reports, line_types, opt_outs, verdict_texts
from people import phone_numbers
from people.errors import InvalidInput

log = structlog.get_logger("texts")


def answer_received_text(text: ReceivedText) -> str | None:
    """Handle a text and return the answer to send, if any; after an error, that we cannot check."""
    here = current_context()
    try:
        with unit_of_work() as session:
            return handle_text(session, text, here.policy, here.rules, current_time())
    except Exception as error:  # after any error the customer needs advice, not silence
        error_handlers.log_failure("cannot answer", error)
        return _cannot_check_answer(text.body)


def _cannot_check_answer(body: str) -> str | None:
    """Return the answer if nothing can be looked up; a question about a call must get one."""
    policy = current_context().policy
    asked = parse_text_command(body, policy.code_digits)
    return (
        None
        if asked.word == "other"
        else verdict_texts.text_cannot_check(policy.message_context_for())
    )


def record_report(
    provider_id: str, status: str, error: int | None, reason: str, recipient: str
) -> None:
    """Record a delivery report, and what it says about the number itself, for later texts.

    ``status`` is one of :data:`messaging.delivery_reports.STATUS_ORDER`; ``reason`` is our own for
    the provider's ``error``. Reports can come in any order and repeatedly.
    """
    with unit_of_work() as session:
        if delivery_reports.record_delivery_report(
            session, provider_id, status, error, current_time()
        ):
            log.info("text reported", status=status, error=error)
            _record_recipient_report(session, recipient, reason)


def _record_recipient_report(session: Session, recipient: str, reason: str) -> None:
    if reason not in ("opted_out", line_types.LANDLINE):
        return
    with suppress(InvalidInput):
        phone = phone_numbers.parse_phone(recipient, "ZZ")
        if reason == line_types.LANDLINE:
            line_types.record_line_type(session, phone, reason, current_time())
        else:
            opt_outs.record_opt_out(session, phone, current_time())

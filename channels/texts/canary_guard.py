"""Detects calls and texts to a canary's number, which can be set up at the provider like our
own."""

from __future__ import annotations

from channels import error_handlers
from channels.app_context import current_context, current_time, unit_of_work
from incidents.canaries.detections import DetectionKind, detect_canary_contact
from people import phone_numbers
from people.errors import InvalidInput


def report_canary_contact(number: str, what: DetectionKind, provider_id: str) -> bool:
    """Tell whether a call or text to ``number`` went to a canary. If so, open a case; do not
    answer."""
    try:
        called = phone_numbers.parse_phone(number, "ZZ")
    except InvalidInput:
        return False
    if called == current_context().policy.official_phone:
        return False
    try:
        with unit_of_work() as session:
            return detect_canary_contact(
                session, called, what, f"{what}:{provider_id}", current_time()
            )
    except Exception as error:  # the caller needs advice even if this fails
        error_handlers.log_failure("cannot tell of a canary", error)
        return False

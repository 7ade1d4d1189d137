"""Cleans the text of calls for customers: removes words typed by staff or strangers that contain a
link or a number (rule M)."""

from __future__ import annotations

from dataclasses import replace

from channels.app_context import current_context
from scheduling.booking.customer_callbacks import CustomerCallback
from verification.verdicts import Genuine


def sanitise_verdict(found: Genuine, locale: str = "") -> Genuine:
    """Clean a verdict for display in ``locale``, by default the first language of the settings."""
    voice = current_context().policy.message_context_for(locale)
    return replace(
        found, caller=voice.safe_staff_name(found.caller), topic=voice.safe_topic(found.topic)
    )


def sanitise_callback(found: CustomerCallback, locale: str) -> CustomerCallback:
    """Clean a callback for display in ``locale``."""
    voice = current_context().policy.message_context_for(locale)
    return replace(
        found, agent=voice.safe_staff_name(found.agent), topic=voice.safe_topic(found.topic)
    )

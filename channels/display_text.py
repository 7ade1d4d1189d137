"""What customers read of a call on pages and in answers: words that staff or strangers typed are
left out where they hold a link or a number (rule M)."""

from __future__ import annotations

from dataclasses import replace

from channels.app_context import current_context
from scheduling.booking.customer_callbacks import CustomerCallback
from verification.verdicts import Genuine


def sanitise_verdict(found: Genuine, locale: str = "") -> Genuine:
    """A verdict to be shown in this language, the first of ours unless given."""
    voice = current_context().policy.message_context_for(locale)
    return replace(
        found, caller=voice.safe_staff_name(found.caller), topic=voice.safe_topic(found.topic)
    )


def sanitise_callback(found: CustomerCallback, locale: str) -> CustomerCallback:
    """A call to be shown in this language."""
    voice = current_context().policy.message_context_for(locale)
    return replace(
        found, agent=voice.safe_staff_name(found.agent), topic=voice.safe_topic(found.topic)
    )

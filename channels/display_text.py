"""What customers read of a call on pages and in answers: words that staff or strangers typed are
left out where they hold a link or a number (rule M)."""

from __future__ import annotations

from dataclasses import replace

from channels.app_context import ctx
from scheduling.booking.customer_callbacks import OwnCall
from verification.verdicts import Genuine


def verdict(found: Genuine, locale: str = "") -> Genuine:
    """A verdict to be shown in this language, the first of ours unless given."""
    voice = ctx().policy.voice(locale)
    return replace(found, caller=voice.person(found.caller), topic=voice.topic(found.topic))


def call(found: OwnCall, locale: str) -> OwnCall:
    """A call to be shown in this language."""
    voice = ctx().policy.voice(locale)
    return replace(found, agent=voice.person(found.agent), topic=voice.topic(found.topic))

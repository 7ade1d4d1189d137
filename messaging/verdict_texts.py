"""The wording of the texts that answer a check or *is this you?* (rules as in
:mod:`messaging.text_templates`)."""

from __future__ import annotations

from datetime import datetime

from messaging.i18n import format_time_of_day
from messaging.message_context import MessageContext


def text_genuine(
    voice: MessageContext, agent: str, topic: str, booked_for: datetime, reply_word: str
) -> str:
    """Confirm that the caller is ours."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "GENUINE. {agent} is calling you about {topic}, booked for {time}."
            " Tell them this word: {word}"
        ),
        agent=agent,
        topic=topic,
        time=format_time_of_day(booked_for, voice.zone, voice.locale),
        word=reply_word,
    )


def text_already_confirmed(voice: MessageContext, confirmed_at: datetime, channel: str) -> str:
    """Answer a repeated number, which the customer or somebody else has used before."""
    gettext = voice.gettext
    how = {
        "text": gettext("by text"),
        "web": gettext("on our web page"),
        "api": gettext("in our app"),
        "keypad": gettext("by phone"),
    }[channel]
    return voice.render_text(
        gettext(
            "This check number was used at {time} {how}. If that was not you, HANG UP"
            " and ring {phone} from another phone."
        ),
        time=format_time_of_day(confirmed_at, voice.zone, voice.locale),
        how=how,
        phone=voice.official_phone,
    )


def text_not_confirmed(voice: MessageContext) -> str:
    """Answer every check that is not confirmed (rule C5)."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "NOT CONFIRMED. Hang up now. Nobody has a reason why this check should not work."
            " Text SCAM to report it. Our number: {phone}"
        ),
        phone=voice.official_phone,
    )


def text_cannot_check(voice: MessageContext) -> str:
    """Answer while the service is out of order; the answer is still not *genuine* (rule F1)."""
    gettext = voice.gettext
    return voice.render_text(
        gettext("We cannot check just now. Hang up, and ring {phone} from another phone."),
        phone=voice.official_phone,
    )


def text_calling_you(voice: MessageContext, agent: str, since: datetime) -> str:
    """Answer CHECK during a call of ours."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "{agent} is calling you since {time}. Trust the caller only when the check number"
            " they tell you is confirmed: text it to us here."
        ),
        agent=agent,
        time=format_time_of_day(since, voice.zone, voice.locale),
    )


def text_ringing_you(voice: MessageContext) -> str:
    """Answer CHECK while the customer's own phone is ringing."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "We are ringing you now. Trust only a caller who tells you a check number that we"
            " confirm: text it to us here."
        )
    )


def text_not_calling_you(voice: MessageContext) -> str:
    """Answer CHECK in all other cases; the same for an unknown number."""
    gettext = voice.gettext
    return voice.render_text(
        gettext("We are NOT calling you now. Hang up. Text SCAM to report it. Our number: {phone}"),
        phone=voice.official_phone,
    )

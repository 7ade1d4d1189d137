"""The wording of the texts about callbacks and a customer's own settings. Those about checks are in
:mod:`messaging.verdict_texts`, those about reports and cases in :mod:`messaging.report_texts`.

Each text names us, fits one segment if possible, contains no link and no code, and never asks for a
code. Accents that would double its price are removed. The reply words for customers differ from the
words that carriers reserve (rule M3).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from messaging.i18n import format_day_and_time
from messaging.message_context import MessageContext


def text_booked(voice: MessageContext, agent: str, when: datetime, topic: str) -> str:
    """Announce a booking: agent, time, topic, how to check, how to refuse."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "{agent} will ring you {when} about {topic}. Text us the check number they say."
            " We never ask for one. Not wanted? Text REFUSE"
        ),
        agent=agent,
        when=format_day_and_time(when, voice.zone, voice.locale),
        topic=topic,
    )


def text_moved(voice: MessageContext, agent: str, when: datetime) -> str:
    """Announce a new time."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "New time: {agent} will ring you {when}. Text us the check number they say."
            " We never ask for one. Not wanted? Text REFUSE"
        ),
        agent=agent,
        when=format_day_and_time(when, voice.zone, voice.locale),
    )


def text_retry(voice: MessageContext, agent: str, when: datetime) -> str:
    """Announce the next attempt after a call that was not answered."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "We rang and did not reach you. {agent} will ring again {when}. Another time? Text"
            " MOVE. Not wanted? Text REFUSE"
        ),
        agent=agent,
        when=format_day_and_time(when, voice.zone, voice.locale),
    )


def text_new_agent(voice: MessageContext, agent: str, when: datetime) -> str:
    """Announce that another agent will call at the same time."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "{agent} will ring you {when}, nobody else. Text us the check number they say."
            " We never ask for one. Not wanted? Text REFUSE"
        ),
        agent=agent,
        when=format_day_and_time(when, voice.zone, voice.locale),
    )


def text_live_takeover(voice: MessageContext, agent: str) -> str:
    """Announce during a call that another agent takes over."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "{agent} takes over this call. Trust them only when the new check number they tell you"
            " is confirmed: text it to us here."
        ),
        agent=agent,
    )


def text_unchanged_local_time(voice: MessageContext, agent: str, when: datetime) -> str:
    """Announce that the local time of a call stays although the zone's rules changed."""
    gettext = voice.gettext
    return voice.render_text(
        gettext("Your clocks change on other days now. {agent} will still ring you {when}."),
        agent=agent,
        when=format_day_and_time(when, voice.zone, voice.locale),
    )


def text_reminder(voice: MessageContext, agent: str, when: datetime) -> str:
    """Remind of an upcoming call."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "{agent} rings you {when}. First they say a check number: text it to us."
            " Another time? Text MOVE"
        ),
        agent=agent,
        when=format_day_and_time(when, voice.zone, voice.locale),
    )


def text_missed(voice: MessageContext, when: datetime) -> str:
    """Admit that we did not make a call."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "Sorry, we did not ring you {when}. If somebody did, it was not us: text SCAM."
            " Our number: {phone}"
        ),
        when=format_day_and_time(when, voice.zone, voice.locale),
        phone=voice.official_phone,
    )


def text_cancelled(voice: MessageContext, when: datetime) -> str:
    """Announce that there will be no call."""
    gettext = voice.gettext
    return voice.render_text(
        gettext("We will NOT ring you {when}. If somebody does, hang up: it is not us."),
        when=format_day_and_time(when, voice.zone, voice.locale),
    )


def text_call_refused(voice: MessageContext) -> str:
    """Confirm that a callback the customer did not ask for is cancelled."""
    gettext = voice.gettext
    return voice.render_text(
        gettext("We will not ring you. If somebody does, hang up: it is not us. Thank you."),
    )


def text_nothing_to_refuse(voice: MessageContext) -> str:
    """Answer REFUSE without a booking, or from an unknown number."""
    gettext = voice.gettext
    return voice.render_text(
        gettext("We have no call booked with you. If somebody rings, hang up.")
    )


def text_move_requested(voice: MessageContext) -> str:
    """Confirm that the agent knows the customer wants another time."""
    gettext = voice.gettext
    return voice.render_text(
        gettext("We will find another time and text you. We will not ring before you have it.")
    )


def text_offered_times(voice: MessageContext, agent: str, times: Sequence[datetime]) -> str:
    """Offer other times for a call, accepted by their number."""
    gettext = voice.gettext
    offered = [
        gettext("{number} for {when}").format(
            number=number, when=format_day_and_time(slot, voice.zone, voice.locale)
        )
        for number, slot in enumerate(times, 1)
    ]
    return voice.render_text(
        gettext("When shall {agent} ring? Text {times}. None fits? Ring {phone}"),
        agent=agent,
        times=", ".join(offered),
        phone=voice.official_phone,
    )


def text_time_gone(voice: MessageContext, agent: str, times: Sequence[datetime]) -> str:
    """Announce that a slot is gone or too soon, with the slots that are free now."""
    gettext = voice.gettext
    if not times:
        return voice.render_text(
            gettext("That time is gone. Your call stays as it is. Other times: text MOVE")
        )
    return text_offered_times(voice, agent, times)


def text_earlier_slot(voice: MessageContext, agent: str, at: datetime, instead_of: datetime) -> str:
    """Offer an earlier slot that has become free."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "An earlier time is free: {agent} could ring {when}, not {later}. Text 1 to take it,"
            " or do nothing."
        ),
        agent=agent,
        when=format_day_and_time(at, voice.zone, voice.locale),
        later=format_day_and_time(instead_of, voice.zone, voice.locale),
    )


def text_page_number(voice: MessageContext, number: str) -> str:
    """Send the number that opens the customer's own page, with a warning about scammers."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "{number} opens your own page with us. Type it there yourself. Anyone who rings and"
            " asks for it is a SCAMMER. Not you? Text SCAM"
        ),
        number=number,
    )


def say_page_number(voice: MessageContext, number: str) -> str:
    """Say the number that opens the customer's own page, in a call: digit by digit, twice."""
    gettext = voice.gettext
    digits = ", ".join(number)
    return voice.render_text(
        gettext(
            "This is an automatic call. The number that opens your own page is: {digits}. Again:"
            " {digits}. Tell it to nobody who rings you. Anyone asking for it is a scammer."
        ),
        digits=digits,
    )


def text_number_changed(voice: MessageContext, ending: str, *, off: bool = False) -> str:
    """Tell the holder of the old number that it is no longer the customer's.

    ``off`` adds that a booked call is cancelled.
    """
    gettext = voice.gettext
    changed = gettext(
        "Your number with us was changed to one ending in {ending}. Was that not you? Ring"
        " {phone} now."
    )
    changed_and_off = gettext(
        "Your number with us was changed to one ending in {ending}, and your booked call is off."
        " Was that not you? Ring {phone} now."
    )
    return voice.render_text(
        changed_and_off if off else changed,
        ending=ending,
        phone=voice.official_phone,
    )


def text_help(voice: MessageContext) -> str:
    """Answer any other text with the possible commands; the same for an unknown number."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "Text the check number the caller told you, or: CHECK (are we calling you?),"
            " SCAM (report a call), MOVE (another time), REFUSE (no call)."
        )
    )


def text_phrase_saved(voice: MessageContext, phrase: str) -> str:
    """Confirm a new safe phrase; the same for an unknown number."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "From now on each of our texts to you shows: {phrase}. A text without it is a fake."
            " You did not ask for this? Text SCAM"
        ),
        phrase=phrase,
    )


def text_phrase_invalid(voice: MessageContext) -> str:
    """Explain which safe phrases are allowed."""
    gettext = voice.gettext
    return voice.render_text(
        gettext("Choose 2 to 20 letters and send: PHRASE and your words. Like: PHRASE blue teapot")
    )

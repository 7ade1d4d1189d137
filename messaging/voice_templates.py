"""The wording of the official line and of automatic calls: short sentences, the verdict first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from messaging.i18n import format_day_and_time
from messaging.message_context import MessageContext


def prompt_check_number(voice: MessageContext, digits: int) -> str:
    """Ask for the code."""
    gettext = voice.gettext
    return gettext(
        "This is {organisation}. Is somebody calling you and says it is us? Key in the check"
        " number they told you. It has {digits} digits. To report a call, press 9 and hash. To"
        " hear your booked calls, press 0 and hash. For another language, press star."
    ).format(organisation=voice.organisation, digits=digits)


def prompt_check_number_again(voice: MessageContext, digits: int) -> str:
    """Ask again, after silence or a number of the wrong length."""
    gettext = voice.gettext
    return gettext("Please key in the {digits} digits of the check number.").format(digits=digits)


def prompt_own_number(voice: MessageContext) -> str:
    """Ask a caller with a withheld number for it."""
    gettext = voice.gettext
    return gettext(
        "Your phone does not tell us its number. Key in your own phone number, with its area"
        " code. Then press hash."
    )


def say_genuine(voice: MessageContext, agent: str, topic: str, reply_word: str) -> str:
    """Confirm that the caller is ours."""
    gettext = voice.gettext
    return gettext(
        "Genuine. {agent} from {organisation} is calling you about {topic}. Tell them this word:"
        " {word}. Again, the word is: {word}."
    ).format(
        agent=voice.safe_staff_name(agent),
        organisation=voice.organisation,
        topic=voice.safe_topic(topic),
        word=reply_word,
    )


def say_already_confirmed(voice: MessageContext, at: str) -> str:
    """Answer a repeated code."""
    gettext = voice.gettext
    return gettext(
        "This check number was used before, at {time}. If that was not you, hang up on the caller."
    ).format(time=at)


def say_not_confirmed(voice: MessageContext) -> str:
    """Answer every check that is not confirmed (rule C5)."""
    gettext = voice.gettext
    return gettext(
        "Not confirmed. Hang up on the caller now. There is no reason why this check should not"
        " work for a real call."
    )


def say_cannot_check(voice: MessageContext) -> str:
    """Answer while the service is out of order."""
    gettext = voice.gettext
    return gettext("We cannot check just now. Do not trust the caller. Hang up, and ring us later.")


def prompt_after_verdict(voice: MessageContext) -> str:
    """Name the choices after the verdict."""
    gettext = voice.gettext
    return gettext("To hear this again, press 1. To report a call, press 2.")


def prompt_report_time(voice: MessageContext) -> str:
    """Confirm a report by phone, and ask when the call was."""
    gettext = voice.gettext
    return gettext(
        "Thank you. We have your report. Do not ring them back. When did they call you? Today,"
        " press 1. Yesterday, press 2. Earlier, press 3. If you do not know, press hash."
    )


def prompt_what_was_given(voice: MessageContext) -> str:
    """Ask a reporter whether they need help immediately."""
    gettext = voice.gettext
    return gettext(
        "Did you give them money, a password or a code, or let them into your computer? If yes,"
        " press 1. If no, press 2."
    )


def say_emergency_steps(voice: MessageContext) -> str:
    """Tell a reporter who gave something away what to do."""
    gettext = voice.gettext
    return gettext(
        "Do this now. Ring your bank, on the number on your bank card. If they were in your"
        " computer, switch it off. Then ring us again, or talk to somebody you trust. It happens"
        " to many, and it is not your fault."
    )


def say_report_reference(voice: MessageContext, text: str) -> str:
    """Spell the reference of a report twice, and say how to confirm it.

    A text from the reporter's phone makes the report more credible, because the caller's number can
    be forged.
    """
    gettext = voice.gettext
    return gettext(
        "The number of your report is: {signs}. Again: {signs}. We cannot see in a call that it is"
        " really from your phone. To show us, text SCAM to us from it."
    ).format(signs=", ".join(text))


def prompt_agent_confirmation(voice: MessageContext) -> str:
    """Ask the agent we called to press a key; without it, the call is not bridged."""
    gettext = voice.gettext
    return gettext("{organisation}: press 1 to ring your customer.").format(
        organisation=voice.organisation
    )


def say_goodbye(voice: MessageContext) -> str:
    """End a call to the line."""
    gettext = voice.gettext
    return gettext("If you are not sure, hang up on the caller. Goodbye.")


def prompt_language_choice(voice: MessageContext, key: int) -> str:
    """Return one line of the language menu, in that language."""
    gettext = voice.gettext
    return gettext("For English, press {key}.").format(key=key)


def prompt_accept_message(voice: MessageContext) -> str:
    """Begin an automatic call; an answering machine hears no more than this."""
    gettext = voice.gettext
    who = f"{voice.organisation}, {voice.known_by}" if voice.known_by else voice.organisation
    return gettext(
        "This is an automatic call from {organisation}. Press 1 to hear our message."
    ).format(organisation=who)


def say_upcoming_call(voice: MessageContext, agent: str, when: datetime) -> str:
    """Announce a booked call."""
    gettext = voice.gettext
    return gettext(
        "{agent} will ring you {when}. First they tell you a check number. To be sure that it is"
        " us, ring {phone} from another phone and key it in. We never ask you for one."
    ).format(
        agent=voice.safe_staff_name(agent),
        when=format_day_and_time(when, voice.zone, voice.locale),
        phone=voice.official_phone,
    )


def say_call_cancelled(voice: MessageContext, when: datetime) -> str:
    """Announce that a call is cancelled."""
    gettext = voice.gettext
    return gettext("We will not ring you {when}. If somebody does, hang up. It is not us.").format(
        when=format_day_and_time(when, voice.zone, voice.locale)
    )


def say_call_not_made(voice: MessageContext, when: datetime) -> str:
    """Admit that we did not make a call."""
    gettext = voice.gettext
    return gettext(
        "We are sorry. We did not ring you {when}. If somebody did, it was not us."
    ).format(when=format_day_and_time(when, voice.zone, voice.locale))


def say_number_changed(voice: MessageContext, ending: str, *, off: bool = False) -> str:
    """Tell the holder of a number that it is no longer the customer's.

    ``off`` adds that a booked call is cancelled.
    """
    gettext = voice.gettext
    changed = gettext(
        "Your number with us was changed to one that ends in {ending}. If that was not you, ring us"
        " now, on {phone}."
    )
    changed_and_off = gettext(
        "Your number with us was changed to one that ends in {ending}, and your booked call is"
        " off. If that was not you, ring us now, on {phone}."
    )
    return (changed_and_off if off else changed).format(
        ending=", ".join(ending), phone=voice.official_phone
    )


def say_nothing_booked(voice: MessageContext) -> str:
    """Answer a caller who asked for their booked calls and has none."""
    gettext = voice.gettext
    return gettext("We have no call booked with you. If somebody rings, hang up.")


def prompt_message_keys(voice: MessageContext, *, booked: bool) -> str:
    """Name the choices after a message."""
    gettext = voice.gettext
    if not booked:
        return gettext("To hear this again, press 1.")
    return gettext(
        "To hear this again, press 1. If you did not ask for this call, press 2. For another time,"
        " press 3."
    )


def prompt_offered_times(voice: MessageContext, offered: Sequence[datetime]) -> str:
    """Offer other times, accepted by their number."""
    gettext = voice.gettext
    if not offered:
        return gettext("No other time is free. Please ring us.")
    return " ".join(
        gettext("For {when}, press {number}.").format(
            when=format_day_and_time(slot, voice.zone, voice.locale), number=number
        )
        for number, slot in enumerate(offered, 1)
    )


def say_call_refused(voice: MessageContext) -> str:
    """Confirm that a call its customer did not ask for is cancelled."""
    gettext = voice.gettext
    return gettext("The call is off, and we look into it. If somebody rings, hang up.")


def say_ringing_back(voice: MessageContext) -> str:
    """Answer a caller who asks the official line for their booked calls.

    The number can be forged, so this call reveals nothing.
    """
    gettext = voice.gettext
    return gettext(
        "If we know your number, we ring you back at once and tell you your booked calls. Please"
        " hang up."
    )

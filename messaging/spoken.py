"""What the official line says, in one place: short sentences, the verdict first."""

from __future__ import annotations

from messaging.wording import Voice

#: Our languages, as Twilio's speech names them.
SPEECH = {"en": "en-GB", "de": "de-DE", "es": "es-ES"}


def welcome(voice: Voice, digits: int) -> str:
    """Asks for the code."""
    gettext = voice.gettext
    return gettext(
        "This is {organisation}. Is somebody calling you and says it is us? Key in the check"
        " number they told you. It has {digits} digits. For another language, press star."
    ).format(organisation=voice.organisation, digits=digits)


def again(voice: Voice, digits: int) -> str:
    """Asks once more, after silence or a number of the wrong length."""
    gettext = voice.gettext
    return gettext("Please key in the {digits} digits of the check number.").format(digits=digits)


def own_number(voice: Voice) -> str:
    """Asks a caller whose number is withheld for it."""
    gettext = voice.gettext
    return gettext(
        "Your phone does not tell us its number. Key in your own phone number, with its area"
        " code. Then press hash."
    )


def genuine(voice: Voice, agent: str, topic: str, reply_word: str) -> str:
    """The caller is ours."""
    gettext = voice.gettext
    return gettext(
        "Genuine. {agent} from {organisation} is calling you about {topic}. Tell them this word:"
        " {word}. Again, the word is: {word}."
    ).format(agent=agent, organisation=voice.organisation, topic=topic, word=reply_word)


def already_confirmed(voice: Voice, at: str) -> str:
    """The same code again."""
    gettext = voice.gettext
    return gettext(
        "This check number was used before, at {time}. If that was not you, hang up on the caller."
    ).format(time=at)


def not_confirmed(voice: Voice) -> str:
    """Every negative answer (rule C5)."""
    gettext = voice.gettext
    return gettext(
        "Not confirmed. Hang up on the caller now. There is no reason why this check should not"
        " work for a real call."
    )


def cannot_check(voice: Voice) -> str:
    """We are out of order."""
    gettext = voice.gettext
    return gettext("We cannot check just now. Do not trust the caller. Hang up, and ring us later.")


def menu(voice: Voice) -> str:
    """What can be done after the verdict."""
    gettext = voice.gettext
    return gettext("To hear this again, press 1. To report a call, press 2.")


def reported(voice: Voice) -> str:
    """A report has been filed by phone."""
    gettext = voice.gettext
    return gettext("Thank you. We have your report. Do not ring them back.")


def press_one(voice: Voice) -> str:
    """Asks an agent whom we ring; what answers and presses nothing is not bridged."""
    gettext = voice.gettext
    return gettext("{organisation}: press 1 to ring your customer.").format(
        organisation=voice.organisation
    )


def goodbye(voice: Voice) -> str:
    """The end of every call to the line."""
    gettext = voice.gettext
    return gettext("If you are not sure, hang up on the caller. Goodbye.")


def language_choice(voice: Voice, key: int) -> str:
    """One line of the language menu, said in that language."""
    gettext = voice.gettext
    return gettext("For English, press {key}.").format(key=key)

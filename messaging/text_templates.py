"""The wording of every text we send.

Each text names us, fits one segment if possible, contains no link and no code, and never asks for a
code. Accents that would double its price are removed. The reply words for customers differ from the
words that carriers reserve (rule M3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from config.contact_details import find_contact, space_after_full_stops
from messaging.i18n import fold_to_gsm7, format_day_and_time, format_time_of_day, load_catalogue


@dataclass(frozen=True)
class MessageContext:
    """Organisation, language and zone of a message; ``phrase`` is the customer's safe phrase."""

    organisation: str
    official_phone: str
    locale: str
    zone: str
    phrase: str = ""

    def render_text(self, text: str, **values: str) -> str:
        """Format a translated text with our name and the customer's phrase in front.

        Links and phone numbers are removed from values that people typed, whatever is stored (rule
        M).
        """
        typed = {"agent": self.safe_staff_name, "topic": self.safe_topic, "phrase": _strip_contacts}
        written = {key: typed.get(key, str)(value) for key, value in values.items()}
        return fold_to_gsm7(f"{self.sender}: {text.format(**written)}")

    @property
    def sender(self) -> str:
        """Our name, and the customer's safe phrase if there is one."""
        known_by = self.known_by
        return f"{self.organisation} ({known_by})" if known_by else self.organisation

    @property
    def known_by(self) -> str:
        """The customer's safe phrase, unless it looks like a link."""
        return _strip_contacts(self.phrase)

    def safe_staff_name(self, name: str) -> str:
        """Return the name of a member of staff, or the organisation's if it looks like a link."""
        return _strip_contacts(name) or self.organisation

    def safe_topic(self, topic: str) -> str:
        """Return the topic of a call, or a neutral one if it looks like a link.

        The call is announced in either case.
        """
        return _strip_contacts(topic) or self.gettext("your request")

    @property
    def gettext(self) -> Callable[[str], str]:
        return load_catalogue(self.locale).ugettext


def _strip_contacts(typed: str) -> str:
    """Return typed text such that no phone turns it into a link; empty if that is impossible."""
    return (
        ""
        if find_contact(typed) or find_contact(fold_to_gsm7(typed))
        else space_after_full_stops(typed)
    )


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


def text_report_received(voice: MessageContext, reference: str, question: str = "") -> str:
    """Thank for a report: what to do, then the first question if there is one."""
    gettext = voice.gettext
    texts = {
        "number": gettext(
            "Hang up. We have your report {reference}. Gave money or a password? Ring {phone}"
            " What number did they show? Text it, or NEXT"
        ),
        "knew": gettext(
            "Hang up. We have your report {reference}. Gave money or a password? Ring {phone}"
            " What did they know? Text NAME, TICKET, ADDRESS or NONE"
        ),
        "": gettext(
            "Thank you, we have your report {reference}. Do not ring them back. If you gave"
            " money or a password, ring {phone} now."
        ),
    }
    return voice.render_text(texts[question], reference=reference, phone=voice.official_phone)


def text_next_report_question(voice: MessageContext, reference: str, question: str) -> str:
    """Ask the next question about a report, or thank for the last answer."""
    gettext = voice.gettext
    texts = {
        "number": gettext("Thank you. What number did they show? Text it, or NEXT"),
        "knew": gettext(
            "Thank you. What did they know of you? Text NAME, PHONE, TICKET, PRODUCT, ADDRESS,"
            " or NONE"
        ),
        "": gettext(
            "Thank you, that is all. Your report is {reference}. If they ring again, hang up and"
            " text SCAM"
        ),
    }
    return voice.render_text(texts[question], reference=reference)


def text_report_unclear(voice: MessageContext, question: str) -> str:
    """Repeat the question about a report after an answer that could not be parsed."""
    gettext = voice.gettext
    texts = {
        "number": gettext("We did not understand. What number did they show? Text it, or NEXT"),
        "knew": gettext(
            "We did not understand. What did they know? Text NAME, PHONE, TICKET, PRODUCT,"
            " ADDRESS, or NONE"
        ),
    }
    return voice.render_text(texts[question])


#: The outcomes of a report that a text can tell its reporter.
REPORT_OUTCOMES = ("not_us", "found", "ours", "unsolved")


def text_report_outcome(voice: MessageContext, reference: str, key: str) -> str:
    """Announce the outcome of a report; ``key`` is one of :data:`REPORT_OUTCOMES`.

    It names nobody and asks for nothing.
    """
    gettext = voice.gettext
    texts = {
        "not_us": gettext(
            "Your report {reference}: that call was NOT from us. You did right. If they ring"
            " again, hang up and text SCAM"
        ),
        "found": gettext(
            "Your report {reference}: that call was NOT from us. We found how they got your number"
            " and stopped it. Thank you for telling us."
        ),
        "ours": gettext(
            "Your report {reference}: that call was from us. You did right to ask. Check every"
            " call like that."
        ),
        "unsolved": gettext(
            "Your report {reference}: we could not find out who rang you. It helps us all the"
            " same. If they ring again, hang up and text SCAM"
        ),
    }
    return voice.render_text(texts[key], reference=reference)


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


def text_new_cases(voice: MessageContext, cases: Sequence[tuple[str, str]]) -> str:
    """Announce new cases to investigators, by reference and kind.

    Both are empty for a case that may not be named here.
    """
    gettext = voice.gettext
    most = 3
    named = [
        f"{reference} ({format_case_kind(voice, kind)})" for reference, kind in cases if reference
    ]
    shown = ", ".join(named[:most])
    if len(named) > most or len(named) < len(cases):
        shown = (shown + " ..").strip()
    if len(cases) == 1:
        return voice.render_text(gettext("A new case to look into: {cases}"), cases=shown)
    return voice.render_text(
        gettext("{count} new cases to look into: {cases}"), count=str(len(cases)), cases=shown
    )


def format_case_line(voice: MessageContext, reference: str, kind: str) -> str:
    """Format one line of an alert."""
    if not reference:
        return voice.gettext("A case of which nothing is told here")
    return f"{reference} {format_case_kind(voice, kind)}"


def format_case_kind(voice: MessageContext, kind: str) -> str:
    """Return the kind of a case in two words."""
    gettext = voice.gettext
    return {
        "calls": gettext("unexpected calls"),
        "access": gettext("unusual reading"),
        "budget": gettext("too many opened"),
        "canary": gettext("canary touched"),
        "number": gettext("number changed"),
        "guesses": gettext("page numbers guessed"),
        "log": gettext("the audit log"),
        "objection": gettext("objection"),
        "wave": gettext("wave of reports"),
    }.get(kind, kind)


def text_exposure_warning(voice: MessageContext) -> str:
    """Warn a customer whose data may be misused."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "Somebody may ring you and pose as us. We ring only when we have told you by text"
            " before. Hang up on any other call and text SCAM."
        )
    )

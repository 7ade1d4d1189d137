"""Every text we send, in one place.

Each says who we are, fits one segment where it can, holds no link and no code, and never asks
for one. Accents that would make it cost double are left out on the way. The words a customer can
reply with stay clear of those that carriers take for themselves (rule M3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from config.contact_details import find_contact, space_after_full_stops
from messaging.i18n import fold_to_gsm7, format_day_and_time, format_time_of_day, load_catalogue


@dataclass(frozen=True)
class MessageContext:
    """In whose name, in what language and on whose clock we speak; ``phrase`` is what the customer
    chose to know our texts by."""

    organisation: str
    official_phone: str
    locale: str
    zone: str
    phrase: str = ""

    def render_text(self, text: str, **values: str) -> str:
        """A translated text with our name in front, and the customer's phrase. What somebody typed
        is written without a link or a number to ring, whatever is stored (rule M)."""
        typed = {"agent": self.safe_staff_name, "topic": self.safe_topic, "phrase": _strip_contacts}
        written = {key: typed.get(key, str)(value) for key, value in values.items()}
        return fold_to_gsm7(f"{self.sender}: {text.format(**written)}")

    @property
    def sender(self) -> str:
        """Our name, and the phrase the customer knows our texts by."""
        known_by = self.known_by
        return f"{self.organisation} ({known_by})" if known_by else self.organisation

    @property
    def known_by(self) -> str:
        """The customer's phrase, unless it reads like a link."""
        return _strip_contacts(self.phrase)

    def safe_staff_name(self, name: str) -> str:
        """The name of a member of staff, or our own in place of one that reads like a link."""
        return _strip_contacts(name) or self.organisation

    def safe_topic(self, topic: str) -> str:
        """What a call is about, or that it is about something: it is announced all the same."""
        return _strip_contacts(topic) or self.gettext("your request")

    @property
    def gettext(self) -> Callable[[str], str]:
        return load_catalogue(self.locale).ugettext


def _strip_contacts(typed: str) -> str:
    """What somebody typed, so that no phone makes a link of it; empty where that cannot be."""
    return (
        ""
        if find_contact(typed) or find_contact(fold_to_gsm7(typed))
        else space_after_full_stops(typed)
    )


def text_booked(voice: MessageContext, agent: str, when: datetime, topic: str) -> str:
    """Tells of a booking: when, by whom, about what, how to check, how to refuse."""
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
    """Tells of a new time."""
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
    """Tells when we try again after nobody answered."""
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
    """Tells that somebody else will ring at the same time."""
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
    """Tells, in the middle of a call, that somebody else goes on with it."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "{agent} takes over this call. Trust them only when the new check number they tell you"
            " is confirmed: text it to us here."
        ),
        agent=agent,
    )


def text_unchanged_local_time(voice: MessageContext, agent: str, when: datetime) -> str:
    """Tells that a call stays where it is on a clock whose rules have changed."""
    gettext = voice.gettext
    return voice.render_text(
        gettext("Your clocks change on other days now. {agent} will still ring you {when}."),
        agent=agent,
        when=format_day_and_time(when, voice.zone, voice.locale),
    )


def text_reminder(voice: MessageContext, agent: str, when: datetime) -> str:
    """Reminds of a call to come."""
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
    """Owns up to a call that we did not make."""
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
    """Tells that there will be no call."""
    gettext = voice.gettext
    return voice.render_text(
        gettext("We will NOT ring you {when}. If somebody does, hang up: it is not us."),
        when=format_day_and_time(when, voice.zone, voice.locale),
    )


def text_genuine(
    voice: MessageContext, agent: str, topic: str, booked_for: datetime, reply_word: str
) -> str:
    """The caller is ours."""
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
    """The same number again: either the customer's own repeat, or somebody else's."""
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
    """Every negative answer (rule C5)."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "NOT CONFIRMED. Hang up now. Nobody has a reason why this check should not work."
            " Text SCAM to report it. Our number: {phone}"
        ),
        phone=voice.official_phone,
    )


def text_cannot_check(voice: MessageContext) -> str:
    """We are out of order; the answer is still not *genuine* (rule F1)."""
    gettext = voice.gettext
    return voice.render_text(
        gettext("We cannot check just now. Hang up, and ring {phone} from another phone."),
        phone=voice.official_phone,
    )


def text_calling_you(voice: MessageContext, agent: str, since: datetime) -> str:
    """The answer to CHECK while a call of ours is on."""
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
    """The answer to CHECK while the customer's own phone is ringing."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "We are ringing you now. Trust only a caller who tells you a check number that we"
            " confirm: text it to us here."
        )
    )


def text_not_calling_you(voice: MessageContext) -> str:
    """The answer to CHECK otherwise, the same for a number we do not know."""
    gettext = voice.gettext
    return voice.render_text(
        gettext("We are NOT calling you now. Hang up. Text SCAM to report it. Our number: {phone}"),
        phone=voice.official_phone,
    )


def text_report_received(voice: MessageContext, reference: str, question: str = "") -> str:
    """Thanks for a report: what to do, then the first question where there is one."""
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
    """The next question about a report, or thanks for the last answer."""
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
    """The question about a report once more, after an answer that could not be read."""
    gettext = voice.gettext
    texts = {
        "number": gettext("We did not understand. What number did they show? Text it, or NEXT"),
        "knew": gettext(
            "We did not understand. What did they know? Text NAME, PHONE, TICKET, PRODUCT,"
            " ADDRESS, or NONE"
        ),
    }
    return voice.render_text(texts[question])


#: What a reporter can be told of what came of their report.
REPORT_OUTCOMES = ("not_us", "found", "ours", "unsolved")


def text_report_outcome(voice: MessageContext, reference: str, key: str) -> str:
    """What came of a report; ``key`` is one of :data:`REPORT_OUTCOMES`. Names nobody, asks for
    nothing."""
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
    """A callback that the customer did not ask for is off."""
    gettext = voice.gettext
    return voice.render_text(
        gettext("We will not ring you. If somebody does, hang up: it is not us. Thank you."),
    )


def text_nothing_to_refuse(voice: MessageContext) -> str:
    """REFUSE without a booking, and from a number we do not know."""
    gettext = voice.gettext
    return voice.render_text(
        gettext("We have no call booked with you. If somebody rings, hang up.")
    )


def text_move_requested(voice: MessageContext) -> str:
    """The agent has been told that the customer wants another time."""
    gettext = voice.gettext
    return voice.render_text(
        gettext("We will find another time and text you. We will not ring before you have it.")
    )


def text_offered_times(voice: MessageContext, agent: str, times: Sequence[datetime]) -> str:
    """Other times for a call, to be taken by their number."""
    gettext = voice.gettext
    offered = [
        gettext("{number} for {when}").format(
            number=number, when=format_day_and_time(each, voice.zone, voice.locale)
        )
        for number, each in enumerate(times, 1)
    ]
    return voice.render_text(
        gettext("When shall {agent} ring? Text {times}. None fits? Ring {phone}"),
        agent=agent,
        times=", ".join(offered),
        phone=voice.official_phone,
    )


def text_time_gone(voice: MessageContext, agent: str, times: Sequence[datetime]) -> str:
    """Somebody else was faster, or it is too late: what there is now."""
    gettext = voice.gettext
    if not times:
        return voice.render_text(
            gettext("That time is gone. Your call stays as it is. Other times: text MOVE")
        )
    return text_offered_times(voice, agent, times)


def text_earlier_slot(voice: MessageContext, agent: str, at: datetime, instead_of: datetime) -> str:
    """An earlier time for a call has come free."""
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
    """The number that opens the customer's own page. Somebody who rings might ask for it."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "{number} opens your own page with us. Type it there yourself. Whoever rings and asks"
            " for it is a SCAMMER. Not you? Text SCAM"
        ),
        number=number,
    )


def say_page_number(voice: MessageContext, number: str) -> str:
    """The same, to be said in a call: digit by digit, twice."""
    gettext = voice.gettext
    digits = ", ".join(number)
    return voice.render_text(
        gettext(
            "This is an automatic call. The number that opens your own page is: {digits}. Again:"
            " {digits}. Tell it to nobody who rings you. Whoever asks for it is a scammer."
        ),
        digits=digits,
    )


def text_number_changed(voice: MessageContext, ending: str, *, off: bool = False) -> str:
    """Tells whoever holds the old number that it is the customer's no more; ``off`` says that a
    call which was booked will not come."""
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
    """What can be sent, for anything else; the same for a number we do not know."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "Text the check number the caller told you, or: CHECK (are we calling you?),"
            " SCAM (report a call), MOVE (another time), REFUSE (no call)."
        )
    )


def text_phrase_saved(voice: MessageContext, phrase: str) -> str:
    """The customer chose a safe phrase, the same for a number we do not know."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "From now on each of our texts to you shows: {phrase}. A text without it is a fake."
            " You did not ask for this? Text SCAM"
        ),
        phrase=phrase,
    )


def text_phrase_invalid(voice: MessageContext) -> str:
    """What a safe phrase can be."""
    gettext = voice.gettext
    return voice.render_text(
        gettext("Choose 2 to 20 letters and send: PHRASE and your words. Like: PHRASE blue teapot")
    )


def text_new_cases(voice: MessageContext, cases: Sequence[tuple[str, str]]) -> str:
    """Tells investigators of new cases, by reference and kind; both are empty for one of which
    nothing may be told here."""
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
    """One line of an alert."""
    if not reference:
        return voice.gettext("A case of which nothing is told here")
    return f"{reference} {format_case_kind(voice, kind)}"


def format_case_kind(voice: MessageContext, kind: str) -> str:
    """What a case is about, in two words."""
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
    """Warns a customer whose data somebody may misuse."""
    gettext = voice.gettext
    return voice.render_text(
        gettext(
            "Somebody may ring you and pose as us. We ring only when we have told you by text"
            " before. Hang up on any other call and text SCAM."
        )
    )

"""The wording of the texts about reports, cases, and customers at risk (rules as in
:mod:`messaging.text_templates`)."""

from __future__ import annotations

from collections.abc import Sequence

from messaging.message_context import MessageContext


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

"""Labels of access purposes, simple enough for a nine-year-old. The purposes are the fixed words of
the audit log."""

from __future__ import annotations

from flask_babel import gettext

from people.models import Role


def _sentences_by_purpose() -> dict[str, str]:
    return {
        "card": gettext("To get ready for your call."),
        "own day": gettext("You were on their list of calls for the day."),
        "booking": gettext("To book a call with you."),
        "asked_us": gettext("Because you asked for a call."),
        "answer": gettext("Because we owe you an answer."),
        "goes_on": gettext("To go on with an earlier call."),
        "change": gettext("To change a call that you booked."),
        "API": gettext("To see when your call is."),
        "to write a text": gettext("To write a text to you."),
        "in the call": gettext("They made your call."),
        "to ring them": gettext("To ring you."),
        "triage": gettext("To read what you told us."),
        "import": gettext("To keep our list of customers up to date."),
        "retention": gettext("To delete what we no longer need to know of you."),
        "own page": gettext("To show you your own page."),
        "to send it": gettext("To send you a text."),
        "to say it": gettext("To tell you something by phone."),
        "to answer a text": gettext("To answer your text."),
        "approvals": gettext("To say yes or no to a change that somebody asked for."),
        "told by phone": gettext("To write down what you told us by phone."),
        "to tell what came of a report": gettext("To tell you what came of your report."),
        "asked for": gettext("To delete what we know of you, as you asked."),
        "erasure": gettext("To delete what we know of you."),
        "oversight": gettext("To look into what our own people do."),
    }


def _sentences_by_action() -> dict[str, str]:
    return {
        "callback": gettext("To look after your call."),
        "customer": gettext("To change what we know of you."),
        "case": gettext("To look into something that happened."),
        "report": gettext("To read what you told us."),
    }


def list_known_purposes() -> frozenset[str]:
    """Return the purposes that have their own sentence."""
    return frozenset(_sentences_by_purpose())


def describe_log_purpose(action: str, purpose: str) -> str:
    """Return the purpose of a log entry as a sentence. A purpose that is not a fixed word is a
    case's reference."""
    if purpose:
        return _sentences_by_purpose().get(purpose) or gettext(
            "To look into something that happened."
        )
    return _sentences_by_action().get(action.partition(".")[0]) or gettext(
        "For another reason. Ask us."
    )


def describe_log_purposes(reasons: tuple[tuple[str, str], ...]) -> list[str]:
    """Return the sentences of several entries, each once."""
    return list(dict.fromkeys(describe_log_purpose(*reason) for reason in reasons))


def describe_staff_role(value: str) -> str:
    """Return a role as a sentence part in plain words."""
    return {
        Role.AGENT.value: gettext("rings customers"),
        Role.SUPERVISOR.value: gettext("leads a team"),
        Role.INVESTIGATOR.value: gettext("An investigator"),
        "operator": gettext("Somebody who looks after our computers"),
    }.get(value, gettext("works for us"))

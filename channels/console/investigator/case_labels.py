"""Translated labels for cases: kinds, states, outcomes, events and evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from babel.dates import format_timedelta
from flask_babel import gettext, ngettext

from channels.console import approval_labels
from channels.console.investigator import audit_labels
from incidents.cases.case_view import EvidenceItem
from incidents.cases.models import CaseKind, CaseOutcome, CaseState
from incidents.cases.workflow import SELECTABLE_OUTCOMES
from incidents.reports import report_fields
from vault.models import AuditEntry

#: The icon of each state, in ``console/_icons.html``; CSS picks the colour by the state's name.
ICONS = {CaseState.OPEN: "flag", CaseState.TAKEN: "clock", CaseState.CLOSED: "done"}

#: Kinds of evidence that have their own template, under ``console/evidence/``, and the facts
#: the template needs.
EVIDENCE: dict[str, tuple[str, ...]] = {
    "report": (),
    "audit": (),
    "note": ("explained", "accesses"),
    "wave": ("what", "found", "since", "usual"),
    "budget": ("what", "seen", "allowed", "hours"),
    "canary": ("what", "canary"),
    "access": ("what", "seen", "expected", "expected_of_peers", "since", "chance"),
}


def describe_case_kind(value: str) -> str:
    """Return the label of a case's kind."""
    return {
        CaseKind.CALLS: gettext("Unexpected calls that belong together"),
        CaseKind.ACCESS: gettext("Unusual reading of records"),
        CaseKind.BUDGET: gettext("More customers opened than allowed"),
        CaseKind.CANARY: gettext("A customer who does not exist was touched"),
        CaseKind.OBJECTION: gettext("A customer objects to who read their record"),
        CaseKind.WAVE: gettext("A wave of reports or failed checks"),
        CaseKind.LOG: gettext("The audit log is not as it should be"),
        CaseKind.NUMBER: gettext("A number was changed, and the old one could not be told"),
        CaseKind.GUESSES: gettext("Too many wrong page numbers"),
    }[CaseKind(value)]


def describe_case_state(value: str) -> str:
    return {
        CaseState.OPEN: gettext("Open"),
        CaseState.TAKEN: gettext("Taken"),
        CaseState.CLOSED: gettext("Closed"),
    }[CaseState(value)]


def describe_case_outcome(value: str) -> str:
    return {
        CaseOutcome.LEAK: gettext("A leak was found"),
        CaseOutcome.NO_LEAK: gettext("No leak"),
        CaseOutcome.EXPLAINED: gettext("Unusual, and rightly so"),
        CaseOutcome.FALSE_ALARM: gettext("A false alarm"),
        CaseOutcome.UNDECIDED: gettext("It cannot be told"),
        CaseOutcome.POLICE: gettext("Handed to the police or the regulator"),
        CaseOutcome.JOINED: gettext("Goes on in another case"),
    }[CaseOutcome(value)]


def list_case_outcomes() -> list[tuple[str, str]]:
    """Return the (value, label) pairs an investigator chooses from."""
    return [(outcome.value, describe_case_outcome(outcome)) for outcome in SELECTABLE_OUTCOMES]


def describe_case_event(value: str) -> str:
    """Return the label of a case event."""
    return {
        "opened": gettext("Opened"),
        "taken": gettext("Taken"),
        "given_back": gettext("Given back"),
        "withdrawn": gettext("Taken from an investigator named in it"),
        "noted": gettext("Note"),
        "decided": gettext("Decided"),
        "closed": gettext("Closed"),
        "reopened": gettext("Reopened"),
        "customer": gettext("Opened a customer, because"),
        "joined": gettext("Joined with another case"),
        "parted": gettext("Taken apart"),
        "named": gettext("Named a colleague"),
        "asked": gettext("Asked for what takes two people"),
        "suspended": gettext("Access suspended"),
        "lifted": gettext("Suspension lifted"),
        "warning": gettext("Warning of customers begun"),
        "stopped": gettext("Warning of customers stopped"),
        "warned": gettext("Customers warned"),
        "exported": gettext("Exported"),
    }.get(value, value)


def describe_event_text(kind: str, written: str) -> str:
    """Return the text of an event, with its coded parts translated and free text unchanged."""
    first, _, rest = written.partition("\n")
    if kind == "asked":
        return f"{approval_labels.describe_request_type(first)}\n{rest}"
    if kind in ("warning", "warned") and first.isdecimal():
        return ngettext("%(num)s customer", "%(num)s customers", int(first))
    if kind == "exported":
        plain, _, chosen = written.rpartition("\n")
        labels = dict(list_export_fields())
        fields = ", ".join(
            labels.get(part, part) for part in chosen.strip("()").split(", ") if part
        )
        return f"{plain}\n{fields}".strip()
    return written


def format_percent(share: float) -> str:
    """Format a share between 0 and 1 in per cent. Never rounds to 0 or 100."""
    percent = 100 * share
    return "<1" if percent < 1 else ">99" if percent > 99 else f"{percent:.0f}"


def summarise_acts(entries: Sequence[AuditEntry]) -> list[str]:
    """Return the distinct acts with how often each was performed."""
    counted = Counter(audit_labels.describe_act(entry.action) for entry in entries)
    return [
        what if times == 1 else gettext("%(what)s, %(num)s times", what=what, num=times)
        for what, times in counted.items()
    ]


def summarise_purposes(entries: Sequence[AuditEntry]) -> str:
    """Return the distinct purposes as one text."""
    return ", ".join(
        dict.fromkeys(audit_labels.describe_entry_purpose(e.purpose) for e in entries if e.purpose)
    )


def choose_evidence_template(item: EvidenceItem) -> str:
    """Return the template for a piece of evidence; the generic one if facts are missing."""
    needed = EVIDENCE.get(item.kind)
    lost = item.kind in ("report", "audit") and not (item.told or item.entry)
    known = needed is not None and not lost and item.facts.keys() >= set(needed)
    return f"console/evidence/{item.kind if known else 'other'}.html"


def describe_evidence(item: EvidenceItem) -> str:
    """Return a sentence that describes a piece of evidence."""
    if len(item.entries) > 1:
        return gettext("What one person did with a record on one day.")
    if item.told is not None and item.told.kind == report_fields.OBJECTION:
        return gettext("A customer does not know why their record was opened.")
    return describe_evidence_kind(item.kind)


def describe_evidence_kind(value: str) -> str:
    """Return a sentence that describes a kind of evidence."""
    return {
        "report": gettext("A customer reported a call."),
        "audit": gettext("An entry of the audit log."),
        "wave": gettext("More came than usual."),
        "budget": gettext("Somebody wanted to open more customers than they may."),
        "canary": gettext("A customer who does not exist was touched."),
        "number": gettext("A warning to a customer's old number was not sent."),
        "guesses": gettext(
            "Page numbers are guessed. The web gives none just now; a text with PAGE gets one."
        ),
        "note": gettext("An evening note about accesses with nothing behind them."),
        "access": gettext("Unusual for this person and their peers. It is no verdict."),
    }.get(value, value)


def describe_evidence_fact(name: str) -> str:
    """Return the label of a fact of the evidence."""
    return {
        "customers": gettext("Customers"),
        "allowed": gettext("Allowed"),
        "canary": gettext("Canary"),
        "what": gettext("How"),
        "window": gettext("Over"),
        "seen": gettext("Seen"),
        "expected": gettext("Expected of this person"),
        "expected_of_peers": gettext("Expected of their peers"),
        "since": gettext("Since"),
        "chance": gettext("How likely in honest work"),
        "hours": gettext("Hours"),
        "error": gettext("Why not"),
    }.get(name, name.replace("_", " "))


def list_feedback_choices() -> list[tuple[str, str]]:
    """Return the (value, label) pairs of feedback that reporters of a call can be sent."""
    return [
        ("", gettext("nothing yet")),
        ("not_us", gettext("that call was not from us")),
        ("found", gettext("not from us, and we found how they got the number")),
        ("ours", gettext("that call was from us")),
        ("unsolved", gettext("we could not find out who rang")),
    ]


def list_export_fields() -> list[tuple[str, str]]:
    """Return the (value, label) pairs of fields that can be selected for an export."""
    return [
        ("names", gettext("Names of customers")),
        ("numbers", gettext("Phone numbers of customers")),
        ("said", gettext("What reporters told of the call")),
        ("shown", gettext("Numbers that callers showed")),
        ("staff", gettext("Names of colleagues")),
        ("notes", gettext("What investigators wrote")),
    ]


def describe_warning_state(value: str) -> str:
    """Return the label of a warning run's state."""
    return {
        "running": gettext("going on"),
        "stopped": gettext("stopped"),
        "done": gettext("done"),
    }[value]


def describe_text_state(value: str) -> str:
    """Return the label of a text's state."""
    return {
        "queued": gettext("waiting"),
        "sending": gettext("being sent"),
        "sent": gettext("sent"),
        "failed": gettext("could not be sent"),
        "expired": gettext("withdrawn or too late"),
    }.get(value, value)


def describe_access_signal(value: str) -> str:
    """Return what was unusual about accesses to records."""
    return {
        "nothing_behind": gettext("Customers opened with no call or booking behind it"),
        "found_nobody": gettext("Looked for customers who are none"),
        "off_hours": gettext("Customers opened at unusual hours, with nothing behind it"),
    }.get(value, value)


def describe_canary_contact(value: str) -> str:
    """Return how a canary was contacted or opened."""
    return {
        "opened": gettext("A colleague opened it out of turn"),
        "call": gettext("Its number was rung"),
        "text": gettext("Its number was texted"),
        "check": gettext("Somebody checked a call with its number"),
        "report": gettext("Somebody reported a call to it"),
        "page": gettext("Its own page was asked for"),
        "import": gettext("An import held it"),
    }.get(value, value)


def format_duration(of: timedelta, locale: str) -> str:
    """Format a duration, like ``3 hours``."""
    return str(format_timedelta(of, granularity="minute", threshold=1.5, locale=locale))


def format_elapsed_time(at: datetime, now: datetime, locale: str) -> str:
    """Format the time since ``at``, like ``3 hours``; at least a minute."""
    return format_duration(max(now - at, timedelta(minutes=1)), locale)

"""The audit log in words: each action a sentence, each purpose what it was for."""

from __future__ import annotations

import re

from flask_babel import gettext

from vault.models import AuditEntry

_CASE = re.compile(r"C[0-9A-Z]{7}")


def action(value: str) -> str:
    """What was done."""
    return _actions().get(value, value)


def groups() -> list[tuple[str, str, tuple[str, ...]]]:
    """What can be filtered by: a word for the address, a label, and the actions that it means."""
    return [
        ("read", gettext("Customers read"), ("customer.read", "customer.look_up")),
        (
            "calls",
            gettext("Calls and bookings"),
            tuple(each for each in _actions() if each.startswith(("callback.", "code.", "call."))),
        ),
        (
            "texts",
            gettext("Texts"),
            tuple(each for each in _actions() if each.startswith(("text.", "texts."))),
        ),
        (
            "reports",
            gettext("Reports and cases"),
            tuple(each for each in _actions() if each.startswith(("report.", "case."))),
        ),
        (
            "staff",
            gettext("Staff and sign-in"),
            tuple(
                each
                for each in _actions()
                if each.startswith(("staff.", "token.", "passkey.", "approval."))
            ),
        ),
        ("log", gettext("Readings of this log"), ("audit.read", "audit.begin")),
    ]


def purpose(value: str) -> str:
    """What it was for."""
    if _CASE.fullmatch(value):
        return gettext("case %(reference)s", reference=value)
    return {
        "own day": gettext("their own day"),
        "booking": gettext("to book a callback"),
        "in the call": gettext("in the call"),
        "to ring them": gettext("to ring them"),
        "to say it": gettext("to say a message"),
        "to send it": gettext("to send a text"),
        "to write a text": gettext("to write a text"),
        "triage": gettext("to look through reports"),
        "oversight": gettext("to oversee"),
        "approvals": gettext("to approve"),
        "own page": gettext("their own page"),
        "told by phone": gettext("told by phone"),
    }.get(value, value)


def who(entry: AuditEntry, names: dict[object, str]) -> str:
    """Who did it."""
    if entry.staff_id is not None:
        return names.get(entry.staff_id) or gettext("somebody who has left")
    return {
        "customer": gettext("The customer"),
        "system": gettext("Vouchline itself"),
        "operator": gettext("The operator, by command"),
        "provider": gettext("The provider"),
    }.get(entry.actor, entry.actor)


def _actions() -> dict[str, str]:
    return {
        "customer.read": gettext("read a customer's record"),
        "customer.look_up": gettext("looked a customer up"),
        "customer.add": gettext("added a customer"),
        "customer.change": gettext("changed a customer"),
        "customer.choose": gettext("chose language and zone"),
        "customer.phrase": gettext("chose a safe phrase"),
        "customer.erase": gettext("erased a customer"),
        "callback.book": gettext("booked a callback"),
        "callback.move": gettext("moved a callback"),
        "callback.cancel": gettext("called a callback off"),
        "callback.refuse": gettext("refused a callback"),
        "callback.start": gettext("started a call"),
        "callback.end": gettext("ended a call"),
        "callback.miss": gettext("let a callback go by"),
        "callback.hand_over": gettext("handed a callback over"),
        "callback.follow": gettext("booked another try"),
        "callback.follow_zone": gettext("moved a callback with the clocks"),
        "callback.ask_to_move": gettext("asked for another time"),
        "call.place": gettext("rang a phone"),
        "call.failed": gettext("could not ring a phone"),
        "code.read": gettext("saw the check number"),
        "code.reissue": gettext("made a new check number"),
        "report.file": gettext("filed a report"),
        "report.add": gettext("added to a report"),
        "report.prove": gettext("proved a report's number"),
        "report.read": gettext("read a report"),
        "case.opened": gettext("opened a case"),
        "case.evidence": gettext("added evidence to a case"),
        "case.alert": gettext("told of a case"),
        "case.board": gettext("looked at the board of cases"),
        "case.read": gettext("read a case"),
        "case.taken": gettext("took a case"),
        "case.given_back": gettext("gave a case back"),
        "case.withdrawn": gettext("took a case from somebody it names"),
        "case.noted": gettext("wrote a note in a case"),
        "case.decided": gettext("decided a case"),
        "case.closed": gettext("closed a case"),
        "case.reopened": gettext("reopened a case"),
        "case.customer": gettext("gave a reason to open a customer"),
        "text.open": gettext("opened a text"),
        "text.sent": gettext("sent a text"),
        "text.failed": gettext("could not send a text"),
        "text.expired": gettext("let a text expire"),
        "text.held": gettext("held a text back"),
        "texts.opt_out": gettext("wanted no more texts"),
        "texts.opt_in": gettext("wanted texts again"),
        "staff.add": gettext("added a colleague"),
        "staff.role": gettext("changed a colleague's role"),
        "staff.enrol": gettext("enrolled"),
        "staff.sign_in": gettext("signed in"),
        "staff.sign_in_failed": gettext("failed to sign in"),
        "staff.sign_out": gettext("signed out"),
        "staff.sessions_ended": gettext("ended sessions"),
        "staff.switch_off": gettext("switched a colleague off"),
        "approval.ask": gettext("asked for something that takes two"),
        "approval.approve": gettext("approved it"),
        "approval.refuse": gettext("refused it"),
        "approval.do": gettext("did what was approved"),
        "token.add": gettext("made an API token"),
        "passkey.add": gettext("added a passkey"),
        "passkey.remove": gettext("removed a passkey"),
        "audit.read": gettext("read the audit log"),
        "audit.begin": gettext("asked who read a customer"),
        "openings.read": gettext("looked at who opened their record"),
    }

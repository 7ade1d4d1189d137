"""The audit log in words: each action a sentence, each purpose what it was for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import UUID

from flask_babel import gettext

from channels.console import audit_actions
from vault.models import AuditEntry

_CASE = re.compile(r"C[0-9A-Z]{7}")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def action(value: str) -> str:
    """What was done."""
    return audit_actions.words().get(value, value)


def groups() -> list[tuple[str, str, tuple[str, ...]]]:
    """What can be filtered by: a word for the address, a label, and the actions that it means."""
    return [
        ("read", gettext("Customers read"), ("customer.read", "customer.look_up")),
        (
            "calls",
            gettext("Calls and bookings"),
            tuple(
                each
                for each in audit_actions.words()
                if each.startswith(("callback.", "code.", "call."))
            ),
        ),
        (
            "texts",
            gettext("Texts"),
            tuple(each for each in audit_actions.words() if each.startswith(("text.", "texts."))),
        ),
        (
            "reports",
            gettext("Reports and cases"),
            tuple(
                each
                for each in audit_actions.words()
                if each.startswith(("report.", "case.", "exposure.", "note.", "leak."))
            ),
        ),
        (
            "staff",
            gettext("Staff and sign-in"),
            tuple(
                each
                for each in audit_actions.words()
                if each.startswith(("staff.", "token.", "passkey.", "approval.", "budget."))
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


def ids(text: str) -> list[UUID]:
    """The ids in the detail of an entry: they may be those of members of staff."""
    return [UUID(each) for each in _ID.findall(text)]


def detail(entry: AuditEntry, names: Mapping[UUID, str]) -> str:
    """More about it: members of staff by name, any other id by its end. The id of a reading
    says nothing to a reader."""
    if entry.action == "audit.begin":
        return ""
    return _ID.sub(lambda found: names.get(UUID(found[0])) or f"…{found[0][-6:]}", entry.detail)


def who(entry: AuditEntry, names: dict[object, str]) -> str:
    """Who did it."""
    if entry.staff_id is not None:
        return names.get(entry.staff_id) or gettext("somebody who has left")
    return actor(entry.actor)


def actor(value: str) -> str:
    """Who did it, where that is no member of staff."""
    return {
        "customer": gettext("The customer"),
        "system": gettext("Vouchline itself"),
        "operator": gettext("The operator, by command"),
        "provider": gettext("The provider"),
    }.get(value, value)

"""Translated labels for the audit log: acts, purposes, details and authors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import UUID

from flask_babel import gettext

from channels.console import labels
from vault.audit.acts import ACTS_BY_VALUE, GROUPS_BY_VALUE, ActGroup, AuditAct, acts_in_group
from vault.models import AuditEntry
from verification.models import is_decoy_id

_CASE = re.compile(r"C[0-9A-Z]{7}")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def describe_act(value: str) -> str:
    """Return the label of an act, by the value stored in the log."""
    act = ACTS_BY_VALUE.get(value)
    return gettext(act.label) if act else value


def list_act_groups() -> list[tuple[ActGroup, str, tuple[AuditAct, ...]]]:
    """Return each group of acts with its label and its acts. Each act is in one group."""
    return [(group, gettext(group.label), acts_in_group(group)) for group in ActGroup]


def is_act_value(value: str | None) -> bool:
    """Return whether this is the value of an act."""
    return value in ACTS_BY_VALUE


def parse_act_filter(name: str) -> tuple[AuditAct, ...] | None:
    """Return the acts selected by a group's or an act's value; None if the value is unknown."""
    if name in ACTS_BY_VALUE:
        return (ACTS_BY_VALUE[name],)
    return acts_in_group(GROUPS_BY_VALUE[name]) if name in GROUPS_BY_VALUE else None


def describe_entry_purpose(value: str) -> str:
    """Return the label of an entry's purpose, or the purpose itself if it has none."""
    return find_purpose_label(value) or value


def find_purpose_label(value: str) -> str:
    """Return the label of an entry's purpose, or an empty string if it is a technical name."""
    if _CASE.fullmatch(value):
        return gettext("case %(reference)s", reference=value)
    return {
        **dict(labels.list_lookup_purposes()),
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
        "card": gettext("the page of their callback"),
        "erasure": gettext("to erase a customer"),
    }.get(value, "")


def find_ids_in_detail(text: str) -> list[UUID]:
    """Return the ids in the detail of an entry. Some may be staff ids."""
    return [UUID(match_) for match_ in _ID.findall(text)]


def describe_entry_detail(entry: AuditEntry, names: Mapping[UUID, str]) -> str:
    """Return the detail of an entry with staff names for their ids and other ids shortened.

    The detail of a customer search is omitted: it holds only an id.
    """
    if entry.action == AuditAct.AUDIT_BEGIN:
        return ""
    return _ID.sub(lambda found: names.get(UUID(found[0])) or f"…{found[0][-6:]}", entry.detail)


def describe_entry_author(entry: AuditEntry, names: dict[object, str]) -> str:
    """Return who performed the act."""
    if entry.staff_id is not None:
        return names.get(entry.staff_id) or gettext("somebody who has left")
    return describe_actor(entry.actor)


def describe_actor(value: str) -> str:
    """Return the label of an actor who is not a member of staff."""
    return {
        "customer": gettext("The customer"),
        "system": gettext("Vouchline itself"),
        "operator": gettext("The operator, by command"),
        "provider": gettext("The provider"),
    }.get(value, value)


def is_shown_id(row: UUID | None) -> bool:
    """Return whether an entry's customer or callback exists: a check of a number that nobody was
    calling names a decoy."""
    return row is not None and not is_decoy_id(row)

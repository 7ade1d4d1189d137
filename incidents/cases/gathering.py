"""Evidence as it is read: what one person did with one customer's record on one day is one item."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from datetime import tzinfo

from incidents.cases.reading import Item


def gathered(items: Sequence[Item], zone: tzinfo) -> list[Item]:
    """Items in their order, with the audit entries of one person, customer and day (on the clock of
    ``zone``) under the first of them. What cannot be read stays by itself."""
    groups: dict[Hashable, list[Item]] = {}
    for number, item in enumerate(items):
        entry = item.entry
        key: Hashable = number
        if entry is not None:
            on = entry.at.astimezone(zone).date()
            key = (item.customer_id, entry.actor, entry.staff_id, on)
        groups.setdefault(key, []).append(item)
    return [replace(first, also=tuple(more)) for first, *more in groups.values()]

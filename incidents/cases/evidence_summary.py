"""Evidence as it is read: what one person did with one customer's record on one day is one item,
and what many reports tell alike is said once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from datetime import tzinfo

from incidents.cases.case_view import EvidenceItem

#: Fewer reports are read faster one by one; of each thing that is told, so many values are shown.
_MIN_REPORTS, _MAX_VALUES_SHOWN = 3, 6


def group_evidence_items(items: Sequence[EvidenceItem], zone: tzinfo) -> list[EvidenceItem]:
    """Items in their order, with the audit entries of one person, customer and day (on the clock of
    ``zone``) under the first of them. What cannot be read stays by itself."""
    groups: dict[Hashable, list[EvidenceItem]] = {}
    for number, item in enumerate(items):
        entry = item.entry
        key: Hashable = number
        if entry is not None:
            on = entry.at.astimezone(zone).date()
            key = (item.customer_id, entry.actor, entry.staff_id, on)
        groups.setdefault(key, []).append(item)
    return [replace(first, also=tuple(more)) for first, *more in groups.values()]


def count_common_answers(items: Sequence[EvidenceItem]) -> dict[str, list[tuple[str, int]]]:
    """What their reports tell, and how many tell it, the most first; by the names of a report's
    columns. Empty where there are too few reports for it to help."""
    told = [item.told for item in items if item.told is not None]
    if len(told) < _MIN_REPORTS:
        return {}
    found = {
        "shown_number": _count_equal_answers([one_item.shown_number] for one_item in told),
        "knew": _count_equal_answers(one_item.knew for one_item in told),
        "claimed_to_be": _count_equal_answers([one_item.claimed_to_be] for one_item in told),
        "asked_for": _count_equal_answers(one_item.asked_for for one_item in told),
        "gave": _count_equal_answers(one_item.gave for one_item in told),
    }
    return {name: values for name, values in found.items() if values}


def _count_equal_answers(told: Iterable[Iterable[str]]) -> list[tuple[str, int]]:
    """Numbers that differ in spaces alone are one, and so are names in case."""
    first: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for values in told:
        keys = {"".join(value.split()).casefold(): value for value in values if value}
        counts.update(list(keys))
        first = keys | first
    return [(first[key], count) for key, count in counts.most_common(_MAX_VALUES_SHOWN)]

"""Groups evidence for reading: what one person did with one customer's record on one day is one
item, and common answers of many reports are listed once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from datetime import tzinfo

from incidents.cases.case_view import EvidenceItem

#: Fewer reports are read faster one by one. At most so many values are shown for each column.
_MIN_REPORTS, _MAX_VALUES_SHOWN = 3, 6


def group_evidence_items(items: Sequence[EvidenceItem], zone: tzinfo) -> list[EvidenceItem]:
    """Return the items in order, with audit entries of the same person, customer and day grouped
    under the first.

    Days are counted on the clock of ``zone``. Items without an audit entry stay separate.
    """
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
    """Count equal answers in the items' reports, most frequent first, by report column.

    Returns an empty dict for too few reports to be useful.
    """
    reports = [item.told for item in items if item.told is not None]
    if len(reports) < _MIN_REPORTS:
        return {}
    answers = {
        "shown_number": _count_equal_answers([report.shown_number] for report in reports),
        "knew": _count_equal_answers(report.knew for report in reports),
        "claimed_to_be": _count_equal_answers([report.claimed_to_be] for report in reports),
        "asked_for": _count_equal_answers(report.asked_for for report in reports),
        "gave": _count_equal_answers(report.gave for report in reports),
    }
    return {name: values for name, values in answers.items() if values}


def _count_equal_answers(told: Iterable[Iterable[str]]) -> list[tuple[str, int]]:
    """Count values. Numbers that differ only in spaces, and names that differ only in case, are
    equal."""
    first: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for values in told:
        keys = {"".join(value.split()).casefold(): value for value in values if value}
        counts.update(list(keys))
        first = keys | first
    return [(first[key], count) for key, count in counts.most_common(_MAX_VALUES_SHOWN)]

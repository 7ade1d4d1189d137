"""Which messages protect a customer, and which anybody can set off (rule M5).

What anybody can set off by a form, a call or a text that names somebody's number has small counts
and a small purse of its own, so that it cannot crowd out what protects.
"""

from __future__ import annotations

from enum import StrEnum

#: Page numbers; ring-backs of those who ask the official line; what came of a report.
PAGE_NUMBER, RING_BACK, OUTCOME = "proof", "own", "outcome"
ANYONE_CAN_TRIGGER = frozenset({PAGE_NUMBER, RING_BACK, OUTCOME})
#: What tells of an act of ours, or warns.
PROTECTIVE_KINDS = frozenset(
    {"booked", "moved", "again", "handed", "cancelled", "missed", "earlier", "reminder"}
    | {"number", "phrase", "warning"}
)


class SpendingBudgetName(StrEnum):
    """Which purse pays. ``OURS`` pays for messages that protect customers; the others are small and
    pay for messages that anybody can set off."""

    OURS = "ours"
    ASKED = "asked"  # messages of a kind in ANYBODY
    CUSTOMERS = "customers"  # answers to texts of customers we are not calling
    STRANGERS = "strangers"  # answers to numbers that we do not know


SMALL_BUDGETS = (
    SpendingBudgetName.ASKED,
    SpendingBudgetName.CUSTOMERS,
    SpendingBudgetName.STRANGERS,
)


def spending_budget_for(kind: str) -> SpendingBudgetName:
    """Which purse pays a message of the outbox."""
    return SpendingBudgetName.ASKED if kind in ANYONE_CAN_TRIGGER else SpendingBudgetName.OURS

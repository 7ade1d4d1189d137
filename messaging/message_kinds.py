"""Which messages protect a customer, and which anyone can trigger (rule M5).

Messages that anyone can trigger, by a form, a call or a text that names another person's number,
have small limits and a small budget of their own, so that they cannot displace protective ones.
"""

from __future__ import annotations

from enum import StrEnum

#: Page numbers; ring-backs requested on the official line; outcomes of reports.
PAGE_NUMBER, RING_BACK, OUTCOME = "proof", "own", "outcome"
ANYONE_CAN_TRIGGER = frozenset({PAGE_NUMBER, RING_BACK, OUTCOME})
#: Messages that announce an act of ours, or warn.
PROTECTIVE_KINDS = frozenset(
    {"booked", "moved", "again", "handed", "cancelled", "missed", "earlier", "reminder"}
    | {"number", "phrase", "warning"}
)


class SpendingBudgetName(StrEnum):
    """Which budget pays for a message.

    ``OURS`` pays for messages that protect customers; the others are small and pay for messages
    that anyone can trigger.
    """

    OURS = "ours"
    ASKED = "asked"  # messages of a kind in ANYONE_CAN_TRIGGER
    CUSTOMERS = "customers"  # answers to customers who are not in a call with us
    STRANGERS = "strangers"  # answers to unknown numbers


SMALL_BUDGETS = (
    SpendingBudgetName.ASKED,
    SpendingBudgetName.CUSTOMERS,
    SpendingBudgetName.STRANGERS,
)


def spending_budget_for(kind: str) -> SpendingBudgetName:
    """Return the budget that pays for a kind of outbox message."""
    return SpendingBudgetName.ASKED if kind in ANYONE_CAN_TRIGGER else SpendingBudgetName.OURS

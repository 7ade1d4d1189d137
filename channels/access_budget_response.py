"""The response to a staff member whose access budget is spent. Investigators get a case."""

from __future__ import annotations

from channels.app_context import current_time, unit_of_work
from incidents.access import budget_cases
from people.customers.access_budgets import LONGEST_WINDOW, AccessKind
from people.errors import BudgetExceeded

#: Marks a text for translation; pages translate it when they render it.
N_ = str

BUDGET_SPENT_TITLE = N_("No more customers for now")
_EXPLANATIONS = {
    (AccessKind.OPENED, False): N_(
        "You have opened as many customers as one person may in an hour. Nothing was shown."
        " The investigators have been told. If your work needs more, ask your supervisor."
    ),
    (AccessKind.OPENED, True): N_(
        "You have opened as many customers as one person may in a day. Nothing was shown."
        " The investigators have been told. If your work needs more, ask your supervisor."
    ),
    (AccessKind.MISSED, False): N_(
        "Too many of your look-ups in the last hour found nobody. Nothing was looked up."
        " The investigators have been told. If your work needs more, ask your supervisor."
    ),
    (AccessKind.MISSED, True): N_(
        "Too many of your look-ups in the last day found nobody. Nothing was looked up."
        " The investigators have been told. If your work needs more, ask your supervisor."
    ),
    (AccessKind.UNKNOWN, False): N_(
        "Too much of what you asked for in the last hour is not there, or not yours. Nothing was"
        " looked up. The investigators have been told. Try again later, from a page that is new."
    ),
    (AccessKind.UNKNOWN, True): N_(
        "Too much of what you asked for in the last day is not there, or not yours. Nothing was"
        " looked up. The investigators have been told. Try again later, from a page that is new."
    ),
}


def open_case_for_stop(stop: BudgetExceeded) -> None:
    """Open the case in its own unit of work, because the unit of work of the access was rolled
    back. Call it before answering, so that every stop has a case."""
    with unit_of_work() as session:
        budget_cases.open_budget_case(session, stop, current_time())


def explain_budget_stop(stop: BudgetExceeded) -> str:
    """Return the untranslated explanation of what happened, and who can help."""
    return _EXPLANATIONS[AccessKind(stop.kind), stop.within >= LONGEST_WINDOW]


def retry_after_seconds(stop: BudgetExceeded) -> str:
    """Return the number of seconds until another customer can be opened."""
    return str(max(1, int(stop.again.total_seconds()) + 1))

"""What somebody reads who may open no more customers for now, and that investigators are told."""

from __future__ import annotations

from channels.app_context import current_time, unit_of_work
from incidents.access import budget_cases
from people.customers.access_budgets import LONGEST_WINDOW, AccessKind
from people.errors import BudgetExceeded

#: Marks a text for the catalogues; pages translate it when it is shown.
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
    """Raise the case in a unit of work of its own, since that of the opening was rolled back. Only
    then is the stop answered, so that no answered stop goes unseen."""
    with unit_of_work() as session:
        budget_cases.open_budget_case(session, stop, current_time())


def explain_budget_stop(stop: BudgetExceeded) -> str:
    """What happened, and whom to ask. Untranslated."""
    return _EXPLANATIONS[AccessKind(stop.kind), stop.within >= LONGEST_WINDOW]


def retry_after_seconds(stop: BudgetExceeded) -> str:
    """In how many seconds another customer can be opened."""
    return str(max(1, int(stop.again.total_seconds()) + 1))

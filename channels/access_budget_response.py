"""What somebody reads who may open no more customers for now, and that investigators are told."""

from __future__ import annotations

from channels.app_context import now, unit
from incidents.access import budget_cases
from people.customers.access_budgets import LONGEST, Kind
from people.errors import BudgetSpent

#: Marks a text for the catalogues; pages translate it when it is shown.
N_ = str

TITLE = N_("No more customers for now")
_SAID = {
    (Kind.OPENED, False): N_(
        "You have opened as many customers as one person may in an hour. Nothing was shown."
        " The investigators have been told. If your work needs more, ask your supervisor."
    ),
    (Kind.OPENED, True): N_(
        "You have opened as many customers as one person may in a day. Nothing was shown."
        " The investigators have been told. If your work needs more, ask your supervisor."
    ),
    (Kind.MISSED, False): N_(
        "Too many of your look-ups in the last hour found nobody. Nothing was looked up."
        " The investigators have been told. If your work needs more, ask your supervisor."
    ),
    (Kind.MISSED, True): N_(
        "Too many of your look-ups in the last day found nobody. Nothing was looked up."
        " The investigators have been told. If your work needs more, ask your supervisor."
    ),
    (Kind.UNKNOWN, False): N_(
        "Too much of what you asked for in the last hour is not there, or not yours. Nothing was"
        " looked up. The investigators have been told. Try again later, from a page that is new."
    ),
    (Kind.UNKNOWN, True): N_(
        "Too much of what you asked for in the last day is not there, or not yours. Nothing was"
        " looked up. The investigators have been told. Try again later, from a page that is new."
    ),
}


def tell(stop: BudgetSpent) -> None:
    """Raise the case in a unit of work of its own, since that of the opening was rolled back. Only
    then is the stop answered, so that no answered stop goes unseen."""
    with unit() as session:
        budget_cases.file(session, stop, now())


def detail(stop: BudgetSpent) -> str:
    """What happened, and whom to ask. Untranslated."""
    return _SAID[Kind(stop.kind), stop.within >= LONGEST]


def retry_after(stop: BudgetSpent) -> str:
    """In how many seconds another customer can be opened."""
    return str(max(1, int(stop.again.total_seconds()) + 1))

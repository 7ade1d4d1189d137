"""The booking form: what was typed, what is wrong with it, and what it offers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from werkzeug.datastructures import MultiDict

from channels.console.agent import time_picker
from channels.console.staff_request import Desk
from people import phone_numbers
from people.customers import customer_records
from people.errors import InvalidInput
from scheduling.availability import slot_search, teams
from scheduling.availability.agent_assignment import Need
from scheduling.booking import bookings
from scheduling.booking.customer_lookup import Match
from scheduling.calendars import local_time

Typed = dict[str, str]
MINUTES = 15
_FIELDS = (
    *("find", "purpose", "name", "locale", "timezone", "topic", "ticket", "minutes"),
    *("slot", "on", "at", "key", "whose", "product"),
)
_LONGEST = 200
AGAIN = "key"
ANY = "any"


def typed(form: MultiDict[str, str]) -> Typed:
    """Every field as text, cut where no value is that long."""
    return {field: form.get(field, "").strip()[:_LONGEST] for field in _FIELDS}


def problems(
    desk: Desk, match: Match, form: Typed
) -> tuple[dict[str, str], tuple[datetime, ...] | None]:
    """Everything that can be seen to be wrong without asking the store, by field; and the two
    instants of a time that comes twice, to choose from."""
    found: dict[str, str] = {}
    twice = None
    for look in _looks(desk, match, form):
        try:
            look()
        except local_time.Repeated as error:
            found[error.field], twice = str(error), error.instants
        except InvalidInput as error:
            found[error.field] = str(error)
    return found, twice


def _looks(desk: Desk, match: Match, form: Typed) -> Iterator[Callable[[], object]]:
    if match.customer is None:
        yield lambda: customer_records.clean_name(form["name"])
        yield lambda: phone_numbers.zone(form["timezone"] or match.timezone)
    yield lambda: bookings.clean_topic(form["topic"])
    yield lambda: bookings.clean_ticket(form["ticket"])
    yield lambda: minutes_of(form["minutes"])
    yield lambda: time_picker.chosen(desk, form)


def key_for(form: Typed, errors: Mapping[str, str]) -> str:
    """The key under which the form books: the same until it has booked."""
    return form["key"] if form["key"] and AGAIN not in errors else secrets.token_urlsafe(16)


def minutes_of(text: str) -> int:
    if not text.isdecimal() or len(text) > 4:
        raise InvalidInput("minutes", "Write the length in minutes, like 15.")
    minutes = int(text)
    slot_search.require_length(minutes)
    return minutes


def length_of(form: Typed) -> int:
    """The length that was typed, or the usual one while it cannot be used."""
    try:
        return minutes_of(form["minutes"])
    except InvalidInput:
        return MINUTES


def need_of(desk: Desk, match: Match, form: Typed) -> Need | None:
    """Who else could make the call: of the agent's team, in the customer's language; none where
    the agent makes it."""
    if form["whose"] != ANY:
        return None
    locale = match.customer.locale if match.customer else form["locale"]
    team = teams.of_agent(desk.session, desk.principal.id)
    return Need(team, locale.partition("-")[0].partition("_")[0].lower(), form["product"])


def zone_of(match: Match, form: Typed) -> str:
    """The customer's zone as far as it is known: theirs, the one typed, or the number's."""
    if match.customer is not None:
        return match.timezone
    try:
        return phone_numbers.zone(form["timezone"]).key
    except InvalidInput:
        return match.timezone

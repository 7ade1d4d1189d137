"""The booking form: its fields, their validation, and the choices it offers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from werkzeug.datastructures import MultiDict

from channels.console.agent import time_picker
from channels.console.staff_request import StaffRequest
from channels.error_codes import ChannelErrorCode
from channels.error_texts import describe_error
from people import phone_numbers
from people.customers import customer_creation
from people.errors import InvalidInput
from scheduling.availability import slot_problems, teams
from scheduling.availability.agent_assignment import AgentRequirements
from scheduling.booking import bookings
from scheduling.booking.customer_lookup import CustomerMatch
from scheduling.calendars import local_time

BookingFields = dict[str, str]
DEFAULT_MINUTES = 15
_FIELDS = (
    *("find", "purpose", "name", "locale", "timezone", "topic", "ticket", "minutes"),
    *("slot", "on", "at", "key", "whose", "product"),
)
_LONGEST = 200
DUPLICATE_FIELD = "key"
ANY_AGENT = "any"


def read_booking_fields(form: MultiDict[str, str]) -> BookingFields:
    """Return every field as text, cut to the maximum length."""
    return {field: form.get(field, "").strip()[:_LONGEST] for field in _FIELDS}


def check_booking_fields(
    desk: StaffRequest, match: CustomerMatch, form: BookingFields
) -> tuple[dict[str, str], tuple[datetime, ...] | None]:
    """Validate what can be validated without the database.

    Return the errors by field, and the two instants to choose from if the local time is ambiguous.
    """
    errors: dict[str, str] = {}
    twice = None
    for check in _booking_field_checks(desk, match, form):
        try:
            check()
        except local_time.AmbiguousTime as error:
            errors[error.field], twice = describe_error(error), error.instants
        except InvalidInput as error:
            errors[error.field] = describe_error(error)
    return errors, twice


def _booking_field_checks(
    desk: StaffRequest, match: CustomerMatch, form: BookingFields
) -> Iterator[Callable[[], object]]:
    if match.customer is None:
        yield lambda: customer_creation.clean_name(form["name"])
        yield lambda: phone_numbers.parse_time_zone(form["timezone"] or match.timezone)
    yield lambda: bookings.clean_topic(form["topic"])
    yield lambda: bookings.clean_ticket(form["ticket"])
    yield lambda: parse_call_minutes(form["minutes"])
    yield lambda: time_picker.read_chosen_time(desk, form)


def choose_form_key(form: BookingFields, errors: Mapping[str, str]) -> str:
    """Return the idempotency key of the form. It stays the same until the form has booked."""
    return (
        form["key"] if form["key"] and DUPLICATE_FIELD not in errors else secrets.token_urlsafe(16)
    )


def parse_call_minutes(text: str) -> int:
    if not text.isdecimal() or len(text) > 4:
        raise InvalidInput("minutes", ChannelErrorCode.LENGTH_INVALID)
    minutes = int(text)
    slot_problems.require_call_length(minutes)
    return minutes


def parse_minutes_or_default(form: BookingFields) -> int:
    """Return the entered length in minutes, or the default if it is invalid."""
    try:
        return parse_call_minutes(form["minutes"])
    except InvalidInput:
        return DEFAULT_MINUTES


def build_form_requirements(
    desk: StaffRequest, match: CustomerMatch, form: BookingFields
) -> AgentRequirements | None:
    """Return the requirements for another agent: same team, the customer's language and the
    product.

    None if the agent makes the call themselves.
    """
    if form["whose"] != ANY_AGENT:
        return None
    locale = match.customer.locale if match.customer else form["locale"]
    team = teams.team_id_of_agent(desk.session, desk.principal.id)
    return AgentRequirements(
        team, locale.partition("-")[0].partition("_")[0].lower(), form["product"]
    )


def choose_customer_zone(match: CustomerMatch, form: BookingFields) -> str:
    """Return the customer's time zone: the stored one, the entered one, or the number's."""
    if match.customer is not None:
        return match.timezone
    try:
        return phone_numbers.parse_time_zone(form["timezone"]).key
    except InvalidInput:
        return match.timezone

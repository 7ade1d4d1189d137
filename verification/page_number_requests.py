"""Requests for a page number: decides whether it may be sent now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from messaging import call_consent, line_types
from messaging.calling_hours import CallingHours
from messaging.providers.base import VOICE
from people.customers import customer_number
from people.models import Customer
from scheduling.policy import Policy
from storage import advisory_lock
from storage.column_types import new_id
from vault.keys import keyring
from verification import page_number_limits

_NOBODY = new_id()


@dataclass(frozen=True)
class PageNumberRequest:
    """A number to prove, and its customer, if there is one."""

    phone: str
    forms: Sequence[bytes]
    customer: Customer | None
    medium: str
    decent: CallingHours

    @property
    def owner(self) -> UUID | None:
        return self.customer.id if self.customer else None


def lock_page_number_request(
    session: Session, phone: str, medium: str, policy: Policy, now: datetime
) -> PageNumberRequest:
    """Build the request, and hold a lock on the phone until the transaction ends, so that other
    requests for it wait."""
    ring = keyring.current_keyring(session)
    advisory_lock.acquire_lock(session, ring.compute_stable_form("phone", phone))
    if line_types.find_line_type(session, phone, now) == line_types.LANDLINE:
        medium = VOICE
    customer = customer_number.find_active_holder(session, phone, now)
    decent = policy.calling_hours_for(customer.timezone if customer else policy.default_zone)
    return PageNumberRequest(
        phone, ring.compute_search_forms("phone", phone), customer, medium, decent
    )


def may_send_page_number(session: Session, asked: PageNumberRequest, now: datetime) -> bool:
    """Return whether the page number may be sent now; anybody may have requested it (rules M4 and
    M5).

    A call is placed only outside quiet hours, and once until the number is proven; a text in quiet
    hours likewise once; nothing is sent while the guess limit is reached. Evaluates every condition
    whatever the result, so that the time reveals nothing.
    """
    limited = page_number_limits.is_guess_limit_reached(session, now)
    proven_at = customer_number.last_proof_time(session, asked.phone)
    may_call = call_consent.may_place_requested_call(
        session, asked.owner or _NOBODY, proven_at, now
    )
    night, evening = asked.decent.next_allowed(now) > now, asked.decent.last_night_start(now)
    since = max(evening, proven_at) if proven_at else evening
    tonight = page_number_limits.count_sent_since(session, asked.forms, since)
    if asked.medium == VOICE:
        return not limited and may_call and not night
    return not limited and not (night and tonight)

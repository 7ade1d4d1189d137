"""People, callbacks and calls for tests, made by the domain's own functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from sqlmodel import Session

from people.customers import customer_creation, customer_records
from people.customers.lookup_purposes import LookupPurpose
from people.models import Customer, Role, Staff
from people.principal import Principal
from people.staff import staff_records
from scheduling.booking import bookings, customer_lookup
from scheduling.booking.bookings import BookingRequest
from scheduling.models import Callback
from scheduling.policy import Policy
from tests.databases import Store
from vault.audit import audit_log
from verification import call_session

ORGANISATION = "Example Bank"
PHONE = "+447400123456"
OTHER_PHONE = "+447400123457"
_number = count(1)


def a_policy(**more: Any) -> Policy:
    """The rules of an installation, as the settings' defaults have them."""
    from datetime import time

    given: dict[str, Any] = {
        "organisation": ORGANISATION,
        "official_phone": "+442079460123",
        "languages": ("en", "de", "es"),
        "default_region": "GB",
        "countries": (),
        "default_zone": "Europe/London",
        "min_notice_minutes": 5,
        "max_ahead_days": 180,
        "window_lead_minutes": 5,
        "calling_hours": (time(8), time(21)),
        "code_digits": 6,
        "code_minutes": 10,
    }
    return Policy(**(given | more))


def a_phone() -> str:
    """A number that no other test customer of this process has."""
    return f"+4474{next(_number):08d}"


def an_agent(session: Session, now: datetime, *, name: str = "Ana Silva", **more: Any) -> Staff:
    """An agent without working hours, so bookable at any."""
    email = more.pop("email", f"agent{next(_number)}@example.org")
    zone = more.pop("timezone", "Europe/London")
    return staff_records.add_staff_member(
        session, email, name, more.pop("role", "agent"), now, timezone=zone, **more
    )


def a_customer(
    session: Session, now: datetime, phone: str = "", name: str = "Gwen Jones", **more: Any
) -> Customer:
    """A customer; with a number of their own unless told."""
    new = customer_creation.NewCustomer(phone or a_phone(), name, more.pop("locale", "en"), **more)
    return customer_creation.add_customer(
        session, new, audit_log.SYSTEM, now, default_zone="Europe/London"
    )


def a_callback(
    session: Session,
    now: datetime,
    *,
    agent: Staff | None = None,
    customer: Customer | None = None,
    minutes: int = 15,
    ahead: timedelta = timedelta(minutes=10),
    policy: Policy | None = None,
) -> Callback:
    """A booked callback ``ahead`` of the whole minute."""
    agent = agent or an_agent(session, now)
    customer = customer or a_customer(session, now)
    starts_at = now.replace(second=0, microsecond=0) + ahead
    wish = BookingRequest(starts_at, minutes, "your router", "T-1001")
    return bookings.book_callback(session, customer, agent.id, wish, policy or a_policy(), now)


@dataclass(frozen=True)
class Call:
    """A call in progress: what its agent knows, and the number it goes to."""

    callback_id: UUID
    agent_id: UUID
    phone: str
    code: str
    started_at: datetime
    valid_until: datetime


def a_call(
    store: Store, now: datetime, phone: str = "", *, policy: Policy | None = None, **more: Any
) -> Call:
    """A call just started at ``now``, booked ten minutes before for this very minute."""
    policy = policy or a_policy()
    phone = phone or a_phone()
    earlier = now - timedelta(minutes=10)
    with store.unit() as session:
        customer = customer_records.find_by_phone(session, phone) or a_customer(
            session, earlier, phone
        )
        callback = a_callback(session, earlier, customer=customer, policy=policy, **more)
        issued = call_session.start_call(session, callback, policy, now)
        return Call(callback.id, callback.agent_id, phone, issued.code, now, issued.valid_until)


def wrong(code: str, by: int = 1) -> str:
    """A code that is surely not this one."""
    return f"{(int(code) + by) % 10 ** len(code):0{len(code)}d}"


def looked_up(session: Session, member: Staff, phone: str, now: datetime) -> None:
    """A member of staff looks a number up, and then does nothing with it."""
    who = Principal(member.id, Role(member.role))
    customer_lookup.look_up_customer(session, who, phone, LookupPurpose.ASKED, a_policy(), now)

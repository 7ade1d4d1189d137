"""Blocks bookings and calls while a recently changed number is on hold."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from people.customers import customer_number
from people.models import Customer
from scheduling.error_codes import SchedulingErrorCode
from scheduling.errors import WrongState


def require_no_number_change_hold(session: Session, customer: Customer, now: datetime) -> None:
    """Raise ``WrongState`` while the number is on hold.

    Also lock the customer, so that the number cannot change before this transaction ends.
    """
    session.refresh(customer, with_for_update={"read": True})
    if customer_number.is_number_on_hold(customer, now):
        raise WrongState(SchedulingErrorCode.NUMBER_CHANGE_ON_HOLD)

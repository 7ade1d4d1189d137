"""Authenticates customers on the portal: they have recently proven to hold the number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Concatenate, ParamSpec
from zoneinfo import ZoneInfo

from flask import Blueprint, make_response, redirect, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from channels.app_context import current_time, unit_of_work
from channels.locale_selection import select_locale
from channels.time_format import LocalClock
from people.customers import customer_sessions
from people.models import Customer

bp = Blueprint("own", __name__, url_prefix="/my")

TOKEN_KEY = "customer"  # noqa: S105  (the name of the cookie's one entry)
P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]


@dataclass(frozen=True)
class CustomerRequest:
    """An open unit of work, the customer, and the current time in UTC."""

    session: Session
    customer: Customer
    moment: datetime

    @property
    def clock(self) -> LocalClock:
        """The clock in the customer's zone."""
        return LocalClock(ZoneInfo(self.customer.timezone), select_locale(), self.moment)


def customer_required(
    view: Callable[Concatenate[CustomerRequest, P], ResponseReturnValue],
) -> View[P]:
    """Pass a :class:`CustomerRequest` to the view; redirect other visitors to prove their number
    first.

    As on the console, the response is sent after the unit of work has committed.
    """

    @wraps(view)
    def view_for_customer(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        moment = current_time()
        with unit_of_work() as session:
            owner = find_customer_request(session, moment)
            if owner is None:
                ended = 1 if TOKEN_KEY in cookie else None
                return redirect(url_for("own.show_portal_home", out=ended), code=303)
            return make_response(view(owner, *args, **kwargs))

    return view_for_customer


def find_customer_request(session: Session, moment: datetime) -> CustomerRequest | None:
    """Return the request of this browser's customer; ``None`` without a valid session."""
    token = cookie.get(TOKEN_KEY)
    customer_id = (
        customer_sessions.find_session_customer(session, token, moment)
        if isinstance(token, str)
        else None
    )
    if customer_id is None:
        return None
    return CustomerRequest(session, session.get_one(Customer, customer_id), moment)

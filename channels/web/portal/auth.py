"""Who is at a customer's own page: whoever has proven, a little while ago, to hold the number."""

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
    """An open unit of work, the customer whose page it is, and this moment."""

    session: Session
    customer: Customer
    moment: datetime

    @property
    def clock(self) -> LocalClock:
        """The clock on the customer's wall."""
        return LocalClock(ZoneInfo(self.customer.timezone), select_locale(), self.moment)


def customer_required(
    view: Callable[Concatenate[CustomerRequest, P], ResponseReturnValue],
) -> View[P]:
    """Let in a customer and hand them an :class:`CustomerRequest`; anybody else proves their number
    first.

    As at the console, the answer goes out after the unit has committed.
    """

    @wraps(view)
    def view_for_customer(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        moment = current_time()
        with unit_of_work() as session:
            owner = find_customer_request(session, moment)
            if owner is None:
                out = 1 if TOKEN_KEY in cookie else None
                return redirect(url_for("own.show_portal_home", out=out), code=303)
            return make_response(view(owner, *args, **kwargs))

    return view_for_customer


def find_customer_request(session: Session, moment: datetime) -> CustomerRequest | None:
    """The customer of this browser, if there is one."""
    token = cookie.get(TOKEN_KEY)
    found = (
        customer_sessions.find_session_customer(session, token, moment)
        if isinstance(token, str)
        else None
    )
    if found is None:
        return None
    return CustomerRequest(session, session.get_one(Customer, found), moment)

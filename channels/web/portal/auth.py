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

from channels.app_context import now, unit
from channels.locale_selection import select
from channels.time_format import Clock
from people.customers import customer_sessions
from people.models import Customer

pages = Blueprint("own", __name__, url_prefix="/my")

TOKEN = "customer"  # noqa: S105  (the name of the cookie's one entry)
P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]


@dataclass(frozen=True)
class Owner:
    """An open unit of work, the customer whose page it is, and this moment."""

    session: Session
    customer: Customer
    moment: datetime

    @property
    def clock(self) -> Clock:
        """The clock on the customer's wall."""
        return Clock(ZoneInfo(self.customer.timezone), select(), self.moment)


def own_page(view: Callable[Concatenate[Owner, P], ResponseReturnValue]) -> View[P]:
    """Let in a customer and hand them an :class:`Owner`; anybody else proves their number first.

    As at the console, the answer goes out after the unit has committed.
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        moment = now()
        with unit() as session:
            owner = here(session, moment)
            if owner is None:
                out = 1 if TOKEN in cookie else None
                return redirect(url_for("own.enter", out=out), code=303)
            return make_response(view(owner, *args, **kwargs))

    return guarded


def here(session: Session, moment: datetime) -> Owner | None:
    """The customer of this browser, if there is one."""
    token = cookie.get(TOKEN)
    found = customer_sessions.signed_in(session, token, moment) if isinstance(token, str) else None
    if found is None:
        return None
    return Owner(session, session.get_one(Customer, found), moment)

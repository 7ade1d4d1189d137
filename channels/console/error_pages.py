"""What goes wrong on the console: a page in its own frame, with a way back."""

from __future__ import annotations

import structlog
from flask import Response, g, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import NotFound as NoPage

from channels import access_budget_response
from channels.console.staff_request import pages
from channels.error_handlers import OUT_OF_REACH
from channels.rate_limits import TooMany
from people.errors import (
    AskedAlready,
    BudgetSpent,
    InvalidInput,
    LinkSpent,
    NoLonger,
    NotAllowed,
    NotFound,
    ProofNeeded,
)
from people.models import Role
from scheduling.errors import OutsideWindow, SlotTaken, WrongState

log = structlog.get_logger("console")


def page(status: int, title: str, detail: str, *, asks: bool = False) -> Response:
    """An error page, with a way back; ``asks`` adds one to where more customers are asked for."""
    back, words = _back(status)
    response = make_response(
        render_template(
            "console/problem.html",
            title=title,
            detail=detail,
            asks=asks and g.get("role") != Role.SUPERVISOR,
            back=back,
            back_words=words,
        )
    )
    response.status_code = status
    return response


def _back(status: int) -> tuple[str, str]:
    """Where to go on: address and words."""
    callback_id = (request.view_args or {}).get("callback_id")
    if callback_id is not None and status == 409:
        return url_for("console.card", callback_id=callback_id), gettext("Back to the callback")
    if status != 404 and request.path.startswith(url_for("console.approvals")):
        return url_for("console.approvals"), gettext("Back to the approvals")
    reference = (request.view_args or {}).get("reference")
    reads_cases = g.get("role") == Role.INVESTIGATOR
    if reference is not None and status in (403, 409, 422, 429) and reads_cases:
        return url_for("console.case", reference=reference), gettext("Back to the case")
    return url_for("console.home"), gettext("Back to my start")


@pages.get("/<path:_>")
def nothing(_: str) -> Response:
    """Any address that is none of ours, alike for everybody."""
    raise NoPage


@pages.errorhandler(WrongState)
@pages.errorhandler(OutsideWindow)
@pages.errorhandler(SlotTaken)
@pages.errorhandler(NoLonger)
def conflict(error: Exception) -> Response:
    """The callback or request is no longer as the form believed: another tab, somebody else, or
    the time."""
    return page(409, gettext("Not possible now"), str(error))


@pages.errorhandler(AskedAlready)
def asked_already(_: AskedAlready) -> ResponseReturnValue:
    """A form that was sent twice: what it asked for the first time stands."""
    return redirect(url_for("console.approvals", done="already"), code=303)


@pages.errorhandler(NotFound)
@pages.errorhandler(NoPage)
def not_found(_: Exception) -> Response:
    """One page for what is not there and what is not yours."""
    return page(404, gettext("Not found"), gettext("There is nothing of yours at this address."))


@pages.errorhandler(NotAllowed)
def not_allowed(error: NotAllowed) -> Response:
    return page(403, gettext("Not your page"), str(error))


@pages.errorhandler(ProofNeeded)
def proof_needed(_: ProofNeeded) -> ResponseReturnValue:
    """Nothing was done; first they prove again who they are."""
    there = url_for("console.prove", next=url_for("console.account"))
    return (jsonify(next=there), 403) if request.is_json else redirect(there, code=303)


@pages.errorhandler(LinkSpent)
def spent(_: LinkSpent) -> Response:
    detail = gettext("It was used already or is too old. Ask for a new one.")
    return page(410, gettext("This link no longer works"), detail)


@pages.errorhandler(InvalidInput)
def invalid(error: InvalidInput) -> Response:
    return page(422, gettext("This cannot be used"), str(error))


@pages.errorhandler(TooMany)
def too_many(error: TooMany) -> Response:
    detail = gettext("Try again in %(seconds)s seconds.", seconds=error.retry_after)
    response = page(429, gettext("Too many at once"), detail)
    response.headers["Retry-After"] = str(error.retry_after)
    return response


@pages.errorhandler(BudgetSpent)
def budget_spent(stop: BudgetSpent) -> Response:
    """Nothing is shown, and the investigators know before the answer goes out."""
    try:
        access_budget_response.tell(stop)
    except OUT_OF_REACH as error:
        return out_of_reach(error)
    detail = gettext(access_budget_response.detail(stop))
    response = page(429, gettext(access_budget_response.TITLE), detail, asks=True)
    response.headers["Retry-After"] = access_budget_response.retry_after(stop)
    return response


@pages.errorhandler(CSRFError)
def forged_or_stale(_: CSRFError) -> Response:
    """Mostly a page from before the last sign-in or sign-out."""
    detail = gettext(
        "This page is from an earlier sign-in, so what you sent was not done."
        " Open the page again and repeat it."
    )
    return page(400, gettext("This page is out of date"), detail)


def out_of_reach(error: Exception) -> Response:
    """The store, a key or the limits are out of reach: nothing is shown, nothing was done."""
    log.error("out of reach", kind=type(error).__name__, path=request.endpoint)
    detail = gettext("Nothing was changed. Wait a minute, then try again.")
    return page(503, gettext("We cannot do this just now"), detail)


for _kind in OUT_OF_REACH:
    pages.register_error_handler(_kind, out_of_reach)


@pages.errorhandler(HTTPException)
def http(error: HTTPException) -> Response:
    detail = gettext("This is too large. Send less.") if error.code == 413 else ""
    return page(error.code or 500, error.name, detail)

"""Error handlers of the console: each renders a page in the console's layout with a link back."""

from __future__ import annotations

import structlog
from flask import Response, g, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import NotFound as NoPage

from channels import access_budget_response
from channels.console.staff_request import bp
from channels.error_handlers import UNAVAILABLE_ERRORS, find_http_error_text
from channels.error_texts import describe_error
from channels.rate_limits import RateLimitExceeded
from config.domain_errors import DomainError
from people.errors import (
    AlreadyRequested,
    BudgetExceeded,
    Conflict,
    InvalidInput,
    LinkExpired,
    NotAllowed,
    NotFound,
    ReauthenticationRequired,
)
from people.models import Role
from scheduling.errors import OutsideWindow, SlotTaken, WrongState

log = structlog.get_logger("console")


def render_error_page(status: int, title: str, detail: str, *, asks: bool = False) -> Response:
    """Render an error page with a link back. ``asks`` adds a link to the form that requests a
    higher access budget."""
    back, words = _error_return_link(status)
    response = make_response(
        render_template(
            "console/error.html",
            title=title,
            detail=detail,
            asks=asks and g.get("role") != Role.SUPERVISOR,
            back=back,
            back_words=words,
        )
    )
    response.status_code = status
    return response


def _error_return_link(status: int) -> tuple[str, str]:
    """Return the address and the label of the link back."""
    callback_id = (request.view_args or {}).get("callback_id")
    if callback_id is not None and status == 409:
        return url_for("console.show_callback_page", callback_id=callback_id), gettext(
            "Back to the callback"
        )
    if status != 404 and request.path.startswith(url_for("console.show_approvals")):
        return url_for("console.show_approvals"), gettext("Back to the approvals")
    reference = (request.view_args or {}).get("reference")
    reads_cases = g.get("role") == Role.INVESTIGATOR
    if reference is not None and status in (403, 409, 422, 429) and reads_cases:
        return url_for("console.show_case", reference=reference), gettext("Back to the case")
    return url_for("console.show_role_home"), gettext("Back to my start")


@bp.get("/<path:_>")
def reject_unknown_address(_: str) -> Response:
    """Answer 404 at every address that has no page, signed in or not."""
    raise NoPage


@bp.errorhandler(WrongState)
@bp.errorhandler(OutsideWindow)
@bp.errorhandler(SlotTaken)
@bp.errorhandler(Conflict)
def render_console_conflict(error: DomainError) -> Response:
    """Answer 409: the callback or request has changed since the form was shown (another tab,
    another person, or the time)."""
    return render_error_page(409, gettext("Not possible now"), describe_error(error))


@bp.errorhandler(AlreadyRequested)
def redirect_asked_already(_: AlreadyRequested) -> ResponseReturnValue:
    """Redirect after a form that was sent twice: the first request stands."""
    return redirect(url_for("console.show_approvals", done="already"), code=303)


@bp.errorhandler(NotFound)
@bp.errorhandler(NoPage)
def render_console_not_found(_: Exception) -> Response:
    """Answer 404, with the same page for what does not exist and what belongs to somebody else."""
    return render_error_page(
        404, gettext("Not found"), gettext("There is nothing of yours at this address.")
    )


@bp.errorhandler(NotAllowed)
def render_console_not_allowed(error: NotAllowed) -> Response:
    return render_error_page(403, gettext("Not your page"), describe_error(error))


@bp.errorhandler(ReauthenticationRequired)
def redirect_to_proof(_: ReauthenticationRequired) -> ResponseReturnValue:
    """Ask for reauthentication. Nothing was changed."""
    there = url_for("console.show_proof_form", next=url_for("console.show_account"))
    return (jsonify(next=there), 403) if request.is_json else redirect(there, code=303)


@bp.errorhandler(LinkExpired)
def render_console_link_expired(_: LinkExpired) -> Response:
    detail = gettext("It was used already or is too old. Ask for a new one.")
    return render_error_page(410, gettext("This link no longer works"), detail)


@bp.errorhandler(InvalidInput)
def render_console_invalid_input(error: InvalidInput) -> Response:
    return render_error_page(422, gettext("This cannot be used"), describe_error(error))


@bp.errorhandler(RateLimitExceeded)
def render_console_too_many(error: RateLimitExceeded) -> Response:
    detail = gettext("Try again in %(seconds)s seconds.", seconds=error.retry_after)
    response = render_error_page(429, gettext("Too many at once"), detail)
    response.headers["Retry-After"] = str(error.retry_after)
    return response


@bp.errorhandler(BudgetExceeded)
def render_console_budget_spent(stop: BudgetExceeded) -> Response:
    """Answer 429 and show nothing. The case for the investigators is committed before the answer is
    sent."""
    try:
        access_budget_response.open_case_for_stop(stop)
    except UNAVAILABLE_ERRORS as error:
        return render_console_unavailable(error)
    detail = gettext(access_budget_response.explain_budget_stop(stop))
    response = render_error_page(
        429, gettext(access_budget_response.BUDGET_SPENT_TITLE), detail, asks=True
    )
    response.headers["Retry-After"] = access_budget_response.retry_after_seconds(stop)
    return response


@bp.errorhandler(CSRFError)
def render_console_csrf_error(_: CSRFError) -> Response:
    """Answer 400. Usually the page is from before the last sign-in or sign-out."""
    detail = gettext(
        "This page is from an earlier sign-in, so what you sent was not done."
        " Open the page again and repeat it."
    )
    return render_error_page(400, gettext("This page is out of date"), detail)


def render_console_unavailable(error: Exception) -> Response:
    """Answer 503: the database, a key or the rate limiter is unavailable. Nothing is shown and
    nothing was changed."""
    log.error("unavailable", kind=type(error).__name__, path=request.endpoint)
    detail = gettext("Nothing was changed. Wait a minute, then try again.")
    return render_error_page(503, gettext("We cannot do this just now"), detail)


for _kind in UNAVAILABLE_ERRORS:
    bp.register_error_handler(_kind, render_console_unavailable)


@bp.errorhandler(HTTPException)
def render_console_http_error(error: HTTPException) -> Response:
    title, detail = find_http_error_text(error.code or 500, error.name)
    return render_error_page(error.code or 500, gettext(title), gettext(detail) if detail else "")

"""Error handlers: an error page for people, a problem document for programs (RFC 9457). An answer
says no more than the client may know, and contains no traceback."""

from __future__ import annotations

import structlog
from flask import Flask, Response, jsonify, make_response, render_template, request
from flask_babel import gettext
from werkzeug.exceptions import HTTPException

from channels import access_budget_response
from channels.error_texts import describe_error, describe_error_in_english
from channels.rate_limits import RateLimiterUnavailable, RateLimitExceeded
from config.domain_errors import DomainError
from people.errors import BudgetExceeded, Conflict, InvalidInput, LinkExpired, NotAllowed, NotFound
from scheduling.errors import OutsideWindow, SlotTaken, WrongState
from storage.session import StoreUnavailable
from vault.errors import KeyUnavailable, Tampered

log = structlog.get_logger("web")

#: Marks a text for translation; pages are translated when shown, problem documents are not.
N_ = str

UNAVAILABLE_ERRORS = (*StoreUnavailable, KeyUnavailable, Tampered, RateLimiterUnavailable)

_DOMAIN_ERRORS: tuple[tuple[type[Exception], int, str], ...] = (
    (InvalidInput, 422, N_("This cannot be used")),
    (SlotTaken, 409, N_("This time is not free")),
    (WrongState, 409, N_("Not possible now")),
    (OutsideWindow, 409, N_("Not possible now")),
    (Conflict, 409, N_("Not possible now")),
    (NotFound, 404, N_("Not found")),
    (NotAllowed, 403, N_("Not allowed")),
    (LinkExpired, 410, N_("This link no longer works")),
)
_LINK_EXPIRED_ADVICE = N_("This link was used already or is too old. Ask for a new one.")


def is_api_request() -> bool:
    """Tell whether the client is a program."""
    return request.path.startswith("/api/")


def build_error_response(status: int, title: str, detail: str, code: str) -> Response:
    """Build a problem document, or an error page with title and detail translated."""
    if is_api_request():
        return build_problem(status, title, detail, code)
    return _render_error_page(status, gettext(title), gettext(detail) if detail else "")


def build_problem(status: int, title: str, detail: str, code: str, **more: object) -> Response:
    """Build a problem document. ``code`` is stable and for programs, ``detail`` for people;
    ``more`` are further members."""
    body: dict[str, object] = {"type": "about:blank", "title": title, "status": status}
    if detail:
        body["detail"] = detail
    response = jsonify({**body, "code": code, **more})
    response.mimetype = "application/problem+json"
    response.status_code = status
    return response


def _render_error_page(status: int, title: str, detail: str) -> Response:
    page = render_template("error.html", title=title, detail=detail, status=status)
    response = make_response(page)
    response.status_code = status
    return response


def register_error_handlers(app: Flask) -> None:
    """Register a handler for every kind of error."""
    for kind, status, title in _DOMAIN_ERRORS:
        app.register_error_handler(kind, _domain_error_handler(status, title))
    app.register_error_handler(RateLimitExceeded, answer_rate_limit_exceeded)
    app.register_error_handler(BudgetExceeded, _answer_budget_spent)
    for kind in UNAVAILABLE_ERRORS:
        app.register_error_handler(kind, _answer_unavailable)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(Exception, _answer_unexpected_error)


def _domain_error_handler(status: int, title: str):  # type: ignore[no-untyped-def]
    def handle_domain_error(error: Exception) -> Response:
        if not isinstance(error, DomainError):
            return build_error_response(status, title, _LINK_EXPIRED_ADVICE, "link_expired")
        if not is_api_request():
            return _render_error_page(status, gettext(title), describe_error(error))
        return _build_domain_problem(error, status, title)

    return handle_domain_error


def _build_domain_problem(error: DomainError, status: int, title: str) -> Response:
    detail = describe_error_in_english(error)
    more: dict[str, object] = {}
    if isinstance(error, SlotTaken):
        more["free_slots"] = [slot.isoformat() for slot in error.free_slots]
    if isinstance(error, InvalidInput):
        more["errors"] = [{"field": error.field, "code": error.code, "detail": detail}]
        detail = f"{error.field}: {detail}"
    return build_problem(status, title, detail, error.code, **more)


TEXT_US_ADVICE = N_("You can text us the check number from your own phone instead.")


def answer_rate_limit_exceeded(error: RateLimitExceeded, more: str = "") -> Response:
    """Say how long to wait; ``more`` is a sentence about what can be done instead."""
    advice = N_("Try again in %(seconds)s seconds.")
    wait = {"seconds": error.retry_after}
    detail = advice % wait if is_api_request() else gettext(advice, **wait)
    detail += f" {more if is_api_request() else gettext(more)}" if more else ""
    response = build_error_response(429, N_("Too many at once"), detail, "too_many_requests")
    response.headers["Retry-After"] = str(error.retry_after)
    return response


def _answer_budget_spent(stop: BudgetExceeded) -> Response:
    try:
        access_budget_response.open_case_for_stop(stop)
    except UNAVAILABLE_ERRORS as error:
        return _answer_unavailable(error)
    response = build_error_response(
        429,
        access_budget_response.BUDGET_SPENT_TITLE,
        access_budget_response.explain_budget_stop(stop),
        "access_budget_spent",
    )
    response.headers["Retry-After"] = access_budget_response.retry_after_seconds(stop)
    return response


def log_failure(event: str, error: Exception) -> None:
    """Log an error: in one line if a dependency is unreachable, which can be thousands a minute,
    and with its traceback if it is unexpected. Call it while handling the error."""
    kind, path = type(error).__name__, request.endpoint
    if isinstance(error, UNAVAILABLE_ERRORS):
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
        log.error(event, kind=kind, reason=reason, path=path)
    else:
        log.exception(event, kind=kind, path=path)


def _answer_unavailable(error: Exception) -> Response:
    log_failure("unavailable", error)
    return build_error_response(
        503, N_("We cannot do this just now"), N_("Wait a minute, then try again."), "unavailable"
    )


_HTTP_ERRORS = {
    400: (N_("Bad Request"), N_("The request is not written as it should be.")),
    404: (N_("Not Found"), N_("There is nothing at this address.")),
    405: (N_("Method Not Allowed"), N_("This address does not take that method.")),
    413: (N_("Request Entity Too Large"), N_("This is too large. Send less.")),
    415: (
        N_("Unsupported Media Type"),
        N_("Send JSON, with the content type application/json."),
    ),
}


def find_http_error_text(status: int, name: str) -> tuple[str, str]:
    """Return the untranslated title and detail of an HTTP error. A page shows the ``name`` of a
    rare one as it is in the standard."""
    return _HTTP_ERRORS.get(status, (name, ""))


def _answer_http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if error.response is not None and status < 400:
        return error.response  # type: ignore[return-value]
    title, detail = find_http_error_text(status, error.name)
    code = error.name.lower().replace(" ", "_")
    response = build_error_response(status, title, detail, code)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "WWW-Authenticate"):
            response.headers[name] = value
    return response


def _answer_unexpected_error(error: Exception) -> Response:
    log_failure("unexpected", error)
    advice = N_("It is our fault, and it has been written down.")
    return build_error_response(500, N_("Something went wrong"), advice, "internal_error")

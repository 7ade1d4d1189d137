"""What goes wrong, said to whoever asked: a page to people, a problem document to programs
(RFC 9457). Nothing here tells more than the asker may know, and nothing ends in a traceback."""

from __future__ import annotations

import structlog
from flask import Flask, Response, jsonify, make_response, render_template, request
from flask_babel import gettext
from werkzeug.exceptions import HTTPException

from channels import access_budget_response
from channels.rate_limits import LimiterUnavailable, TooMany
from people.errors import BudgetSpent, InvalidInput, LinkSpent, NoLonger, NotAllowed, NotFound
from scheduling.errors import OutsideWindow, SlotTaken, WrongState
from storage.session import StoreUnavailable
from vault.errors import KeyUnavailable, Tampered

log = structlog.get_logger("web")

#: Marks a text for the catalogues; pages are translated when shown, problem documents are not.
N_ = str

OUT_OF_REACH = (*StoreUnavailable, KeyUnavailable, Tampered, LimiterUnavailable)

_STATUS: tuple[tuple[type[Exception], int, str], ...] = (
    (InvalidInput, 422, N_("This cannot be used")),
    (SlotTaken, 409, N_("This time is not free")),
    (WrongState, 409, N_("Not possible now")),
    (OutsideWindow, 409, N_("Not possible now")),
    (NoLonger, 409, N_("Not possible now")),
    (NotFound, 404, N_("Not found")),
    (NotAllowed, 403, N_("Not allowed")),
    (LinkSpent, 410, N_("This link no longer works")),
)
_SPENT = N_("This link was used already or is too old. Ask for a new one.")


def is_api() -> bool:
    """Whether the asker is a program."""
    return request.path.startswith("/api/")


def answer(status: int, title: str, detail: str = "", **more: object) -> Response:
    """A problem document or an error page; ``more`` are further members of the document."""
    if is_api():
        body: dict[str, object] = {
            "type": "about:blank",
            "title": title,
            "status": status,
        }
        if detail:
            body["detail"] = detail
        response = jsonify({**body, **more})
        response.mimetype = "application/problem+json"
    else:
        said = gettext(detail) if detail else ""
        page = render_template("error.html", title=gettext(title), detail=said, status=status)
        response = make_response(page)
    response.status_code = status
    return response


def register(app: Flask) -> None:
    """Answer every kind of failure."""
    for kind, status, title in _STATUS:
        app.register_error_handler(kind, _domain(status, title))
    app.register_error_handler(TooMany, too_many)
    app.register_error_handler(BudgetSpent, _budget_spent)
    for kind in OUT_OF_REACH:
        app.register_error_handler(kind, _unavailable)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _domain(status: int, title: str):  # type: ignore[no-untyped-def]
    def handle(error: Exception) -> Response:
        detail = _SPENT if isinstance(error, LinkSpent) else str(error)
        more: dict[str, object] = {}
        if isinstance(error, SlotTaken):
            more["free_slots"] = [slot.isoformat() for slot in error.free_slots]
        if isinstance(error, InvalidInput):
            more["errors"] = [{"field": error.field, "detail": detail}]
        return answer(status, title, detail, **more)

    return handle


TEXT_US = N_("You can text us the check number from your own phone instead.")


def too_many(error: TooMany, more: str = "") -> Response:
    """How long to wait; and ``more``, a sentence about what can be done instead."""
    advice = N_("Try again in %(seconds)s seconds.")
    wait = {"seconds": error.retry_after}
    detail = advice % wait if is_api() else gettext(advice, **wait)
    detail += f" {more if is_api() else gettext(more)}" if more else ""
    response = answer(429, N_("Too many at once"), detail)
    response.headers["Retry-After"] = str(error.retry_after)
    return response


def _budget_spent(stop: BudgetSpent) -> Response:
    try:
        access_budget_response.tell(stop)
    except OUT_OF_REACH as error:
        return _unavailable(error)
    response = answer(429, access_budget_response.TITLE, access_budget_response.detail(stop))
    response.headers["Retry-After"] = access_budget_response.retry_after(stop)
    return response


def note(event: str, error: Exception) -> None:
    """Write an error down: in one line what is out of reach, which can be thousands a minute;
    with its trace what nobody expected. Call it while handling the error."""
    kind, path = type(error).__name__, request.endpoint
    if isinstance(error, OUT_OF_REACH):
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
        log.error(event, kind=kind, reason=reason, path=path)
    else:
        log.exception(event, kind=kind, path=path)


def _unavailable(error: Exception) -> Response:
    note("out of reach", error)
    return answer(503, N_("We cannot do this just now"), N_("Wait a minute, then try again."))


_HTTP = {
    400: (N_("Bad Request"), N_("The request is not written as it should be.")),
    404: (N_("Not Found"), N_("There is nothing at this address.")),
    405: (N_("Method Not Allowed"), N_("This address does not take that method.")),
    413: (N_("Request Entity Too Large"), N_("This is too large. Send less.")),
    415: (
        N_("Unsupported Media Type"),
        N_("Send JSON, with the content type application/json."),
    ),
}


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if error.response is not None and status < 400:
        return error.response  # type: ignore[return-value]
    response = answer(status, *_HTTP.get(status, (error.name, "")))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "WWW-Authenticate"):
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    note("unexpected", error)
    advice = N_("It is our fault, and it has been written down.")
    return answer(500, N_("Something went wrong"), advice)

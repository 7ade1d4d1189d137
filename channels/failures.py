"""What goes wrong, said to whoever asked: a page to people, a problem document to programs
(RFC 9457). Nothing here tells more than the asker may know, and nothing ends in a traceback."""

from __future__ import annotations

import structlog
from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from channels.limiting import LimiterUnavailable, TooMany
from people.errors import InvalidInput, LinkSpent, NotAllowed, NotFound
from scheduling.errors import OutsideWindow, SlotTaken, WrongState
from storage.session import StoreUnavailable
from vault.errors import KeyUnavailable, Tampered

log = structlog.get_logger("web")

OUT_OF_REACH = (*StoreUnavailable, KeyUnavailable, Tampered, LimiterUnavailable)

_STATUS: tuple[tuple[type[Exception], int, str], ...] = (
    (InvalidInput, 422, "This cannot be used"),
    (SlotTaken, 409, "This time is not free"),
    (WrongState, 409, "Not possible now"),
    (OutsideWindow, 409, "Not possible now"),
    (NotFound, 404, "Not found"),
    (NotAllowed, 403, "Not allowed"),
    (LinkSpent, 410, "This link no longer works"),
)
_SPENT = "This link was used already or is too old. Ask for a new one."


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
        page = render_template("error.html", title=title, detail=detail, status=status)
        response = make_response(page)
    response.status_code = status
    return response


def register(app: Flask) -> None:
    """Answer every kind of failure."""
    for kind, status, title in _STATUS:
        app.register_error_handler(kind, _domain(status, title))
    app.register_error_handler(TooMany, _too_many)
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


def _too_many(error: TooMany) -> Response:
    response = answer(429, "Too many at once", f"Try again in {error.retry_after} seconds.")
    response.headers["Retry-After"] = str(error.retry_after)
    return response


def _unavailable(error: Exception) -> Response:
    reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
    log.error("out of reach", kind=type(error).__name__, reason=reason, path=request.endpoint)
    return answer(503, "We cannot do this just now", "Wait a minute, then try again.")


_HTTP_ADVICE = {
    400: "The request is not written as it should be.",
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    413: "This is too large. Send less.",
    415: "Send JSON, with the content type application/json.",
}


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if error.response is not None and status < 400:
        return error.response  # type: ignore[return-value]
    response = answer(status, error.name, _HTTP_ADVICE.get(status, ""))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "WWW-Authenticate"):
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    log.exception("unexpected", kind=type(error).__name__, path=request.endpoint)
    return answer(500, "Something went wrong", "It is our fault, and it has been written down.")

"""Response headers and cookie settings that protect the browser's user."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response, g
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_REQUEST_BYTES = 64 * 1024

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


def register_security_headers(app: Flask, *, https: bool) -> None:
    """Set request limits, cookie flags and headers for all responses."""
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_REQUEST_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_REQUEST_BYTES,
        MAX_FORM_PARTS=100,
        SESSION_COOKIE_NAME="__Host-vouchline" if https else "vouchline",
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
    )
    fixed = {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "X-Frame-Options": "DENY",
    }
    if https:
        fixed["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"

    app.wsgi_app = _with_headers(app.wsgi_app, list(fixed.items()))  # type: ignore[method-assign,assignment]
    app.session_interface = LazySessionInterface()


def _with_headers(inner: WSGIApplication, fixed: list[tuple[str, str]]) -> WSGIApplication:
    """Wrap the application so that every response has these headers, also those of middleware. Only
    static files may be cached."""

    def app_with_headers(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        cacheable = environ["PATH_INFO"].startswith(("/static/", "/bootstrap/"))
        added = fixed if cacheable else [*fixed, ("Cache-Control", "no-store")]

        def start_with_headers(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start(status, [*headers, *added], *more)

        return inner(environ, start_with_headers)

    return app_with_headers


class LazySessionInterface(SecureCookieSessionInterface):
    """Flask's signed cookie, read only if the request has one: most checks come without it."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if self.get_cookie_name(app) in request.cookies:
            return super().open_session(app, request)
        return self.session_class()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Set the session cookie and then the cookies that a view left in ``g``. After a 503 the
        session stays unchanged, so that a failed sign-out can be tried again."""
        if response.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
            super().save_session(app, session, response)
        for cookie in g.pop("cookies", ()):
            response.set_cookie(**cookie)

"""The number that somebody just checked a call with, so that reporting it need not ask again.

It rides in a sealed cookie, never in an address. The verdict's page is the same to the byte for
every number and every negative answer (rule C5), so it cannot hold it; the cookie tells nobody
more than what this browser's owner typed, at one length for all.
"""

from __future__ import annotations

import base64
import binascii

from flask import Response, current_app, request

from channels.app_context import ctx
from vault.errors import Tampered
from vault.keys import keyring

COOKIE = "number"
KEPT_SECONDS = 900
LENGTH = 40
_PLACE = "web.number"


def keep(response: Response, typed: str) -> Response:
    """Hand it to a browser that shows the page to somebody, for a quarter of an hour."""
    if request.headers.get("Sec-Fetch-Mode") != "navigate":
        return response
    plain = "".join(c for c in typed if c.isascii())[:LENGTH].ljust(LENGTH)
    sealed = ctx().ring.seal_for(keyring.REPORTS, _PLACE, plain)
    response.set_cookie(
        COOKIE,
        base64.urlsafe_b64encode(sealed).decode(),
        max_age=KEPT_SECONDS,
        path="/report",
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )
    return response


def read() -> str:
    """The number as it was typed; empty for none."""
    text = request.cookies.get(COOKIE, "")
    try:
        sealed = base64.urlsafe_b64decode(text)
        return ctx().ring.open_for(keyring.REPORTS, _PLACE, sealed).strip() if text else ""
    except (binascii.Error, ValueError, Tampered):
        return ""


def forget(response: Response) -> Response:
    """The report has been sent."""
    response.delete_cookie(COOKIE, path="/report")
    return response

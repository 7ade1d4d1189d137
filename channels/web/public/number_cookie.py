"""The number that somebody just checked a call with, so that reporting it need not ask again.

It rides in a sealed cookie, never in an address. The verdict's page is the same to the byte for
every number and every negative answer (rule C5), so it cannot hold it; the cookie tells nobody
more than what this browser's owner typed, at one length for all.
"""

from __future__ import annotations

import base64
import binascii

from flask import Response, current_app, request

from channels.app_context import current_context
from vault.errors import Tampered
from vault.keys import keyring

NUMBER_COOKIE = "number"
KEPT_SECONDS = 900
PADDED_LENGTH = 40
_SEAL_CONTEXT = "web.number"


def keep_checked_number(response: Response, typed: str) -> Response:
    """Hand it to a browser that shows the page to somebody, for a quarter of an hour."""
    if request.headers.get("Sec-Fetch-Mode") != "navigate":
        return response
    plain = "".join(c for c in typed if c.isascii())[:PADDED_LENGTH].ljust(PADDED_LENGTH)
    sealed = current_context().ring.seal_for_purpose(keyring.REPORTS, _SEAL_CONTEXT, plain)
    response.set_cookie(
        NUMBER_COOKIE,
        base64.urlsafe_b64encode(sealed).decode(),
        max_age=KEPT_SECONDS,
        path="/report",
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )
    return response


def read_checked_number() -> str:
    """The number as it was typed; empty for none."""
    text = request.cookies.get(NUMBER_COOKIE, "")
    try:
        sealed = base64.urlsafe_b64decode(text)
        return (
            current_context().ring.open_for_purpose(keyring.REPORTS, _SEAL_CONTEXT, sealed).strip()
            if text
            else ""
        )
    except (binascii.Error, ValueError, Tampered):
        return ""


def forget_checked_number(response: Response) -> Response:
    """The report has been sent."""
    response.delete_cookie(NUMBER_COOKIE, path="/report")
    return response

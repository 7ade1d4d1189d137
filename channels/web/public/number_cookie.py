"""Remembers the number of a check, so that a report of the call need not ask for it.

It is in an encrypted cookie, never in a URL. The verdict's page is identical for all numbers and
all negative verdicts (rule C5), so it cannot contain the number. The cookie contains only what was
typed into this browser, padded to one length.
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
    """Set the cookie for fifteen minutes if the browser shows the response as a page."""
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
    """Return the number as it was typed; empty without a valid cookie."""
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
    """Delete the cookie after the report was sent."""
    response.delete_cookie(NUMBER_COOKIE, path="/report")
    return response

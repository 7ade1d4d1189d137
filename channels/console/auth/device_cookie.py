"""Device cookies: they identify browsers that have completed a sign-in before.

Such a browser has its own limit of attempts, so that strangers cannot exhaust a colleague's (OWASP,
*Slow Down Online Guessing Attacks with Device Cookies*). The cookie does not sign anybody in.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from flask import current_app, g, request
from itsdangerous import BadData, URLSafeSerializer

from channels.app_context import current_context
from people.models import Staff

COOKIE_LIFETIME = timedelta(days=365)
MAX_STAFF_PER_BROWSER = 8  # the staff member who signed in least recently is dropped


def find_known_browser(member: Staff | None, now: datetime) -> str:
    """Return the key that counts this browser's attempts for ``member``.

    Empty if this browser has never signed them in, if the cookie is too old, or if they have ended
    all their sessions since.
    """
    people = _read_remembered_staff()
    if member is None:
        return ""
    mark, epoch, at = people.get(member.id.hex, ("", -1, 0))
    fresh = 0 <= now.timestamp() - at < COOKIE_LIFETIME.total_seconds()
    return f"{member.id.hex}:{mark}" if fresh and epoch == member.epoch else ""


def remember_browser(member: Staff, now: datetime) -> None:
    """Mark this browser as one that has signed ``member`` in. Each sign-in sets a new random mark,
    so that a copied cookie becomes stale."""
    mine = [secrets.token_hex(16), member.epoch, int(now.timestamp())]
    people = {**_read_remembered_staff(), member.id.hex: mine}
    latest = sorted(people.items(), key=lambda each: each[1][2])[-MAX_STAFF_PER_BROWSER:]
    cookie = {
        "key": _device_cookie_name(),
        "value": _device_cookie_serializer().dumps(dict(latest)),
        "max_age": COOKIE_LIFETIME,
        "secure": current_context().base_url.startswith("https://"),
        "httponly": True,
        "samesite": "Strict",
        "path": "/",
    }
    g.cookies = [cookie]


def _read_remembered_staff() -> dict[str, Any]:
    """Return mark, epoch and time of sign-in by staff id. The cookie is signed, so only this
    application can have written it."""
    try:
        remembered: dict[str, Any] = _device_cookie_serializer().loads(
            request.cookies.get(_device_cookie_name(), "")
        )
    except BadData:
        return {}
    return remembered


def _device_cookie_name() -> str:
    return (
        "__Host-vouchline-browser"
        if current_context().base_url.startswith("https://")
        else "vouchline-browser"
    )


def _device_cookie_serializer() -> URLSafeSerializer:
    keys = [*current_app.config["SECRET_KEY_FALLBACKS"], current_app.config["SECRET_KEY"]]
    return URLSafeSerializer(keys, salt="a browser that let somebody in")

"""Browsers that have signed somebody in before, known again by a cookie of their own.

Such a browser has tries of its own, so that strangers cannot use up a colleague's (OWASP, *Slow
Down Online Guessing Attacks with Device Cookies*). The cookie lets nobody in.
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
MAX_STAFF_PER_BROWSER = 8  # who share a browser, at the most; the one longest away is forgotten


def find_known_browser(member: Staff | None, now: datetime) -> str:
    """What counts this browser's tries for that person apart; empty when it never let them in,
    or they have ended all that was theirs since."""
    people = _read_remembered_staff()
    if member is None:
        return ""
    mark, epoch, at = people.get(member.id.hex, ("", -1, 0))
    fresh = 0 <= now.timestamp() - at < COOKIE_LIFETIME.total_seconds()
    return f"{member.id.hex}:{mark}" if fresh and epoch == member.epoch else ""


def remember_browser(member: Staff, now: datetime) -> None:
    """Let this browser be known as one that has let them in. A new mark each time, so that a
    cookie that was copied falls behind."""
    mine = [secrets.token_hex(16), member.epoch, int(now.timestamp())]
    people = {**_read_remembered_staff(), member.id.hex: mine}
    latest = sorted(people.items(), key=lambda each: each[1][2])[-MAX_STAFF_PER_BROWSER:]
    kept = {
        "key": _device_cookie_name(),
        "value": _device_cookie_serializer().dumps(dict(latest)),
        "max_age": COOKIE_LIFETIME,
        "secure": current_context().base_url.startswith("https://"),
        "httponly": True,
        "samesite": "Strict",
        "path": "/",
    }
    g.cookies = [kept]


def _read_remembered_staff() -> dict[str, Any]:
    """By id: mark, epoch and when. Only we can have written it."""
    try:
        found: dict[str, Any] = _device_cookie_serializer().loads(
            request.cookies.get(_device_cookie_name(), "")
        )
    except BadData:
        return {}
    return found


def _device_cookie_name() -> str:
    return (
        "__Host-vouchline-browser"
        if current_context().base_url.startswith("https://")
        else "vouchline-browser"
    )


def _device_cookie_serializer() -> URLSafeSerializer:
    keys = [*current_app.config["SECRET_KEY_FALLBACKS"], current_app.config["SECRET_KEY"]]
    return URLSafeSerializer(keys, salt="a browser that let somebody in")

"""A coarse description of a browser: enough for its owner to recognise it, too little to tell it
from others of its kind."""

from __future__ import annotations

import re

from flask import request

#: The first match counts: most browsers also claim to be another one.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox|FxiOS", "Firefox"),
    ("Chrome|CriOS|Chromium", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X|Macintosh", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux|X11", "Linux"),
)


def describe_user_agent() -> str:
    """Return a description like ``Firefox, Windows``; empty if nothing is recognised."""
    header = request.headers.get("User-Agent", "")[:500]
    return ", ".join(
        filter(None, (_match_user_agent(_BROWSERS, header), _match_user_agent(_SYSTEMS, header)))
    )


def _match_user_agent(names: tuple[tuple[str, str], ...], said: str) -> str:
    return next((name for pattern, name in names if re.search(pattern, said)), "")

"""What a browser says it is, in a few coarse words: enough for its owner to know it again, and too
little to tell one from another of its kind."""

from __future__ import annotations

import re

from flask import request

#: The first that is found counts: most browsers also call themselves what they are not.
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
    """Like ``Firefox, Windows``; empty when nothing is known."""
    said = request.headers.get("User-Agent", "")[:500]
    return ", ".join(
        filter(None, (_match_user_agent(_BROWSERS, said), _match_user_agent(_SYSTEMS, said)))
    )


def _match_user_agent(names: tuple[tuple[str, str], ...], said: str) -> str:
    return next((name for pattern, name in names if re.search(pattern, said)), "")

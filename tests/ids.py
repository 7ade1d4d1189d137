"""Texts without what is random in them, before digits are looked for that must not be there."""

from __future__ import annotations

import re

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RANDOM = re.compile(r"[A-Za-z0-9_.-]{24,}")


def without_random(text: str) -> str:
    """The text without ids and tokens, in whose digits anything may turn up by chance."""
    return _RANDOM.sub("", _ID.sub("", text))

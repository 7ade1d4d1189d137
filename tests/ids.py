"""Texts without what is random in them, before digits are looked for that must not be there."""

from __future__ import annotations

import re

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TOKEN = re.compile(r"[A-Za-z0-9_.-]{24,}")
#: A fingerprint cut short; a phone number has no letter in it.
_FINGERPRINT = re.compile(r"\b(?=[0-9]*[a-f])[0-9a-f]{12,}\b")


def without_random(text: str) -> str:
    """The text without ids and tokens, in whose digits anything may turn up by chance."""
    for random in (_ID, _TOKEN, _FINGERPRINT):
        text = random.sub("", text)
    return text

"""What Telnyx's error codes mean, in answers to requests and in delivery reports.

The codes and their meanings are those of Telnyx's messaging error reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from messaging.providers.base import OutcomeUnknown, Rejected, Unavailable

OPTED_OUT = "opted_out"
STOP_CODE = 40300

#: Codes that no later try can repair, as our own reasons.
PERMANENT_ERRORS = {
    10002: "invalid_number",
    10016: "invalid_number",
    40001: "landline",
    40002: "filtered",
    40003: "filtered",
    40004: "blocked",
    40005: "unreachable",
    40006: "unreachable",
    40008: "unreachable",
    40012: "unknown_number",
    40013: "sender_not_ours",
    40014: "unreachable",
    40015: "filtered",
    40017: "filtered",
    40100: "sender_not_ours",
    STOP_CODE: OPTED_OUT,
    40301: "unreachable",
    40302: "too_long",
    40305: "sender_not_ours",
    40306: "sender_not_ours",
    40309: "country_not_enabled",
    40310: "invalid_number",
    40319: "unreachable",
    40322: "filtered",
    40328: "too_long",
}
#: Codes of a limit that is reached; and of faults of our account, which an operator can fix.
_BUSY = frozenset({10011, 40011, 40016, 40018, 40318, 40320})
_ACCOUNT = frozenset({10009, 10010, 40311, 40312, 40313, 40314, 40321, 40329})
_BUSY_PAUSE = timedelta(seconds=2)
_LONGEST_PAUSE = 3600


def read_error(answer: object) -> tuple[int | None, str]:
    """Return the code and the words of the first error in an ``errors`` list.

    ``None`` stands for an answer without a code.
    """
    errors = answer.get("errors") if isinstance(answer, Mapping) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, Mapping):
        return None, ""
    code = str(first.get("code", ""))
    words = f"{first.get('title', '')} {first.get('detail', '')}"
    return (int(code) if code.isascii() and code.isdecimal() and len(code) < 7 else None), words


def reason_for(code: int | None, words: str) -> str:
    """Return our reason for a permanent error; empty if the code is no such error.

    An opt-out is stored, so it must be one: the code alone also stands for other refusals.
    """
    if code == STOP_CODE and "stop" not in words.lower() and "block rule" not in words.lower():
        return "blocked"
    return PERMANENT_ERRORS.get(code or 0, "")


def map_error(status: int, code: int | None, words: str, retry_after: str | None) -> Exception:
    """Return the error to raise for an answer that did not accept the text."""
    pause = (
        timedelta(seconds=min(int(retry_after), _LONGEST_PAUSE))
        if retry_after and retry_after.isascii() and retry_after.isdecimal()
        else _BUSY_PAUSE
    )
    if status == 429 or (code in _BUSY and status < 500):
        return Unavailable(pause)
    if status >= 500 or status in (408, 409):  # 409: an equal request is still being handled
        return OutcomeUnknown()
    reason = reason_for(code, words)
    if reason:
        return Rejected(reason)
    if (
        status in (401, 402, 403)
        or code in _ACCOUNT
        or (code is not None and 20000 <= code < 30000)
    ):
        return Unavailable()  # a problem of our account, not of the text: keep it until fixed
    return Rejected(f"provider_{code or status}")

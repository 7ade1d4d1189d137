"""Requests that do not fit their schema, as problem documents."""

from __future__ import annotations

from flask import Response, request
from pydantic import ValidationError

from channels.failures import answer

_ADVICE = {
    "missing": "This is needed.",
    "extra_forbidden": "There is no such member.",
    "string_type": "Write this as text, in quotes.",
    "timezone_aware": "Give the time with its offset, like 2026-11-23T14:00:00+00:00.",
    "model_attributes_type": "Send a JSON object.",
    "model_type": "Send a JSON object.",
}


def invalid(error: ValidationError) -> Response:
    """A 422 that says for each member what to do."""
    if request.method in ("POST", "PUT", "PATCH") and request.get_data() and not request.is_json:
        return answer(415, "Unsupported Media Type", "Send JSON, as application/json.")
    errors = [
        {
            "field": ".".join(str(part) for part in each["loc"]) or "body",
            "detail": _ADVICE.get(each["type"], each["msg"].removeprefix("Value error, ")),
        }
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    detail = " ".join(f"{each['field']}: {each['detail']}" for each in errors[:3])
    return answer(422, "This cannot be used", detail, errors=errors)

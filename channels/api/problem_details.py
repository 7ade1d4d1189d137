"""Problem documents for requests that do not match their schema."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from pydantic import ValidationError

from channels.error_handlers import build_problem

_ADVICE = {
    "missing": "This is needed.",
    "extra_forbidden": "There is no such member.",
    "string_type": "Write this as text, in quotes.",
    "string_too_long": "Write at most {max_length} characters.",
    "string_too_short": "Write at least {min_length} characters.",
    "int_type": "Write a whole number, without quotes.",
    "greater_than_equal": "Give {ge} or more.",
    "less_than_equal": "Give {le} or less.",
    "bool_type": "Write true or false, without quotes.",
    "enum": "Choose one of {expected}.",
    "literal_error": "Choose one of {expected}.",
    "list_type": "Send a JSON array.",
    "too_long": "Give at most {max_length}.",
    "timezone_aware": "Give the time with its offset, like 2026-11-23T14:00:00+00:00.",
    "model_attributes_type": "Send a JSON object.",
    "model_type": "Send a JSON object.",
}
#: Advice for error types with a common prefix.
_ADVICE_BY_PREFIX = {
    "date_": "Write a day like 2026-11-23.",
    "datetime_": "Write a time like 2026-11-23T14:00:00+00:00, with its offset.",
    "int_": "Write a whole number.",
    "uuid_": "Give an id as you had it from us.",
    "value_error": "{error}",
}
_DEFAULT_ADVICE = "This does not fit. /api/docs says what does."


def answer_validation_error(error: ValidationError) -> Response:
    """Build a 422 response with advice for each invalid member."""
    if request.method in ("POST", "PUT", "PATCH") and request.get_data() and not request.is_json:
        return build_problem(
            415,
            "Unsupported Media Type",
            "Send JSON, as application/json.",
            "unsupported_media_type",
        )
    errors = [
        {
            "field": ".".join(str(part) for part in problem["loc"]) or "body",
            "code": problem["type"],
            "detail": _advice_for_error_type(problem["type"], problem.get("ctx", {})),
        }
        for problem in error.errors(include_url=False, include_input=False)
    ]
    detail = " ".join(f"{problem['field']}: {problem['detail']}" for problem in errors[:3])
    return build_problem(422, "This cannot be used", detail, "request_invalid", errors=errors)


def _advice_for_error_type(kind: str, context: dict[str, Any]) -> str:
    """Return the advice for an error of that type."""
    alike = (words for start, words in _ADVICE_BY_PREFIX.items() if kind.startswith(start))
    return (_ADVICE.get(kind) or next(alike, _DEFAULT_ADVICE)).format_map(context)

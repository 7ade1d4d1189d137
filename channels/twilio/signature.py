"""Verifies the provider's webhooks: a request without a valid signature is refused (rule M2)."""

from __future__ import annotations

import re

import structlog
from flask import Response, request
from twilio.request_validator import RequestValidator

from channels import failed_attempts
from channels.app_context import current_context

log = structlog.get_logger("twilio")


def require_signature() -> Response | None:
    """Refuse a request to a webhook that the provider has not signed."""
    if is_signature_valid():
        return None
    if failed_attempts.is_first_this_hour("webhook"):
        log.warning("unsigned webhook", path=request.endpoint)
    return Response("The signature does not fit.\n", 403, mimetype="text/plain")


def is_signature_valid() -> bool:
    """Tell whether Twilio signed the request for our public address.

    The address comes from the settings and never from headers, which any client can set. Twilio
    signs webhooks as forms; other content types are refused before its validator, which raises on
    some of them. Without a token no signature is valid.
    """
    tokens = current_context().webhook_keys["twilio"]
    signature = request.headers.get("X-Twilio-Signature", "")
    if not tokens or not signature or request.mimetype != "application/x-www-form-urlencoded":
        return False
    url = current_context().base_url + request.full_path.removesuffix("?")
    try:
        validators = [RequestValidator(token) for token in tokens]
        return any(validator.validate(url, request.form, signature) for validator in validators)
    except (ValueError, TypeError, IndexError, AttributeError):
        return False


def read_provider_id(name: str, kinds: str) -> str:
    """Return the provider's id in a form field, or an empty string for anything of another shape.

    A signature covers names and values run together. So an eavesdropped request could be split at
    other positions, with part of the next field in its id, and pass for another request. No field
    name consists of hexadecimal digits. ``kinds`` are the prefixes of an id, like ``SM|MM``.
    """
    value = request.form.get(name, "")
    return value if re.fullmatch(f"(?:{kinds})[0-9a-f]{{1,32}}", value) else ""

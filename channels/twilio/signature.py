"""Webhooks of the provider: nothing is believed without a valid signature (rule M2)."""

from __future__ import annotations

import re

import structlog
from flask import Response, request
from twilio.request_validator import RequestValidator

from channels import failed_attempts
from channels.app_context import current_context

log = structlog.get_logger("twilio")


def require_signature() -> Response | None:
    """Before every request to a webhook: let only the provider through."""
    if is_signature_valid():
        return None
    if failed_attempts.is_first_this_hour("webhook"):
        log.warning("unsigned webhook", path=request.endpoint)
    return Response("The signature does not fit.\n", 403, mimetype="text/plain")


def is_signature_valid() -> bool:
    """Whether the request is signed by Twilio over our public address.

    The address comes from the configuration and never from headers, which anybody can write.
    Twilio signs its webhooks as forms; whatever else comes is refused before its validator,
    which raises on some of it. Without a token nothing can be signed.
    """
    tokens = current_context().twilio_auth_tokens
    given = request.headers.get("X-Twilio-Signature", "")
    if not tokens or not given or request.mimetype != "application/x-www-form-urlencoded":
        return False
    url = current_context().base_url + request.full_path.removesuffix("?")
    try:
        validators = [RequestValidator(token) for token in tokens]
        return any(validator.validate(url, request.form, given) for validator in validators)
    except (ValueError, TypeError, IndexError, AttributeError):
        return False


def read_provider_id(name: str, kinds: str) -> str:
    """The provider's id in a field of the form, empty for whatever is not shaped like one.

    A signature covers names and values run together, so a request that was overheard could be
    cut anew, with part of the next field in its id, and pass for another one. No field's name
    is made of hexadecimal digits. ``kinds`` are the letters an id begins with, like ``SM|MM``.
    """
    given = request.form.get(name, "")
    return given if re.fullmatch(f"(?:{kinds})[0-9a-f]{{1,32}}", given) else ""

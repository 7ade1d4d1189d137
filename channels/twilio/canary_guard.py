"""Which of our numbers a webhook is about: a canary's own may be set up at the provider too."""

from __future__ import annotations

from flask import request

from channels import error_handlers
from channels.app_context import ctx, now, unit
from incidents.canaries.detections import What, rang
from people import phone_numbers
from people.errors import InvalidInput


def to_canary(what: What, provider_id: str) -> bool:
    """Whether a canary's number was rung or texted; a case is then raised, and nobody answers."""
    try:
        called = phone_numbers.parse(request.form.get("To", ""), "ZZ")
    except InvalidInput:
        return False
    if called == ctx().policy.official_phone:
        return False
    try:
        with unit() as session:
            return rang(session, called, what, f"{what}:{provider_id}", now())
    except Exception as error:  # whoever is on the phone needs advice, whatever else fails
        error_handlers.note("cannot tell of a canary", error)
        return False

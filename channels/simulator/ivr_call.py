"""The official line rung from a simulated phone: the talk that the provider's webhooks have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import uuid4

from channels import error_handlers
from channels.app_context import ctx
from channels.simulator.seed_data import CUSTOMERS
from channels.voice import ivr, ivr_state
from channels.voice.ivr_state import Caller


def take(number: str, form: Mapping[str, str]) -> dict[str, object]:
    """The line's next words to the keys in a form, or its first ones to an empty form; with what
    the next form must carry."""
    call = form.get("call", "")
    if not re.fullmatch(r"CA[0-9a-f]{32}", call):
        call = f"CA{uuid4().hex}"
    stage = form.get("stage", "")
    locales = {each.phone: each.locale for each in CUSTOMERS}
    step = ivr_state.opened(form.get("at", ""), locales.get(number, ctx().policy.languages[0]))
    keys = form.get("keys", "").strip().rstrip("#")[:40]
    try:
        known = stage if stage in ivr.STAGES else "answer"
        turn = ivr.take(known, step, keys, Caller(call, number))
    except Exception as error:  # the line itself says that it is out of order
        error_handlers.note("cannot go on", error)
        turn = ivr.out_of_order(step)
    return {"turn": turn, "at": turn.step.sealed, "call": call}

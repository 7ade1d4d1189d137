"""The official line rung from a simulated phone: the talk that the provider's webhooks have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import uuid4

from channels import failures
from channels.context import ctx
from channels.demo.people import CUSTOMERS
from channels.voice import conversation, steps
from channels.voice.steps import Caller


def take(number: str, form: Mapping[str, str]) -> dict[str, object]:
    """The line's next words to the keys in a form, or its first ones to an empty form; with what
    the next form must carry."""
    call = form.get("call", "")
    if not re.fullmatch(r"CA[0-9a-f]{32}", call):
        call = f"CA{uuid4().hex}"
    stage = form.get("stage", "")
    locales = {each.phone: each.locale for each in CUSTOMERS}
    step = steps.opened(form.get("at", ""), locales.get(number, ctx().policy.languages[0]))
    keys = form.get("keys", "").strip().rstrip("#")[:40]
    try:
        known = stage if stage in conversation.STAGES else "answer"
        turn = conversation.take(known, step, keys, Caller(call, number))
    except Exception as error:  # the line itself says that it is out of order
        failures.note("cannot go on", error)
        turn = conversation.out_of_order(step)
    return {"turn": turn, "at": turn.step.sealed, "call": call}

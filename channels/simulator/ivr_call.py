"""A call from a simulated phone to the IVR, through the same code as the provider's webhooks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import uuid4

from channels import error_handlers
from channels.app_context import current_context
from channels.simulator.seed_data import DEMO_CUSTOMERS
from channels.voice import ivr, ivr_state
from channels.voice.ivr_state import Caller


def take_simulated_turn(number: str, form: Mapping[str, str]) -> dict[str, object]:
    """Return the IVR's next turn for the keys in a form, or its first for an empty form, with the
    state the next form must carry."""
    call = form.get("call", "")
    if not re.fullmatch(r"CA[0-9a-f]{32}", call):
        call = f"CA{uuid4().hex}"
    stage = form.get("stage", "")
    locales = {customer.phone: customer.locale for customer in DEMO_CUSTOMERS}
    step = ivr_state.unseal_state(
        form.get("at", ""), locales.get(number, current_context().policy.languages[0])
    )
    keys = form.get("keys", "").strip().rstrip("#")[:40]
    try:
        known = stage if stage in ivr.STAGES else "answer"
        turn = ivr.take_ivr_turn(known, step, keys, Caller(call, number))
    except Exception as error:  # the IVR itself says that it is out of order
        error_handlers.log_failure("cannot go on", error)
        turn = ivr.cannot_check_turn(step)
    return {"turn": turn, "at": turn.step.sealed, "call": call}

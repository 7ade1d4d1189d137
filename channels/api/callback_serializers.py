"""Serializes callbacks for the API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response, jsonify
from sqlmodel import Session

from messaging import call_queue
from scheduling import callbacks
from scheduling.booking import callback_history, callback_reference
from scheduling.callbacks import CallbackDetails, CallbackSummary
from scheduling.models import Callback
from scheduling.notifications import callback_notifier
from scheduling.states import CallbackState


def respond_with_callback(
    session: Session, callback: Callback, moment: datetime, status: int
) -> tuple[Response, int]:
    """Return a callback of the requesting agent; reading it is audited."""
    details = callbacks.read_callback(session, callback, moment, "API")
    call = call_queue.find_latest_call(session, callback.id)
    history = callback_history.load_callback_history(session, callback)
    more = {
        "call": call.state if call else None,
        "follows": str(history.earlier[0]) if history.earlier else None,
        "followed_by": str(history.later[0]) if history.later else None,
    }
    return jsonify({**serialize_callback(details), **more}), status


def serialize_callback(found: CallbackDetails) -> dict[str, Any]:
    """Serialize a callback with its plaintext fields."""
    who = found.customer
    return {
        "id": str(found.id),
        "reference": callback_reference.format_callback_reference(found.id),
        "state": found.state.value,
        "starts_at": found.starts_at.isoformat(),
        "minutes": found.minutes,
        "topic": found.topic,
        "ticket": found.ticket,
        "agent": None,
        "customer": {
            "id": str(who.id),
            "name": who.name,
            "phone_masked": who.phone_masked,
            "timezone": who.timezone,
        },
        "started_at": _isoformat_or_none(found.started_at),
        "confirmed_at": _isoformat_or_none(found.confirmed_at),
        "channel": found.confirmed_by,
        "ended_at": _isoformat_or_none(found.ended_at),
        "outcome": found.outcome,
        "move_asked_at": _isoformat_or_none(found.move_asked_at),
        "moves": found.moves,
    }


def serialize_callback_row(found: CallbackSummary) -> dict[str, Any]:
    """Serialize a callback of a list: with plaintext fields if it starts soon, else with time and
    state only."""
    if found.at_hand is not None:
        return serialize_callback(found.at_hand)
    return {
        "id": str(found.id),
        "reference": callback_reference.format_callback_reference(found.id),
        "state": found.state.value,
        "starts_at": found.starts_at.isoformat(),
        "minutes": found.minutes,
        "topic": "",
        "ticket": "",
        "agent": None,
        "customer": None,
        "confirmed_at": _isoformat_or_none(found.confirmed_at),
        "outcome": found.outcome,
        "move_asked_at": _isoformat_or_none(found.move_asked_at),
    }


def serialize_colleagues_callback(
    session: Session, callback: Callback, topic: str, ticket: str
) -> dict[str, Any]:
    """Serialize a callback that was booked with a colleague: the agent's own words, and nothing
    that was decrypted."""
    name = callback_notifier.agent_first_name(session, callback.agent_id)
    return {
        "id": str(callback.id),
        "reference": callback_reference.format_callback_reference(callback.id),
        "state": CallbackState(callback.state).value,
        "starts_at": callback.starts_at.isoformat(),
        "minutes": callback.minutes,
        "topic": topic,
        "ticket": ticket,
        "agent": {"id": str(callback.agent_id), "name": name},
        "customer": None,
    }


def _isoformat_or_none(when: datetime | None) -> str | None:
    return when.isoformat() if when else None

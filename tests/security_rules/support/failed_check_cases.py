"""Every way in which a check can fail, and one check over each channel, seen from outside."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from flask import Flask

from scheduling import callback_rows
from scheduling.booking import cancellations
from storage.session import core_transaction
from tests import factories
from tests.channels.support import a_text, signed_post
from tests.databases import Store
from vault.keys import keyring
from verification import call_end
from verification.code_check import check_code
from verification.verdicts import Channel

UNKNOWN = "+447911123456"


def ways(store: Store, now: datetime) -> dict[str, tuple[str, str]]:
    """For each reason why a check is not confirmed, a number and a code."""
    wrong, ran_out = factories.a_call(store, now), now - timedelta(minutes=11)
    expired, locked = factories.a_call(store, ran_out), factories.a_call(store, now)
    ended, stranger = factories.a_call(store, now), factories.a_call(store, now)
    with store.unit() as session:
        call_end.end_call(
            session,
            callback_rows.get_held_callback(session, *_held(ended)),
            "reached",
            factories.a_policy(),
            now,
        )
    _lock(store, locked, now)
    nobody = factories.a_phone()
    told = {
        "unknown number": (UNKNOWN, stranger.code),
        "no call": (nobody, stranger.code),
        "not started": (_only_booked(store, now), stranger.code),
        "cancelled": (_only_booked(store, now, cancelled=True), stranger.code),
        "wrong code": (wrong.phone, factories.wrong(wrong.code)),
        "expired": (expired.phone, expired.code),
        "locked": (locked.phone, locked.code),
        "ended": (ended.phone, ended.code),
        "of another's call": (wrong.phone, _but(stranger.code, wrong.code)),
    }
    with store.unit() as session:
        factories.a_customer(session, now, nobody)
    return told


def _but(code: str, other: str) -> str:
    """``code``, unless by a chance in a million it is the other as well."""
    return code if code != other else factories.wrong(other)


def _held(call: factories.Call) -> tuple[Any, Any]:
    return call.callback_id, call.agent_id


def _only_booked(store: Store, now: datetime, cancelled: bool = False) -> str:
    with store.unit() as session:
        customer = factories.a_customer(session, now, phone := factories.a_phone())
        made = factories.a_callback(session, now, customer=customer)
        if cancelled:
            cancellations.cancel_booked_callback(session, made, factories.a_policy(), now)
    return phone


def _lock(store: Store, call: factories.Call, now: datetime) -> None:
    for n in range(10):
        channel = (Channel.WEB, Channel.TEXT)[n % 2]
        with core_transaction(store.engine, keyring.keyring_session_info(store.ring)) as work:
            check_code(
                work, call.phone, factories.wrong(call.code, n + 1), channel, now, organisation=""
            )


def by_api(app: Flask, phone: str, code: str) -> Any:
    return app.test_client().post("/api/v1/checks", json={"phone": phone, "code": code})


def by_web(app: Flask, phone: str, code: str, **headers: str) -> Any:
    body = {"phone": phone, "code": code}
    return app.test_client().post("/check", data=body, headers=headers)


def by_text(app: Flask, phone: str, code: str) -> Any:
    return a_text(app.test_client(), code, f"SM{os.urandom(16).hex()}", sender=phone)


def by_keypad(app: Flask, phone: str, code: str) -> Any:
    form = {"CallSid": f"CA{os.urandom(16).hex()}", "From": phone, "Digits": code}
    return signed_post(app.test_client(), "/twilio/voice/code", form)


CHANNELS: dict[str, Callable[[Flask, str, str], Any]] = {
    "api": by_api,
    "web": by_web,
    "text": by_text,
    "keypad": by_keypad,
}


def seen(answer: Any) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return all that goes over the wire. The state for the next step of a phone call is sealed
    again each time, so that only its length can be compared."""
    body = re.sub(rb"(\?at=)([^\"]+)", lambda at: at[1] + b"%d" % len(at[2]), answer.data)
    return answer.status_code, sorted(answer.headers), body

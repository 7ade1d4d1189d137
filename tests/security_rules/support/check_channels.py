"""One check over each channel by HTTP, and which verdict it gave."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import datetime
from functools import partial

from flask import Flask

from storage.engine import make_engine
from storage.session import StoreUnavailable, core_transaction
from tests.channels.support import AUTH_TOKEN, a_text, context, signed_post
from tests.databases import PATIENT, Store
from tests.factories import Call
from tests.security_rules.support import outages
from vault.keys import keyring
from verification.code_check import check_code
from verification.verdicts import Channel

SETTINGS = {
    "public_url": "https://check.example.org",
    "twilio_auth_token": AUTH_TOKEN,
    "check_limit_per_network": "100000/second",
    "check_limit_per_number": "100000/second",
}


def by_api(app: Flask, phone: str, code: str) -> str:
    answer = app.test_client().post("/api/v1/checks", json={"phone": phone, "code": code})
    return str(answer.json["verdict"])


def by_web(app: Flask, phone: str, code: str) -> str:
    answer = app.test_client().post("/check", data={"phone": phone, "code": code})
    title = re.search(r"<h1[^>]*>(.*?)</h1>", answer.text, re.S)
    return _named(title[1] if title else answer.text)


def by_text(app: Flask, phone: str, code: str) -> str:
    sid = f"SM{os.urandom(16).hex()}"
    return _named(a_text(app.test_client(), code, sid, sender=phone).text)


def by_keypad(app: Flask, phone: str, code: str) -> str:
    client = app.test_client()
    form = {"CallSid": f"CA{os.urandom(16).hex()}", "From": phone, "FromCountry": "GB"}
    asked = signed_post(client, "/twilio/voice", form).text
    action = re.search(r'action="([^"]+)"', asked)
    if action is None:
        return _named(asked)
    path = action[1].replace("&amp;", "&")
    return _named(signed_post(client, path, {**form, "Digits": code}).text)


CHANNELS = {"api": by_api, "web": by_web, "text": by_text, "keypad": by_keypad}
_NAMES = {
    "cannot_check": r"cannot check",
    "already_confirmed": r"was used|already",
    "not_confirmed": r"not confirmed",
    "genuine": r"genuine",
}


def _named(text: str) -> str:
    plain = re.sub(r"<[^>]+>|\s+", " ", text).lower()
    return next((name for name, look in _NAMES.items() if re.search(look, plain)), plain[:400])


def asks(app: Flask, phone: str, codes: list[str]) -> list[Callable[[], str]]:
    """One check for each code, over the four channels in turn."""
    ways = list(CHANNELS)
    return [partial(ask, app, ways[n % len(ways)], phone, c) for n, c in enumerate(codes)]


def ask(app: Flask, channel: str, phone: str, code: str) -> str:
    """A verdict over that channel; asked for again while the store is too busy to give one, as
    the answer tells the customer to."""
    for _ in range(20):
        told = CHANNELS[channel](app, phone, code)
        if told != "cannot_check":
            break
    return told


def rounds(
    store: Store, calls: list[Call], codes: list[list[str]], now: datetime
) -> list[Callable[[], list[str]]]:
    """What each of many processes does in a campaign: a check at every call in the same order,
    straight at the domain. ``codes`` holds for each call the code of each process."""
    kinds = list(Channel)
    return [
        partial(_through, store, kinds[n % len(kinds)], calls, [code[n] for code in codes], now)
        for n in range(len(codes[0]))
    ]


def _through(
    store: Store, channel: Channel, calls: list[Call], codes: list[str], now: datetime
) -> list[str]:
    pairs = zip(calls, codes, strict=True)
    return [_until_told(store, channel, call.phone, code, now) for call, code in pairs]


def _until_told(store: Store, channel: Channel, phone: str, code: str, now: datetime) -> str:
    """Ask again where the store was too busy, as the answer says to."""
    for _ in range(20):
        try:
            with core_transaction(store.engine, keyring.keyring_session_info(store.ring)) as work:
                found = check_code(work, phone, code, channel, now, organisation="Example Bank")
            return type(found).__name__
        except StoreUnavailable:
            continue
    return "cannot check"


def of_its_own(app: Flask) -> Callable[[], None]:
    """What a process does that was born with somebody else's connections: it makes its own, which
    wait as long as a busy machine makes them."""

    def reconnect() -> None:
        born_with = context(app).engine
        url = born_with.url.render_as_string(hide_password=False)
        born_with.dispose(close=False)
        outages.reopened(app, engine=make_engine(url, wait_seconds=PATIENT))

    return reconnect

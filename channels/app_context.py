"""What the channels work with, put together once by ``app.py`` and carried by the application."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from flask import Flask, current_app, has_request_context
from sqlalchemy import Engine
from sqlmodel import Session

from channels.rate_limits import Limiter
from messaging.providers.base import Gateway
from messaging.providers.voice_base import Line
from messaging.sending_limits import Rules
from scheduling.policy import Policy
from storage.lock_wait_budget import hurried
from storage.session import CoreWork, core_transaction, transaction
from vault.destinations import Place
from vault.keys.keyring import Keyring
from vault.keys.master_keys import MasterKeys

_NAME = "vouchline"


@dataclass(frozen=True)
class Context:
    """Plain values and the few long-lived objects: store, keys, gateway, limits, clock."""

    engine: Engine
    master: MasterKeys
    ring: Keyring
    policy: Policy
    gateways: Sequence[Gateway]
    line: Line | None
    rules: Rules
    worker_hands: int
    limiter: Limiter
    clock: Callable[[], datetime]
    base_url: str
    audit_origin: str
    places: Sequence[Place]
    alert_places: Sequence[Place]
    simulated: bool
    demo: bool
    official_hours: str
    twilio_auth_tokens: Sequence[str]
    metrics_token: str
    trusted_proxies: int
    info: dict[Any, Any]
    key_register_pin: str = ""

    def carry(self, app: Flask) -> None:
        """Make this the context of an application."""
        app.extensions[_NAME] = self


def ctx() -> Context:
    """The context of the current application."""
    return cast(Context, current_app.extensions[_NAME])


def now() -> datetime:
    """The time of this moment, in UTC; domain code gets it as a parameter."""
    return ctx().clock()


def _engine(here: Context) -> Engine:
    return hurried(here.engine) if has_request_context() else here.engine


@contextmanager
def core_unit() -> Iterator[CoreWork]:
    """A unit of work for the check path."""
    here = ctx()
    with core_transaction(_engine(here), here.info) as work:
        yield work


@contextmanager
def unit(*, read_only: bool = False) -> Iterator[Session]:
    """One unit of work. It commits when the block is left, and so before an answer that was
    returned inside the block goes out: without the audit entry, nothing is shown."""
    here = ctx()
    with transaction(_engine(here), read_only=read_only, info=dict(here.info)) as session:
        yield session

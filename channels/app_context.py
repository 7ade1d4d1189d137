"""The dependencies of the channels. ``app.py`` builds them once and attaches them to the
application."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from flask import Flask, current_app, has_request_context
from sqlalchemy import Engine
from sqlmodel import Session

from channels.rate_limits import RateLimiter
from messaging.providers.base import SmsProvider
from messaging.providers.voice_base import VoiceProvider
from messaging.sending_limits import SendingLimits
from scheduling.policy import Policy
from storage.lock_wait_budget import with_deadline
from storage.session import CoreUnitOfWork, core_transaction, transaction
from vault.destinations import Destination
from vault.keys.keyring import Keyring
from vault.keys.master_keys import MasterKeys

_EXTENSION = "vouchline"


@dataclass(frozen=True)
class AppContext:
    """Plain values and the long-lived objects: engine, keys, providers, limits and clock.

    ``voices`` speak messages; ``line`` bridges calls, if calls are bridged. ``webhook_keys`` verify
    the webhooks of each provider, by its scheme.
    """

    engine: Engine
    master: MasterKeys
    ring: Keyring
    policy: Policy
    gateways: Sequence[SmsProvider]
    voices: Sequence[VoiceProvider]
    line: VoiceProvider | None
    rules: SendingLimits
    worker_concurrency: int
    limiter: RateLimiter
    clock: Callable[[], datetime]
    base_url: str
    audit_origin: str
    places: Sequence[Destination]
    alert_places: Sequence[Destination]
    simulated: bool
    demo: bool
    official_hours: str
    webhook_keys: Mapping[str, Sequence[str]]
    metrics_token: str
    trusted_proxies: int
    info: dict[Any, Any]
    key_register_pin: str = ""

    def attach_to_app(self, app: Flask) -> None:
        """Make this the context of an application."""
        app.extensions[_EXTENSION] = self


def current_context() -> AppContext:
    """Return the context of the current application."""
    return cast(AppContext, current_app.extensions[_EXTENSION])


def current_time() -> datetime:
    """Return the current time in UTC. Domain code gets the time as a parameter."""
    return current_context().clock()


def _engine_for_request(here: AppContext) -> Engine:
    return with_deadline(here.engine) if has_request_context() else here.engine


@contextmanager
def core_unit_of_work() -> Iterator[CoreUnitOfWork]:
    """Open a unit of work for the check path."""
    here = current_context()
    with core_transaction(_engine_for_request(here), here.info) as work:
        yield work


@contextmanager
def unit_of_work(*, read_only: bool = False) -> Iterator[Session]:
    """Open a unit of work. It commits at the end of the block, before a response that the block
    returned is sent: nothing is shown unless its audit entry is committed."""
    here = current_context()
    with transaction(
        _engine_for_request(here), read_only=read_only, info=dict(here.info)
    ) as session:
        yield session

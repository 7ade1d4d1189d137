"""A console of its own for each test: app, clock, staff who can sign in, and browsers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from app import create_app
from channels.app_context import AppContext
from people import credentials, password_seal
from people.customers import customer_creation, customer_records
from people.models import Customer, Role
from people.staff import staff_records
from scheduling.booking import bookings
from storage.session import transaction
from tests import databases
from vault.audit import audit_log
from vault.keys import keyring
from vault.models import AuditEntry

PASSWORD = "several good words"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PHONE = "+447400123456"
START = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def without_token(page: str) -> str:
    """The page as it would be at any second: the token of its forms says when it was made."""
    return _TOKEN.sub("", page)


@lru_cache(maxsize=1)
def _hashed() -> str:
    return credentials.hash_password(PASSWORD)


class Tab:
    """A browser's tab: a client that sends the token that its pages' forms have."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **more)

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> TestResponse:
        return self.client.post(path, data={"csrf_token": self._token(), **(data or {})}, **more)

    def _token(self) -> str:
        """Made from the session as a page makes it, since a page for each form takes long."""
        secret = self._csrf_secret()
        for page in ("/staff/day", "/staff/sign-in"):
            if not secret:
                self.client.get(page)
                secret = self._csrf_secret()
        signer = URLSafeTimedSerializer(self.client.application.secret_key, "wtf-csrf-token")
        return str(signer.dumps(secret))

    def _csrf_secret(self) -> str:
        with self.client.session_transaction() as session:
            return str(session.get("csrf_token", ""))


@dataclass
class Console:
    """Everything that a test of the console needs."""

    app: Flask
    moment: list[datetime] = field(default_factory=lambda: [START])

    @property
    def context(self) -> AppContext:
        return self.app.extensions["vouchline"]

    @property
    def now(self) -> datetime:
        return self.moment[0]

    def wait(self, **length: int) -> None:
        self.moment[0] += timedelta(**length)

    def unit(self):
        return transaction(
            self.context.engine, info=keyring.keyring_session_info(self.context.ring)
        )

    def member(
        self, email: str, role: Role = Role.AGENT, zone: str = "Europe/London", demo: bool = False
    ) -> UUID:
        """A member of staff who can sign in."""
        name = email.partition("@")[0].title() + " Silva"
        with self.unit() as session:
            made = staff_records.add_staff_member(
                session, email, name, role, self.now, timezone=zone, demo=demo
            )
            made.password_hash = password_seal.seal_password(session, made.id, _hashed())
            made.totp_secret = keyring.current_keyring(session).seal_for_purpose(
                keyring.STAFF, f"staff.totp_secret:{made.id}", SECRET
            )
            session.add(made)
            return made.id

    def code(self) -> str:
        return pyotp.TOTP(SECRET).at(self.now)

    def tab(self) -> Tab:
        return Tab(self.app.test_client())

    def sign_in(self, email: str, tab: Tab | None = None, **data: str) -> Tab:
        """A tab signed in as somebody; the clock advances, so that each code is fresh."""
        self.wait(seconds=30)
        tab = tab or self.tab()
        form = {"email": email, "password": PASSWORD, "code": self.code(), **data}
        answer = tab.post("/staff/sign-in", form)
        assert answer.status_code == 303, answer.text
        return tab

    def agent(
        self, email: str = "ana@example.org", zone: str = "Europe/London"
    ) -> tuple[UUID, Tab]:
        made = self.member(email, zone=zone)
        return made, self.sign_in(email)

    def customer(self, phone: str = PHONE, name: str = "Gwen Jones", zone: str = "") -> UUID:
        with self.unit() as session:
            new = customer_creation.NewCustomer(phone, name, "en", zone)
            return customer_creation.add_customer(
                session, new, audit_log.SYSTEM, self.now, default_zone="Europe/London"
            ).id

    def callback(self, agent_id: UUID, minutes_ahead: int = 10, phone: str = PHONE) -> UUID:
        """A callback about a router, ticket T-1001, with a customer who may be known."""
        at = self.now.replace(second=0) + timedelta(minutes=minutes_ahead)
        with self.unit() as session:
            known = customer_records.find_by_phone(session, phone)
            who = known.id if known else None
        who = who or self.customer(phone)
        with self.unit() as session:
            wish = bookings.BookingRequest(at, 15, "your router", "T-1001")
            customer = session.get_one(Customer, who)
            return bookings.book_callback(
                session, customer, agent_id, wish, self.context.policy, self.now
            ).id

    def trail(self, action: str) -> list[AuditEntry]:
        from sqlmodel import select

        with self.unit() as session:
            entries = select(AuditEntry).where(AuditEntry.action == action)
            return list(session.exec(entries.order_by(AuditEntry.id)))


def make_console(url: str, instance: Path, **settings: Any) -> Console:
    """A console on a store of its own; its clock stands at ``START``."""
    moment = [START]
    values: dict[str, Any] = {"sign_in_limit": "1000/minute", **settings}
    made = create_app(databases.settings(url, instance, **values), now=lambda: moment[0])
    return Console(made, moment)


@pytest.fixture
def console(database: str, tmp_path: Path) -> Iterator[Console]:
    """A console on a fresh store."""
    made = make_console(database, tmp_path)
    yield made
    made.context.engine.dispose()


@pytest.fixture
def console_app(console: Console) -> Flask:
    """The application of :func:`console`."""
    return console.app

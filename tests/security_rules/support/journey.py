"""A journey from the booking to the end of a call, and what must not be found of it afterwards."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlmodel import col, select

from app import create_app
from messaging.dispatch.worker import Worker
from people.staff import api_tokens, link_creation, staff_records
from tests import databases
from tests.channels.support import AUTH_TOKEN, a_text, signed_post, unit, wrong
from vault.keys import field_encryption, keyring
from vault.models import DataKey
from verification import code_check
from verification.models import Code, code_seal_context

STAFF, EMAIL = "Anastasia Silverthorne", "anastasia.silverthorne@helpdesk.example"
SAID, SHOWN = "He wanted marzipan gift cards", "+442079460999"
PASSWORD, WORD = "unlikely brass monkeys", "zygomorphic"
#: One number in the notations in which somebody may have noted it.
NOTATIONS = ("+44{n}", "44{n}", "0{n}", "{n}", "0{a} {b}", "{a} {b}", "{a}-{b}")


def notations(phone: str) -> list[str]:
    n = phone.removeprefix("+44")
    return [item.format(n=n, a=n[:4], b=n[4:]) for item in NOTATIONS]


@dataclass(frozen=True)
class Who:
    """A customer, and what they are called about."""

    phone: str
    name: str
    ref: str
    topic: str
    ticket: str

    @property
    def values(self) -> list[str]:
        whole = [self.name, *self.name.split(), self.ref, self.topic, self.ticket]
        return whole + notations(self.phone)


GWEN = Who(
    "+447400123456",
    "Gwendolyn Featherstonehaugh",
    "CRM-55512-ZQ",
    "the violet oscilloscope",
    "TCK-90210-QX",
)
LEO = Who(
    "+447400765432", "Leopold Wrenthwaite", "CRM-20733-JV", "a cracked barometer", "TCK-41877-YB"
)


def sent(client: FlaskClient, path: str, form: dict[str, str], page: str) -> Any:
    """A form of a page, sent with the page's token; it is taken."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    assert token, page
    answer = client.post(path, data={**form, "csrf_token": token[1]})
    assert answer.status_code in (200, 303), answer.text
    return answer


class Journey:
    """The clock, the application and what must not be found."""

    def __init__(self, url: str, folder: Path) -> None:
        self.now = datetime(2026, 11, 24, 9, 50, 30, 123456, tzinfo=UTC)
        settings = databases.settings(
            url,
            folder,
            public_url="https://check.example.org",
            twilio_auth_token=AUTH_TOKEN,
            code_digits=8,
            log_level="debug",
        )
        # One that the tables' own words cannot hold.
        code_check.choose_reply_word = lambda _locale: WORD
        self.app = create_app(settings, now=lambda: self.now)
        self.context = self.app.extensions["vouchline"]
        self.client: FlaskClient = self.app.test_client()
        self.secrets = [*GWEN.values, *LEO.values, *notations(SHOWN), SAID, WORD]
        self.secrets += [PASSWORD, AUTH_TOKEN, "zzunreadable"]
        self.bytes: list[bytes] = []

    def enrol(self, email: str = EMAIL, name: str = STAFF, role: str = "agent") -> FlaskClient:
        """A member of staff enrols and signs in by the pages; an agent gets a token too."""
        client = self.app.test_client()
        with unit(self.app) as session:
            member = staff_records.add_staff_member(
                session, email, name, role, self.now, timezone="Europe/London"
            )
            link = link_creation.create_enrolment_link(session, member, self.now)
            token = api_tokens.create_api_token(session, member, "desk", self.now)
        if role == "agent":
            self.headers = {"Authorization": f"Bearer {token}"}
        page = client.get(f"/staff/enrol/{link}").text
        secret = re.search(r'class="secret">([A-Z2-7 ]+)<', page)[1].replace(" ", "")  # type: ignore[index]
        form = {"password": PASSWORD, "code": pyotp.TOTP(secret).at(self.now)}
        done = sent(client, f"/staff/enrol/{link}", form, f"/staff/enrol/{link}")
        spare = re.findall(r"<code>([a-z0-9-]{14})</code>", done.text)
        assert len(spare) == 8, done.text
        form |= {"email": email, "code": spare[0]}
        sent(client, "/staff/sign-in", form, "/staff/sign-in")
        bare = [item.replace("-", "") for item in spare]
        self.secrets += [token, token.removeprefix("vl_"), link, secret, *spare, *bare]
        self.secrets += [email, name, *name.split()]
        return client

    def book(self, who: Who, ahead: timedelta) -> str:
        """A callback by the API; gives its id."""
        at = (self.now + ahead).replace(second=0, microsecond=0)
        customer = {"phone": who.phone, "name": who.name, "external_ref": who.ref}
        body = {"customer": customer, "starts_at": at.isoformat(), "minutes": 15}
        body |= {"topic": who.topic, "ticket": who.ticket}
        key = {"Idempotency-Key": f"{who.phone} {ahead}"}
        made = self.client.post("/api/v1/callbacks", json=body, headers={**self.headers, **key})
        assert made.status_code == 201, made.text
        return str(made.json["id"])

    def call(self, who: Who) -> None:
        """A call from the booking to its end; each answer is what it must be."""
        self.path = f"/api/v1/callbacks/{self.book(who, timedelta(minutes=10))}"
        assert self.deliver() == 1
        self.now += timedelta(minutes=11)
        code = self._code("start")
        body = {"phone": who.phone, "code": wrong(code)}
        assert self.client.post("/check", data=body).status_code == 200
        code = self._code("code")
        assert "GENUINE" in a_text(self.client, code, f"SM{who.phone[-1]}", sender=who.phone).text

    def deliver(self) -> int:
        """How many texts left."""
        here = self.context
        return Worker(
            here.engine, here.ring, here.gateways, here.clock, voices=here.voices
        ).run_once()

    def _code(self, step: str) -> str:
        answer = self.client.post(f"{self.path}/{step}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        code = str(answer.json["code"])
        self.secrets += [code, wrong(code), f"{code[:4]} {code[4:]}"]
        return code

    def report(self) -> None:
        """Reports by page and by text, a text without sense, a number keyed in, and the end."""
        told = {"phone": GWEN.phone, "shown_number": SHOWN, "said": SAID, "knew": ["name"]}
        assert self.client.post("/api/v1/reports", json=told).status_code == 201
        a_text(self.client, f"SCAM {SAID}", "SMa1", sender=GWEN.phone)
        a_text(self.client, f"zzunreadable {GWEN.name}", "SMa2", sender=LEO.phone)
        line = {"From": "anonymous", "CallSid": "CAa1", "Digits": GWEN.phone}
        signed_post(self.client, "/twilio/voice/number", line)
        ended = self.client.post(
            f"{self.path}/end", json={"outcome": "reached"}, headers=self.headers
        )
        assert ended.status_code == 200, ended.text

    def break_down(self) -> None:
        """Requests that end in errors, which is when logs tell too much."""
        rename = "ALTER TABLE {} RENAME TO {}"
        for table in ("code", "customer"):
            with self.context.engine.begin() as connection:
                connection.execute(text(rename.format(table, f"no_{table}")))
            body = {"phone": GWEN.phone, "code": self.secrets[-2]}
            assert self.client.post("/api/v1/checks", json=body).status_code in (200, 503)
            a_text(self.client, self.secrets[-2], f"SMb{len(table)}", sender=GWEN.phone)
            told = {"phone": GWEN.phone, "said": SAID}
            self.client.post("/api/v1/reports", json=told)
            self.client.get(self.path, headers=self.headers)
            with self.context.engine.begin() as connection:
                connection.execute(text(rename.format(f"no_{table}", table)))

    def held(self) -> list[bytes]:
        """Keys and secrets as the process has them in memory."""
        ring = self.context.ring
        raw = self.bytes + [ring._get_purpose_key(item) for item in keyring.PURPOSES]
        raw += self.context.master.keys.values()
        with unit(self.app) as session:
            raw += [
                field_encryption.load_data_key(session, row).key for row in session.exec(_OWNERS)
            ]
            for code in session.exec(select(Code).where(col(Code.secret).is_not(None))):
                key = field_encryption.load_data_key(session, code.customer_id)
                place = code_seal_context(code.id, code.phone_index, code.counter)
                plain = key.open_field("code", "secret", place, code.secret)
                self.secrets.append(plain)
        return raw


_OWNERS = select(DataKey.owner_id)

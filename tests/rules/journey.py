"""A whole journey in a process of its own, as ``python -m tests.rules.journey URL FOLDER``.

Logs go to standard error as they do in production. What personal and secret values went through
it is written as JSON. Then the process dies without closing the store, so that whatever SQLite has
not yet tidied away lies open to a thief.
"""

from __future__ import annotations

import json
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlmodel import col, select

from app import create_app
from messaging.worker import Worker
from people import staff, tokens
from tests import databases
from tests.channels.support import AUTH_TOKEN, a_text, signed_post, unit, wrong
from vault import fields
from vault.models import DataKey
from verification import words
from verification.models import Code, secret_row

NAME, NUMBER, OTHER = "Gwendolyn Featherstonehaugh", "+447400123456", "+447400765432"
STAFF, EMAIL = "Anastasia Silverthorne", "anastasia.silverthorne@helpdesk.example"
TOPIC, TICKET, REF = "the violet oscilloscope", "TCK-90210-QX", "CRM-55512-ZQ"
SAID, SHOWN = "He wanted marzipan gift cards", "+442079460999"
PASSWORD, WORD = "unlikely brass monkeys", "zygomorphic"
#: One number in the notations in which somebody may have written it down.
NOTATIONS = ("+44{n}", "44{n}", "0{n}", "{n}", "0{a} {b}", "{a} {b}", "{a}-{b}")


def notations(phone: str) -> list[str]:
    n = phone.removeprefix("+44")
    return [each.format(n=n, a=n[:4], b=n[4:]) for each in NOTATIONS]


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
        words.WORDS["en"] = (WORD,)  # one that the tables' own words cannot hold
        self.app = create_app(settings, now=lambda: self.now)
        self.context = self.app.extensions["vouchline"]
        self.client: FlaskClient = self.app.test_client()
        whole = [NAME, *NAME.split(), STAFF, *STAFF.split(), EMAIL, TOPIC, TICKET, REF, SAID, WORD]
        self.secrets = [*whole, PASSWORD, AUTH_TOKEN, "zzunreadable"]
        for phone in (NUMBER, OTHER, SHOWN):
            self.secrets += notations(phone)

    def enrol(self) -> None:
        """A member of staff enrols and signs in by the pages, and gets a token."""
        with unit(self.app) as session:
            member = staff.add(session, EMAIL, STAFF, "agent", self.now, timezone="Europe/London")
            link = staff.invite(session, member, self.now)
            token = tokens.add(session, member, "desk", self.now)
        self.headers = {"Authorization": f"Bearer {token}"}
        page = self.client.get(f"/staff/enrol/{link}").text
        secret = re.search(r'class="secret">([A-Z2-7 ]+)<', page)[1].replace(" ", "")  # type: ignore[index]
        form = {"password": PASSWORD, "code": pyotp.TOTP(secret).at(self.now)}
        done = self._page(f"/staff/enrol/{link}", form)
        spare = re.findall(r"<code>([a-z0-9-]{14})</code>", done.text)
        assert len(spare) == 8, done.text
        signed = self._page("/staff/sign-in", {**form, "email": EMAIL, "code": spare[0]})
        assert signed.status_code == 303, signed.text
        bare = [each.replace("-", "") for each in spare]
        self.secrets += [token, token.removeprefix("vl_"), link, secret, *spare, *bare]

    def _page(self, path: str, form: dict[str, str]) -> Any:
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.client.get(path).text)
        return self.client.post(path, data={**form, "csrf_token": token[1] if token else ""})

    def call(self, phone: str, ref: str) -> None:
        """A call from the booking to its end; each answer is what it must be."""
        at = (self.now + timedelta(minutes=10)).replace(second=0, microsecond=0)
        who = {"phone": phone, "name": NAME, "external_ref": ref}
        body = {"customer": who, "starts_at": at.isoformat(), "minutes": 15}
        body |= {"topic": TOPIC, "ticket": TICKET}
        key = {"Idempotency-Key": phone}
        made = self.client.post("/api/v1/callbacks", json=body, headers={**self.headers, **key})
        assert made.status_code == 201, made.text
        here = self.context
        assert Worker(here.engine, here.ring, here.gateways, here.clock).once() == 1
        self.now += timedelta(minutes=11)
        self.path = f"/api/v1/callbacks/{made.json['id']}"
        code = self._code("start")
        body = {"phone": phone, "code": wrong(code)}
        assert self.client.post("/check", data=body).status_code == 200
        code = self._code("code")
        assert "GENUINE" in a_text(self.client, code, f"SM{phone[-1]}", sender=phone).text

    def _code(self, step: str) -> str:
        answer = self.client.post(f"{self.path}/{step}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        code = str(answer.json["code"])
        self.secrets += [code, wrong(code), f"{code[:4]} {code[4:]}"]
        return code

    def report(self) -> None:
        """Reports by page and by text, a text without sense, a number keyed in, and the end."""
        told = {"phone": NUMBER, "shown_number": SHOWN, "said": SAID, "knew": ["name"]}
        assert self.client.post("/api/v1/reports", json=told).status_code == 201
        a_text(self.client, f"SCAM {SAID}", "SMa1", sender=NUMBER)
        a_text(self.client, f"zzunreadable {NAME}", "SMa2", sender=OTHER)
        line = {"From": "anonymous", "CallSid": "CAa1", "Digits": NUMBER}
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
            body = {"phone": NUMBER, "code": self.secrets[-2]}
            assert self.client.post("/api/v1/checks", json=body).status_code in (200, 503)
            a_text(self.client, self.secrets[-2], f"SMb{len(table)}", sender=NUMBER)
            told = {"phone": NUMBER, "said": SAID}
            self.client.post("/api/v1/reports", json=told)
            self.client.get(self.path, headers=self.headers)
            with self.context.engine.begin() as connection:
                connection.execute(text(rename.format(f"no_{table}", table)))

    def held(self) -> list[bytes]:
        """Keys and secrets as the process has them in memory."""
        ring = self.context.ring
        raw = [ring._key(each) for each in ("index", "staff", "reports", "line", "demo")]
        raw += self.context.master.keys.values()
        with unit(self.app) as session:
            raw += [fields.data_key(session, each).key for each in session.exec(_OWNERS)]
            for code in session.exec(select(Code).where(col(Code.secret).is_not(None))):
                key = fields.data_key(session, code.customer_id)
                place = secret_row(code.id, code.phone_index, code.counter)
                plain = key.open("code", "secret", place, code.secret)
                self.secrets.append(plain)
        return raw


_OWNERS = select(DataKey.owner_id)


def main(url: str, folder: str) -> None:
    journey = Journey(url, Path(folder))
    journey.enrol()
    journey.call(NUMBER, REF)
    journey.report()
    journey.call(OTHER, REF + "2")  # this one is still going on when the store is stolen
    journey.break_down()
    keys = [each.hex() for each in journey.held()]
    json.dump({"secrets": journey.secrets, "keys": keys}, sys.stdout)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])

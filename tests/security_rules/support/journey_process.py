"""A whole journey in a process of its own: calls, and what staff and customers do around them.

Run as ``python -m tests.security_rules.support.journey_process URL FOLDER``.

Logs go to standard error as they do in production. What personal and secret values went through
it is written as JSON. Then the process dies without closing the store, so that whatever SQLite has
not yet tidied away lies open to a thief.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlmodel import select
from webauthn.helpers import base64url_to_bytes

from incidents.canaries import store
from incidents.cases.models import Case
from incidents.evening_notes import note_creation
from incidents.evening_notes.due_evenings import DueEvening
from people.customers import customer_records
from people.staff import link_creation, staff_records
from tests.authenticator import Authenticator
from tests.channels.support import unit
from tests.security_rules.support.journey import EMAIL, GWEN, LEO, Journey, Who, notations, sent

SUE, SUES = "Philippa Bramblewick", "philippa.bramblewick@helpdesk.example"
IVY, IVYS = "Ignatius Thistlethwaite", "ignatius.thistlethwaite@helpdesk.example"
BART = Who(
    "+447400111222", "Bartholomew Quixwood", "IMP-33871-KW", "his gramophone", "TCK-66502-HD"
)
NEW, CANARY, DESK = "+447400333444", "+447400555666", "+447400777888"
PHRASE, PASSKEY = "purple wheelbarrow", "Quicksilver handset"
SAYS = {
    "changed": "Lost her handset on the Matterhorn",
    "noted": "Heard bagpipes behind the caller",
    "decided": "Nothing but crossed telegraph wires",
    "explained": "I mistook her for a namesake in Gdansk",
    "asked": "Her solicitor enquired on vellum",
    "opened": "To read her the statement aloud",
    "exported": "Constabulary of Trumpington wants it",
    "claimed": "The Grand Duchy telephone office",
    "told": "They hummed a madrigal throughout",
}


def brought_in(journey: Journey) -> None:
    """Customers from a file, and a canary, while the installation is set up."""
    lines = f"external_ref,phone,name\n{BART.ref},{BART.phone},{BART.name}\n"
    for text, command in (
        (lines, ["customers", "import", "FILE", "--format", "csv"]),
        (
            f"{CANARY}\n",
            ["canaries", "add", "--numbers", "FILE", "--ref", "KX-####-??", "--at-once"],
        ),
    ):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(text)
            file.flush()
            words = [file.name if item == "FILE" else item for item in command]
            done = journey.app.test_cli_runner().invoke(args=words)
        assert done.exit_code == 0, done.output
    with unit(journey.app) as session:
        (known,) = store.load_canaries(session).canaries
        found = customer_records.find_by_phone(session, CANARY)
        assert found is not None
        person = customer_records.open_customer_details(session, found)
    assert known.phone == CANARY and known.external_ref
    journey.secrets += [*BART.values, person.name, known.external_ref, *notations(CANARY)]


def with_a_passkey(journey: Journey, agent: FlaskClient) -> None:
    """One that the agent adds to their account, and the number of their desk."""
    device = Authenticator("check.example.org", "https://check.example.org")
    asked = _script(agent, "/staff/account/passkeys/ask", {})
    handle = base64url_to_bytes(asked["user"]["id"])
    made = device.make(base64url_to_bytes(asked["challenge"]), handle)
    body = {"answer": json.loads(made), "name": PASSKEY}
    _script(agent, "/staff/account/passkeys", body)
    with unit(journey.app) as session:
        member = staff_records.find_staff_by_email(session, EMAIL)
        assert member is not None
        staff_records.set_staff_phone(session, member, DESK, journey.now)
        link_creation.create_enrolment_link(session, member, journey.now, pin="unguessable-pin")
    journey.secrets += ["unguessable-pin", PASSKEY, *notations(DESK)]
    journey.bytes += [device.credential, handle, device._public()[-32:]]


def _script(agent: FlaskClient, path: str, body: dict[str, Any]) -> Any:
    page = agent.get("/staff/account").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]  # type: ignore[index]
    answer = agent.post(path, json=body, headers={"X-CSRFToken": token})
    assert answer.status_code == 200, answer.text
    return answer.json


class Inside:
    """What an agent, a supervisor, an investigator and a customer do."""

    def __init__(self, journey: Journey, agent: FlaskClient) -> None:
        self.journey, self.agent = journey, agent
        self.supervisor = journey.enrol(SUES, SUE, "supervisor")
        self.investigator = journey.enrol(IVYS, IVY, "investigator")
        journey.secrets += [PHRASE, *SAYS.values(), *notations(NEW)]

    def all(self) -> None:
        later = self.journey.book(GWEN, timedelta(days=1))
        self.own_page(later)
        self.number()
        self.note()
        self.case()
        self.report()
        self.journey.deliver()

    def own_page(self, callback: str) -> None:
        """A customer proves their number, chooses a phrase, moves the call, and objects to who
        opened their record."""
        journey, client = self.journey, self.journey.app.test_client()
        assert GWEN.topic in self.agent.get(f"/staff/callback/{callback}").text
        sent(client, "/my/number", {"phone": GWEN.phone}, "/my")
        assert journey.deliver() > 0
        told = client.get("/demo/messages", query_string={"phone": GWEN.phone}).json
        bodies = " ".join(item["body"] for item in told["messages"])
        number = re.search(r"\b(\d{4} \d{4})\b", bodies)[1]  # type: ignore[index]
        sent(client, "/my/prove", {"phone": GWEN.phone, "number": number}, "/my")
        sent(client, "/my/settings/phrase", {"phrase": PHRASE}, "/my/settings")
        later = (journey.now + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
        form = {"starts_at": later.isoformat()}
        sent(client, f"/my/call/{callback}/move", form, f"/my/call/{callback}")
        entry = re.search(r'name="entry" value="(\d+)"', client.get("/my/openings").text)
        assert entry
        sent(client, "/my/openings/object", {"entry": entry[1]}, "/my/openings")

    def number(self) -> None:
        """Another number for a customer, asked for by the agent, approved by the supervisor."""
        path = f"/staff/callback/{self.journey.book(BART, timedelta(hours=30))}"
        sent(self.agent, f"{path}/number", {"number": NEW, "why": SAYS["changed"]}, path)
        self.approve(self.supervisor)

    def approve(self, who: FlaskClient) -> None:
        """The one request that waits."""
        page = who.get("/staff/approvals").text
        found = re.search(r'"(/staff/approvals/\S+/approve)".*?name="digest" value="(\w+)"', page)
        assert found, page
        sent(who, found[1], {"digest": found[2]}, "/staff/approvals")

    def note(self) -> None:
        """The agent looks the canary up for nothing, is asked about it, and says why."""
        journey = self.journey
        form = {"find": CANARY, "purpose": "asked_us"}
        sent(self.agent, "/staff/book/find", form, "/staff/book")
        with unit(journey.app) as session:
            member = staff_records.find_staff_by_email(session, EMAIL)
            assert member is not None
            evening = DueEvening(member.id, journey.now.date(), journey.now + timedelta(minutes=1))
            note = note_creation.create_evening_note(
                session, evening, journey.now + timedelta(hours=1)
            )
        assert note is not None
        sent(self.agent, f"/staff/notes/{note.id}", {"all": SAYS["explained"]}, "/staff/notes")

    def case(self) -> None:
        """The investigator works on what the customer objected to, and hands it on."""
        journey, client = self.journey, self.investigator
        with unit(journey.app) as session:
            found = session.exec(select(Case.reference).where(Case.kind == "objection")).one()
            gwen = customer_records.find_by_phone(session, GWEN.phone)
            assert gwen is not None
        at = f"/staff/cases/{found}"
        exported = {"exporting": SAYS["exported"], "field": "names"}
        for act, form in (
            ("take", {}),
            ("note", {"words": SAYS["noted"]}),
            ("decide", {"outcome": "leak", "why": SAYS["decided"]}),
            ("customer", {"customer": str(gwen.id), "reason": SAYS["opened"]}),
            ("export", exported),
        ):
            sent(client, f"{at}/{act}", form, at)
        form = {"phone": GWEN.phone, "reason": SAYS["asked"]}
        sent(client, "/staff/audit/customer", form, "/staff/audit")

    def report(self) -> None:
        """All that a report can say."""
        told = {"phone": LEO.phone, "said": SAYS["told"], "claimed_to_be": SAYS["claimed"]}
        told |= {"asked_for": ["code"], "gave": ["code"]}
        assert self.agent.post("/api/v1/reports", json=told).status_code == 201


def main(url: str, folder: str) -> None:
    journey = Journey(url, Path(folder))
    brought_in(journey)
    agent = journey.enrol()
    with_a_passkey(journey, agent)
    journey.call(GWEN)
    journey.report()
    Inside(journey, agent).all()
    journey.call(LEO)  # this one is still in progress when the store is stolen
    journey.break_down()
    keys = [item.hex() for item in journey.held()]
    json.dump({"secrets": journey.secrets, "keys": keys}, sys.stdout)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])

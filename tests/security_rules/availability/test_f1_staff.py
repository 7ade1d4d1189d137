"""F1 for staff: without its audit entry no record is shown, and a broken one is an error."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from people.models import Customer
from tests import databases
from tests.channels.conftest import Console, make_console
from tests.channels.support import a_token
from tests.security_rules.support import outages
from tests.security_rules.support.cost_counters import difference, rows

ROOT = Path(__file__).resolve().parents[3]
SECRETS = ("Gwen", "400123456", "••56", "your router", "T-1001")


@pytest.fixture
def console(database, tmp_path) -> Iterator[Console]:
    made = make_console(database, tmp_path)
    yield made
    made.context.engine.dispose()


@pytest.fixture
def there(console, database) -> databases.Store:
    return databases.opened(database)


def pages(callback_id) -> list[tuple[str, str, dict[str, str]]]:
    """Every request that shows an agent something of a customer, or a code."""
    card = f"/staff/callback/{callback_id}"
    return [
        ("GET", "/staff/day", {}),
        ("GET", card, {}),
        ("POST", "/staff/book/find", {"find": "07400 123456", "purpose": "answer"}),
        ("POST", "/staff/book/find", {"find": "T-1001", "purpose": "answer"}),
        ("POST", f"{card}/end", {"outcome": "?"}),
        ("POST", f"{card}/start", {}),
    ]


def calls(callback_id) -> list[tuple[str, str, dict[str, str]]]:
    """The same over the API."""
    one = f"/api/v1/callbacks/{callback_id}"
    return [
        ("GET", one, {}),
        ("GET", "/api/v1/callbacks?on=2026-11-24", {}),
        ("POST", f"{one}/start", {}),
        ("POST", f"{one}/move", {"starts_at": "2026-11-24T12:00:00Z"}),
    ]


class Agent:
    """Somebody signed in at the console, and by token, with a callback whose window is open."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.id, self.tab = console.agent()
        self.callback = console.callback(self.id)
        console.wait(minutes=7)
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.tab.get("/staff/day").text)
        self.forms = {"csrf_token": found[1]}
        self.api = a_token(console.app, email="ana@example.org")

    def open(self, method: str, path: str, data: dict[str, str]):
        if path.startswith("/api/"):
            client = self.console.app.test_client()
            return client.open(path, method=method, json=data or None, headers=self.api)
        return self.tab.client.open(path, method=method, data={**self.forms, **data})

    def asks(self) -> list[tuple[str, str, dict[str, str]]]:
        return [*pages(self.callback), *calls(self.callback)]


@pytest.fixture
def agent(console) -> Agent:
    return Agent(console)


def test_with_the_audit_log_all_that_is_asked_here_shows_something(agent):
    """Else what follows would prove nothing."""
    for method, path, data in agent.asks()[:5] + agent.asks()[6:8]:
        text = agent.open(method, path, data).text
        assert [item for item in SECRETS if item in text], path


@pytest.mark.parametrize("outage", [outages.remove_audit, outages.refuse_audit])
def test_without_the_audit_log_no_record_is_shown_no_code_and_nothing_done(agent, there, outage):
    outage(there)
    before = what_counts(there)
    for method, path, data in agent.asks():
        answer = agent.open(method, path, data)
        assert answer.status_code == 503, (method, path)
        assert not [item for item in SECRETS if item in answer.text], (method, path)
    assert difference(before, what_counts(there)) == {}


def what_counts(there) -> dict[str, set]:
    """All but the moment at which a browser was last seen, and the log that may be gone."""
    given = rows(there, but=("audit_entry",))
    given["staff_session"] = {len(given["staff_session"])}
    return given


@pytest.mark.parametrize("outage", [outages.refuse_commits, outages.remove_keys])
def test_nor_when_the_entry_cannot_be_committed_or_the_customers_key_is_gone(agent, there, outage):
    """A page is made before its unit of work commits, and must not go out if that fails."""
    outage(there)
    for method, path, data in agent.asks():
        answer = agent.open(method, path, data)
        assert answer.status_code == 503, (method, path)
        assert not [item for item in SECRETS if item in answer.text], (method, path)


@pytest.mark.parametrize("column", ["name", "phone"])
def test_a_record_that_was_changed_is_an_error_and_not_half_a_record(agent, there, column):
    with there.unit() as session:
        row = session.exec(select(Customer)).one()
        sealed = bytearray(getattr(row, column))
        sealed[-1] ^= 1
        setattr(row, column, bytes(sealed))
        session.add(row)
    for method, path, data in agent.asks()[:2] + calls(agent.callback)[:2]:
        answer = agent.open(method, path, data)
        assert answer.status_code == 503, (method, path)
        assert not [item for item in SECRETS if item in answer.text], (method, path)


SCRIPT = """
import sys
sys.stderr = open("/dev/full", "w", buffering=1)
from pathlib import Path
from app import create_app
from tests import databases
from tests.security_rules.support.check_channels import CHANNELS, SETTINGS
folder = Path(sys.argv[1])
app = create_app(databases.settings(f"sqlite:///{folder}/not-migrated.sqlite3", folder, **SETTINGS))
print([each(app, "+447400123456", "123456") for each in CHANNELS.values()])
"""


def test_an_answer_does_not_hang_on_whether_a_log_can_be_written(tmp_path):
    """The store is of no use here and the disk of the logs is full, both at once."""
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.strip() == str(["cannot_check"] * 4), ran.stderr

"""F1: whatever is unavailable, the answer is *cannot check*, never *genuine*."""

from __future__ import annotations

import os

import pytest
from sqlalchemy import delete, func, update
from sqlmodel import col, select

from people.models import Staff
from scheduling.models import Callback
from tests import databases, factories, servers
from tests.channels.support import context, signed_post
from tests.processes import at_once
from tests.security_rules.support import outages
from tests.security_rules.support.check_channels import CHANNELS, SETTINGS, of_its_own
from tests.security_rules.support.cost_counters import difference, rows
from vault.keys import master_key_providers, master_keys
from vault.models import DataKey
from verification.models import Code

pytestmark = pytest.mark.settings(**SETTINGS)


@pytest.fixture
def there(app, database) -> databases.Store:
    return databases.opened(database)


@pytest.fixture
def call(there, clock) -> factories.Call:
    return factories.a_call(there, clock.now)


def cannot_check(app, call, channel) -> bool:
    return CHANNELS[channel](app, call.phone, call.code) == "cannot_check"


@pytest.mark.campaign
@pytest.mark.parametrize("channel", CHANNELS)
def test_a_connection_cut_before_any_act_is_no_verdict_and_nothing_half_written(
    app, there, clock, channel
):
    engine, boundary = context(app).engine, 0
    while True:
        call = factories.a_call(there, clock.now)
        CHANNELS[channel](app, call.phone, "000000")
        before = rows(there)
        with outages.Cut(there, engine, boundary) as cut:
            verdict = CHANNELS[channel](app, call.phone, call.code)
        if not cut.done:
            break
        assert verdict == "cannot_check", boundary
        assert difference(before, rows(there)) == {}, boundary
        assert CHANNELS[channel](app, call.phone, call.code) == "genuine", boundary
        boundary += 1
    assert verdict == "genuine"
    assert boundary >= 7  # begin, find, tell, write, audit, confirm, commit


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_commit_that_fails_after_a_right_code_is_not_genuine(app, there, call, channel):
    outages.refuse_commits(there)
    before = rows(there)
    for code in (call.code, factories.wrong(call.code)):
        assert CHANNELS[channel](app, call.phone, code) == "cannot_check"
    assert difference(before, rows(there)) == {}


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_commit_that_failed_keeps_nobody_else_out(app, there, call, channel):
    """On SQLite what could not be committed would keep holding the one writer's lock."""
    outages.refuse_commits(there)
    assert cannot_check(app, call, channel)
    outages.allow_commits(databases.opened(there.url, wait_seconds=0.2))
    assert CHANNELS[channel](app, call.phone, call.code) == "genuine"


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_store_locked_for_longer_than_the_wait_is_no_verdict(app, there, call, channel):
    outages.impatient(app, there.url)
    with outages.locked(there):
        assert cannot_check(app, call, channel)
    assert CHANNELS[channel](app, call.phone, call.code) == "genuine"


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_store_that_is_gone_is_no_verdict(app, client, there, call, channel):
    CHANNELS[channel](app, call.phone, "000000")
    outages.destroy(there, app)
    for _ in range(3):
        assert cannot_check(app, call, channel)
    assert client.get("/").status_code == 200
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").json["parts"] == {"database": "out of reach"}
    report = client.post("/report", data={"phone": call.phone})
    assert report.status_code == 503


@pytest.mark.both
@pytest.mark.parametrize("channel", CHANNELS)
def test_a_full_disk_is_no_verdict_though_not_even_a_log_can_be_written(app, there, call, channel):
    if there.kind == "postgresql":
        outages.refuse_commits(there)  # what its server answers then; its files are not ours
    before = rows(there)
    act = outages.on_a_full_disk(lambda: CHANNELS[channel](app, call.phone, call.code))
    assert at_once([act], of_its_own(app)) == ["cannot_check"]
    assert difference(before, rows(there)) == {}


def test_a_store_that_can_grow_no_more_is_no_verdict(app, there, call):
    """SQLite's own limit: the entry that fails is the last statement but one."""
    if there.kind != "sqlite":
        return
    outages.fill(there, context(app).engine, call)
    before = rows(there)
    for channel in CHANNELS:
        assert cannot_check(app, call, channel), channel
    assert difference(before, rows(there)) == {}


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("outage", [outages.remove_audit, outages.refuse_audit])
def test_without_the_audit_log_there_is_no_verdict(app, there, call, channel, outage):
    outage(there)
    assert cannot_check(app, call, channel)
    assert there.all(select(Callback))[0].state == "started"
    assert not any(row.confirmed_at or row.tries_open for row in there.all(select(Code)))


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("name", ["test-1", "another-1"])
def test_without_the_master_key_there_is_no_verdict(app, call, channel, name):
    """Another key under the same name does not open anything either."""
    key = master_key_providers.generate_key_entry("x").partition(":")[2]
    outages.with_ring_of(app, master_keys.parse_master_keys(f"{name}:{key}"))
    assert cannot_check(app, call, channel)


@pytest.mark.parametrize("channel", CHANNELS)
def test_without_the_customers_key_there_is_no_verdict(app, there, call, channel):
    with there.unit() as session:
        session.exec(delete(DataKey))
    assert cannot_check(app, call, channel)


TAMPERED = [(Code, "secret"), (DataKey, "wrapped"), (Callback, "topic"), (Staff, "name")]


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    ("table", "column"), TAMPERED, ids=lambda x: str(getattr(x, "__name__", x))
)
def test_a_ciphertext_that_was_changed_is_no_verdict(app, there, call, channel, table, column):
    """Flip a single bit in a value that the verdict depends on."""
    with there.unit() as session:
        row = next(r for r in session.exec(select(table)) if getattr(r, column))
        sealed = bytearray(getattr(row, column))
        sealed[-1] ^= 1
        session.exec(
            update(table)
            .where(col(getattr(table, column)) == getattr(row, column))
            .values({column: bytes(sealed)})
        )
    before = rows(there)
    assert cannot_check(app, call, channel)
    assert difference(before, rows(there)) == {}


@pytest.mark.settings(**SETTINGS, rate_storage=f"redis://127.0.0.1:{servers.free_port()}/0")
@pytest.mark.parametrize("channel", ["api", "web"])
def test_without_the_limiter_there_is_no_verdict(app, there, call, channel):
    assert cannot_check(app, call, channel)
    with there.unit() as session:
        confirmed = select(func.count()).where(col(Code.confirmed_at).is_not(None))
        assert session.exec(confirmed).one() == 0


@pytest.mark.parametrize("channel", CHANNELS)
def test_an_error_that_nobody_foresaw_is_no_verdict(app, call, channel, monkeypatch):
    from verification import codes

    monkeypatch.setattr(codes, "codes_match", lambda *_: 1 / 0)
    assert cannot_check(app, call, channel)


def test_the_official_line_says_so_even_when_it_cannot_go_on_from_where_it_was(app, there, call):
    """A report by phone, and a first ring, when nothing can be kept or opened."""
    client, form = app.test_client(), {"CallSid": f"CA{os.urandom(16).hex()}", "From": call.phone}
    outages.remove_audit(there)
    outages.run(there, "ALTER TABLE report RENAME TO gone_too")
    said = signed_post(client, "/twilio/voice/after", {**form, "Digits": "2"})
    assert said.status_code == 200
    assert "cannot" in said.text
    assert "have your report" not in said.text

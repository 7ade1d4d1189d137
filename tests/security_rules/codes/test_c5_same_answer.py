"""C5: every negative answer is the same to the byte, and costs the same work.

Time itself is not measured: what takes time (statements, rows, ciphers, codes) is counted, which
never fails by chance and fails for certain when one way does less than another.
"""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from tests import databases, factories
from tests.channels.support import context
from tests.security_rules.support import cost_counters, failed_check_cases
from tests.security_rules.support.check_channels import SETTINGS
from tests.security_rules.support.cost_counters import difference, rows, sent_values, statements
from tests.security_rules.support.failed_check_cases import CHANNELS, UNKNOWN, seen
from verification.code_check import DECOY_COUNT, check_code, decoy_index, queue_index
from verification.models import Code
from verification.verdicts import Channel, Genuine

pytestmark = pytest.mark.settings(**SETTINGS)


@pytest.fixture
def there(app, database) -> databases.Store:
    return databases.opened(database)


@pytest.fixture(autouse=True)
def young_keys(app) -> None:
    cost_counters.stop_reloads(context(app).ring)


@pytest.fixture
def ways(there, clock) -> dict[str, tuple[str, str]]:
    return failed_check_cases.ways(there, clock.now)


def all_the_same(found: dict[str, object]) -> object:
    """What all have; an assertion names the first that differs."""
    first = found["wrong code"]
    for way, each in found.items():
        assert each == first, way
    return first


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_negative_answer_is_the_same_to_the_byte(app, ways, channel):
    found = {way: seen(CHANNELS[channel](app, *asked)) for way, asked in ways.items()}
    status, _, body = all_the_same(found)
    assert status == 200
    assert b"not_confirmed" in body or b"not confirmed" in body.lower()


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"},
        {"Accept-Language": "de"},
        {"Accept-Language": "es", "User-Agent": "Lynx/2.9"},
    ],
    ids=str,
)
def test_however_the_page_is_asked_for(app, ways, headers):
    answers = {
        way: seen(failed_check_cases.by_web(app, *asked, **headers)) for way, asked in ways.items()
    }
    all_the_same(answers)


def test_what_a_browser_keeps_to_report_the_call_is_as_long_whatever_was_typed(app, ways):
    """The number alone, sealed: it says nothing of the answer."""
    found = {}
    for way, asked in ways.items():
        answer = failed_check_cases.by_web(app, *asked, **{"Sec-Fetch-Mode": "navigate"})
        (kept,) = answer.headers.getlist("Set-Cookie")
        found[way] = (answer.data, len(kept))
    all_the_same(found)


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_number_is_told_the_same_however_often_it_asks(app, ways, channel):
    """The try that locks a code, and those after it, look like those before."""
    phone, code = ways["wrong code"]
    wrong = [factories.wrong(code, n) for n in range(8)]
    found = {f"try {n}": seen(CHANNELS[channel](app, phone, each)) for n, each in enumerate(wrong)}
    found["wrong code"] = seen(CHANNELS[channel](app, UNKNOWN, code))
    all_the_same(found)


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_negative_answer_takes_the_same_statements(app, ways, channel):
    """In number, shape and order, and in one transaction."""
    engine = context(app).engine
    CHANNELS[channel](app, UNKNOWN, "000000")  # opens what is opened once
    found = {}
    for way, asked in ways.items():
        with statements(engine) as found[way]:
            CHANNELS[channel](app, *asked)
    made = all_the_same(found)
    assert made.count("COMMIT") == 1
    assert sum(sql.startswith("SELECT") and "FROM code" in sql for sql in made) == 1
    assert sum(sql.startswith("UPDATE code") for sql in made) == 1
    assert sum(sql.startswith("INSERT INTO audit_entry") for sql in made) == 1


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_negative_answer_writes_the_same_number_of_rows(app, there, ways, channel):
    found = {}
    CHANNELS[channel](app, UNKNOWN, "000000")  # which may be the first that this hour spends on
    for way, asked in ways.items():
        before = rows(there)
        CHANNELS[channel](app, *asked)
        found[way] = difference(before, rows(there))
    wrote = all_the_same(found)
    by_provider = {"inbound_text": (0, 1)} if channel in ("text", "keypad") else {}
    paid = {"spending": (1, 1)} if channel == "text" else {}
    assert wrote == {"code": (1, 1), "audit_entry": (0, 1), **by_provider, **paid}


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_negative_answer_opens_ciphers_and_computes_codes_alike(
    app, ways, channel, monkeypatch
):
    """The same keys unwrapped, secrets opened, codes computed and compared, of the same sizes."""
    CHANNELS[channel](app, UNKNOWN, "000000")
    done, found = cost_counters.costly(monkeypatch), {}
    for way, asked in ways.items():
        done.clear()
        CHANNELS[channel](app, *asked)
        found[way] = list(done)
    acts = [name for name, _ in all_the_same(found)]
    assert acts.count("hotp") == 1
    assert acts.count("open") >= 2  # the customer's key, and the secret under it
    assert acts.count("compare") >= 1


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_negative_answer_sends_values_of_the_same_types_and_lengths(
    app, there, ways, channel, clock
):
    """A decoy has ids, a secret and a MAC too, and its entry names it as another names its call. A
    number's row is checked as often as its decoy here, so that the lists of failed checks, which
    end at the same length, are not compared while they grow."""
    CHANNELS[channel](app, UNKNOWN, "000000")
    with there.unit() as work:
        for phone, _ in list(ways.values()) * 24:
            check_code(work, phone, "000000", Channel.WEB, clock.now, organisation="Test")
    found = {}
    for way, asked in ways.items():
        with sent_values(context(app).engine) as found[way]:
            CHANNELS[channel](app, *asked)
    assert len(all_the_same(found)) >= 3


def test_a_right_code_is_looked_at_no_less_where_it_no_longer_counts(app, ways, monkeypatch):
    """Else the time would tell a guesser that a dead code was the right one."""
    failed_check_cases.by_api(app, UNKNOWN, "000000")
    done, found = cost_counters.costly(monkeypatch), {}
    for way in ("expired", "locked"):
        phone, code = ways[way]
        for kind, given in (("right", code), ("wrong", factories.wrong(code))):
            done.clear()
            failed_check_cases.by_api(app, phone, given)
            found[f"{way} {kind}"] = list(done)
    assert len({tuple(value) for value in found.values()}) == 1, found


@pytest.mark.parametrize("stand_in", [decoy_index, queue_index])
def test_every_number_has_a_decoy_and_a_queue_row(there, ways, stand_in):
    """They stand in for every number there can be, and none is open to a real one."""
    indexes = {there.ring.compute_blind_index("phone", f"+44740{n:07d}") for n in range(4000)}
    rows = {stand_in(index) for index in indexes}
    assert len(rows) == DECOY_COUNT
    with there.engine.connect() as connection:
        stored = connection.execute(
            select(Code.phone_index).where(Code.callback_id.is_(None), Code.closed_at.is_(None))
        )
        assert rows <= set(stored.scalars())
    assert not rows & indexes


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_checks_queue_up_alike_whether_the_number_is_being_called(there, ways, clock):
    """A check waits for one of another number that shares its queue row, also where both are being
    called; else it would be quicker than one of numbers that nobody is calling. SQLite has one
    writer at a time, whatever is checked."""
    phone, code = ways["wrong code"]
    queue = queue_index(there.ring.compute_blind_index("phone", phone))
    with there.engine.begin() as other:
        other.execute(select(Code.id).where(Code.phone_index == queue).with_for_update())
        with pytest.raises(OperationalError), there.unit() as work:
            work.connection().exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
            check_code(work, phone, code, Channel.WEB, clock.now, organisation="Test")


@pytest.mark.both
@pytest.mark.parametrize(
    "change",
    ["DELETE FROM code WHERE {row}", "UPDATE code SET closed_at = valid_from WHERE {row}"],
    ids=["deleted", "closed"],
)
def test_a_database_writer_cannot_silence_a_right_code_through_its_queue_row(there, clock, change):
    """Queue rows only order checks: without one, the right code is as genuine as before."""
    call = factories.a_call(there, clock.now)
    queue = queue_index(there.ring.compute_blind_index("phone", call.phone))
    with there.engine.begin() as connection:
        row = connection.execute(select(Code.id).where(Code.phone_index == queue)).scalar_one()
        named = f"id = '{row if there.kind == 'postgresql' else row.hex}'"
        assert connection.exec_driver_sql(change.format(row=named)).rowcount == 1
    with there.unit() as work:
        verdict = check_code(
            work, call.phone, call.code, Channel.WEB, clock.now, organisation="Test"
        )
    assert isinstance(verdict, Genuine)

"""I3, F1: where no entry can be written, no route shows personal data, reveals a code or sends a
text; it refuses in time, with production's own time-outs, and never ends in an error of ours."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, make_url
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from messaging.dispatch.worker import Worker
from messaging.models import OutboxMessage, SimulatorText
from messaging.providers.simulator.sms import SimulatorSmsProvider
from storage.engine import LOCK_WAIT_SECONDS, make_engine
from tests import databases
from tests.security_rules.support import cost_counters, outages
from tests.security_rules.support.closed_routes import (
    AGENT,
    CUSTOMER,
    INVESTIGATOR,
    LEAVING,
    PROVIDER,
    ROUTES,
    SECRETS,
    SUPERVISOR,
    House,
)
from vault import destinations, external_counters
from vault.audit.checkpoint_job import CheckpointJob
from vault.models import AuditEntry

SIGNED_IN = (AGENT, SUPERVISOR, INVESTIGATOR, CUSTOMER)
CLOSED = [name for name, row in ROUTES.items() if row.closed]
#: In which somebody who asks has an answer.
SOON = 2.0


@pytest.fixture
def house(database: str, tmp_path: Path) -> Iterator[House]:
    made = House(database, tmp_path)
    yield made
    made.console.context.engine.dispose()


def entries(house: House) -> int:
    with house.console.unit() as session:
        return session.exec(select(func.count()).select_from(AuditEntry)).one()


def test_every_route_has_a_row(house):
    assert set(house.asks()) == set(ROUTES)


def test_with_the_log_each_closed_route_does_its_work_and_writes_an_entry(
    sqlite_template, tmp_path
):
    """Else what follows would prove nothing. Each request starts from the same restored house."""
    house = House(databases.sqlite_copy(sqlite_template, tmp_path), tmp_path)
    silent, idle = [], []
    for name in CLOSED:
        with as_it_was(house, tmp_path):
            before = entries(house)
            answer = house.ask(name)
            silent += [name] * (entries(house) == before)
            idle += [name] * (answer.status_code >= 400)
    assert silent == []
    assert idle == ["own.submit_page_number POST"]  # a wrong number, of which each try is counted


@contextmanager
def as_it_was(house: House, folder: Path) -> Iterator[None]:
    """What is done meanwhile is undone: the file is put back, and what is counted beside it."""
    engine = house.console.context.engine
    path = Path(str(make_url(str(engine.url)).database))
    engine.dispose()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(path, folder / "kept")
    yield
    engine.dispose()
    for one_path in path.parent.glob(f"{path.name}-*"):
        one_path.unlink()
    shutil.copyfile(folder / "kept", path)
    house.console.context.info[external_counters._SESSION_KEY]._storage.forget_all_counts()


def full(house: House, there: databases.Store) -> None:
    """A disk that takes nothing more."""
    if there.kind == "postgresql":
        outages.refuse_commits(there)  # what its server answers then; its files are not ours
    else:
        outages.fill_up(house.console.context.engine, house.console.context.ring)


OUTAGES = {
    "no entry": lambda _, there: outages.refuse_audit(there),
    "no table": lambda _, there: outages.remove_audit(there),
    "no commit": lambda _, there: outages.refuse_commits(there),
    "full": full,
}


@pytest.mark.parametrize("outage", OUTAGES)
def test_no_route_shows_or_does_anything_without_an_entry(house, database, outage):
    there = databases.opened(database)
    OUTAGES[outage](house, there)
    before = cost_counters.rows(there, but=["audit_entry"])
    assert wrong(house, CLOSED) == {}
    assert cost_counters.difference(before, cost_counters.rows(there, but=["audit_entry"])) == {}
    assert wrong(house, [name for name in ROUTES if name not in CLOSED]) == {}


def wrong(house: House, names: list[str]) -> dict[str, str]:
    """What is wrong with the answers of these routes."""
    found = {name: _wrong(house, name, house.ask(name)) for name in names}
    return {name: what for name, what in found.items() if what}


def _wrong(house: House, name: str, answer: Any) -> str:
    row, text = ROUTES[name], answer.text
    shown = [item for item in (*SECRETS, house.code) if item in text]
    if shown and not row.own_phone:
        return f"shows {shown}"
    if answer.status_code >= 500 and answer.status_code != 503:
        return f"ends with {answer.status_code}"
    if "genuine" in text.lower() and "not_confirmed" not in text and row.closed:
        return "says genuine"
    refused = answer.status_code == 503 or (row.who == PROVIDER and "cannot" in text)
    if row.closed and not refused:
        return f"is not refused: {answer.status_code}"
    return _thrown_out(name, answer)


def _thrown_out(name: str, answer: Any) -> str:
    """Whether the browser is another's, or nobody's, for having been refused."""
    row = ROUTES[name]
    if row.closed and row.who in SIGNED_IN and "Set-Cookie" in answer.headers:
        return "changes the browser's session"
    if "/staff/sign-in" in answer.headers.get("Location", "") and name not in LEAVING:
        return "leads to the door"
    return ""


@contextmanager
def held(there: databases.Store) -> Iterator[None]:
    """Somebody keeps the lock that an entry needs."""
    with ExitStack() as stack:
        if there.kind == "sqlite":
            stack.enter_context(outages.locked(there))
        else:
            connection = stack.enter_context(there.engine.begin())
            connection.exec_driver_sql("LOCK TABLE audit_entry IN ACCESS EXCLUSIVE MODE")
        yield


@contextmanager
def hanging(there: databases.Store) -> Iterator[None]:
    """The statement that writes an entry does not return."""
    if there.kind == "sqlite":
        with held(there):
            yield
        return
    outages.run(
        there,
        "CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$",
        "CREATE TRIGGER hang BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION hang()",
    )
    yield


@pytest.mark.campaign
@pytest.mark.parametrize("outage", [held, hanging])
def test_every_route_answers_soon_while_a_lock_is_held_or_a_statement_hangs(
    house, database, outage
):
    """With production's own time-outs, four at a time. A machine that has other things to do gets
    three tries."""
    left = [name for name in ROUTES if name not in LEAVING]
    with outage(databases.opened(database)):
        for names in (left, left, left):
            told = asked(house, names)
            assert {name: what for name, (_, what) in told.items() if what} == {}
            late = {name: seconds for name, (seconds, _) in told.items() if seconds >= SOON}
            left[:] = late
            if not late:
                break
        assert late == {}
        assert {name: what for name, (_, what) in asked(house, LEAVING).items() if what} == {}
    assert LOCK_WAIT_SECONDS < SOON


def asked(house: House, names: Sequence[str]) -> dict[str, tuple[float, str]]:
    """Four at a time, each by a browser of its own."""
    with ThreadPoolExecutor(4) as hands:
        return dict(zip(names, hands.map(partial(timed, house), names), strict=True))


def timed(house: House, name: str) -> tuple[float, str]:
    began = time.monotonic()
    answer = house.ask(name)
    return time.monotonic() - began, _wrong(house, name, answer)


@pytest.mark.parametrize("outage", [*OUTAGES, "held", "hanging"])
def test_no_text_is_sent_without_its_entry(house, database, outage):
    there, here = databases.opened(database), house.console.context
    sent = len(there.all(select(SimulatorText)))
    assert [row.state for row in there.all(select(OutboxMessage))].count("queued") > 0
    own = make_engine(database, wait_seconds=0.2)
    worker = Worker(own, here.ring, [SimulatorSmsProvider(own, here.ring)], here.clock)
    with ExitStack() as stack:
        if outage in OUTAGES:
            OUTAGES[outage](house, there)
        else:
            stack.enter_context({"held": held, "hanging": hanging}[outage](there))
        if outage == "full" and there.kind == "sqlite":
            outages.fill_up(own, here.ring)
        with suppress(DBAPIError):
            worker.run_once()
    assert len(there.all(select(SimulatorText))) == sent
    own.dispose()


def test_where_checkpoints_cannot_be_written_out_the_service_goes_on_and_says_so(house):
    here = house.console.context
    broken = replaced(house)
    CheckpointJob(here.audit_origin, broken.places, here.engine, here.info, here.clock).run_safely()
    assert "checkpoints" in house.app.test_client().get("/readyz").json["parts"]
    told = house.app.test_client().get("/readyz")
    assert "doctor" in told.json["parts"]["checkpoints"]
    assert "have not reached" in house.app.test_cli_runner().invoke(args=["doctor"]).output
    assert house.ask("console.show_callback_page GET").status_code == 200
    assert house.ask("own.show_portal_home GET").status_code == 200


def replaced(house: House) -> Any:
    here = replace(
        house.console.context, places=[destinations.file_destination(Path("/dev/null/x"))]
    )
    here.attach_to_app(house.app)
    return here

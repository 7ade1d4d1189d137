"""What every test can ask for: a clock, a store on either database, an application, a client."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import app_compile_cache, database_selection, databases, servers

_SERVER = pytest.StashKey[str]()
_STACK = pytest.StashKey[ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    for name in [n for n in os.environ if n.startswith(("VOUCHLINE_", "TWILIO_", "TELNYX_"))]:
        if not name.startswith("VOUCHLINE_TEST_"):
            del os.environ[name]
    config.stash[_STACK] = ExitStack()
    app_compile_cache.share()


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_STACK].close()


class ForWorkers:
    """Servers are started once, by the process that leads the others."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["postgresql"] = _server(node.config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        from tests.xdist_scheduler import BrowserTogether

        return BrowserTogether(config, log)


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(ForWorkers())


def _server(config: pytest.Config) -> str:
    """The server's address, or ``-`` and the reason why there is none."""
    if hasattr(config, "workerinput"):
        return str(config.workerinput["postgresql"])
    if _SERVER not in config.stash:
        try:
            url = config.stash[_STACK].enter_context(servers.postgresql())
            databases.postgresql_template(url)
        except servers.Missing as missing:
            url = f"-{missing}"
        config.stash[_SERVER] = url
    return config.stash[_SERVER]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--both", action="store_true", help="every test on both databases")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests take turns on the databases, unless one is named."""
    if config.getoption("--both") or any("::" in arg for arg in config.args):
        return
    left = [item for item in items if database_selection.left_out(item)]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if not database_selection.left_out(item)]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped.append(report.nodeid)


_skipped: list[str] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a test that was skipped is a test that is missing."""
    if os.environ.get("CI") and _skipped and not hasattr(session.config, "workerinput"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def postgresql_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a PostgreSQL that holds the prepared database."""
    url = _server(request.config)
    if url.startswith("-"):
        pytest.skip(url[1:])
    yield url
    databases.drop_served(url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared SQLite file."""
    return databases.sqlite_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh store; a test that asks for it runs on both databases."""
    if request.param == "sqlite":
        yield databases.sqlite_copy(request.getfixturevalue("sqlite_template"), tmp_path)
    else:
        server = request.getfixturevalue("postgresql_server")
        with databases.postgresql_copy(server) as url:
            yield url


@pytest.fixture
def store(database: str) -> Iterator[databases.Store]:
    """A fresh store, opened."""
    made = databases.opened(database)
    yield made
    made.engine.dispose()


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 10, 2, 30, 123456, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The application's clock."""
    return Clock()


@pytest.fixture
def app(
    database: str, tmp_path: Path, clock: Clock, request: pytest.FixtureRequest
) -> Iterator[Flask]:
    """An application on a fresh store. ``@pytest.mark.settings(name=value)`` changes settings."""
    from app import create_app

    mark = request.node.get_closest_marker("settings")
    made = create_app(
        databases.settings(database, tmp_path, **(mark.kwargs if mark else {})), now=clock
    )
    yield made
    made.extensions["vouchline"].engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without a page."""
    return app.test_client()

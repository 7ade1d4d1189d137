"""The floor: the minimal check over HTTP, without any product code.

A bare Flask view that does one keyed SELECT, one HOTP, one UPDATE and one INSERT with the raw
driver, as durable as our store. ``FLOOR_URL`` names its database.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from datetime import UTC, datetime
from typing import Any

import psycopg
import pyotp
from flask import Flask, Response, jsonify, request

from storage.engine import LOCK_WAIT_SECONDS

TABLES = (
    "CREATE TABLE code (phone TEXT PRIMARY KEY, secret TEXT NOT NULL, counter INTEGER NOT NULL,"
    " tries INTEGER NOT NULL)",
    "CREATE TABLE entry (id {serial} PRIMARY KEY, at TEXT NOT NULL, phone TEXT NOT NULL,"
    " outcome TEXT NOT NULL)",
)
_mine = threading.local()


def connect(url: str) -> Any:
    """Return a connection of the raw driver, configured as in ``storage/sqlite.py``."""
    if not url.startswith("sqlite:///"):
        return psycopg.connect(url.replace("+psycopg", ""))
    connection = sqlite3.connect(
        url.removeprefix("sqlite:///"), timeout=LOCK_WAIT_SECONDS, isolation_level=None
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def create_app() -> Flask:
    """Return the floor as a Flask application."""
    url = os.environ["FLOOR_URL"]
    check = _check_sqlite if url.startswith("sqlite:///") else _check_postgresql
    app = Flask("floor")

    @app.post("/api/v1/checks")
    def make_check() -> Response:
        body = request.get_json()
        if not hasattr(_mine, "connection"):
            _mine.connection = connect(url)
        at = datetime.now(UTC).isoformat()
        return jsonify(verdict=check(_mine.connection, body["phone"], body["code"], at))

    return app


def _verdict(secret: str, counter: int, code: str) -> str:
    return "genuine" if pyotp.HOTP(secret).at(counter) == code else "not_confirmed"


def _check_sqlite(connection: sqlite3.Connection, phone: str, code: str, at: str) -> str:
    run = connection.execute
    run("BEGIN IMMEDIATE")
    secret, counter = run("SELECT secret, counter FROM code WHERE phone = ?", (phone,)).fetchone()
    verdict = _verdict(secret, counter, code)
    run("UPDATE code SET tries = tries + 1 WHERE phone = ?", (phone,))
    run("INSERT INTO entry (at, phone, outcome) VALUES (?, ?, ?)", (at, phone, verdict))
    run("COMMIT")
    return verdict


def _check_postgresql(connection: Any, phone: str, code: str, at: str) -> str:
    run = connection.execute
    secret, counter = run("SELECT secret, counter FROM code WHERE phone = %s", (phone,)).fetchone()
    verdict = _verdict(secret, counter, code)
    run("UPDATE code SET tries = tries + 1 WHERE phone = %s", (phone,))
    run("INSERT INTO entry (at, phone, outcome) VALUES (%s, %s, %s)", (at, phone, verdict))
    connection.commit()
    return verdict


def fill(url: str, phones: list[str]) -> None:
    """Create the floor's tables, with a secret for each number that will be checked."""
    sqlite = url.startswith("sqlite:///")
    connection = connect(url)
    serial = "INTEGER" if sqlite else "BIGINT GENERATED ALWAYS AS IDENTITY"
    mark = "?" if sqlite else "%s"
    cursor = connection.cursor()
    for table in TABLES:
        cursor.execute(table.format(serial=serial))
    if sqlite:
        cursor.execute("BEGIN")
    rows = [(phone, pyotp.random_base32()) for phone in phones]
    cursor.executemany(f"INSERT INTO code VALUES ({mark}, {mark}, 0, 0)", rows)
    connection.commit()
    connection.close()

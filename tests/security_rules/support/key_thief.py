"""What a database writer without keys does to them: only by SQL, never by code of ours."""

from __future__ import annotations

import hashlib
import os
from uuid import UUID, uuid4

from argon2 import PasswordHasher
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

PLANTED = {
    "email": "sam@example.org",
    "password": "planted by the writer",
    "code": "2345-abcd-6789",
}
BEARER = {"Authorization": "Bearer vl_planted"}
_LETS_IN = (
    *("purpose_key", "key_register", "alembic_version"),
    *("staff", "recovery_code", "api_token", "audit_entry"),
)
_CODE = hashlib.sha256(b"recovery:2345abcd6789").digest()


class Writer:
    """Somebody who can write to the database at ``url``."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url)
        self.sqlite = url.startswith("sqlite")

    def run(self, *statements: str, **values: object) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement), values)

    def rows(self, table: str) -> list[dict[str, object]]:
        with self.engine.connect() as connection:
            return sorted(
                (
                    dict(row)
                    for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()
                ),
                key=repr,
            )

    def what_lets_in(self) -> list[object]:
        """All that an upgrade of a store that was changed could change."""
        found: list[object] = []
        for name in _LETS_IN:
            try:
                found.append(self.rows(name))
            except DBAPIError:
                found.append("no such table")
        return found

    def put_back(self, table: str, rows: list[dict[str, object]]) -> None:
        """The rows of a table as they once were."""
        with self.engine.begin() as connection:
            connection.execute(text(f"DELETE FROM {table}"))
            for row in rows:
                names = ", ".join(row)
                marks = ", ".join(f":{name}" for name in row)
                connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), row)

    def id(self, value: UUID) -> object:
        return value.hex if self.sqlite else value

    def plant(self, supervisor: UUID, agent: UUID) -> None:
        """A password and a recovery code for one, a token of the API for the other."""
        quick = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        hashed = quick.hash(PLANTED["password"])
        with self.engine.begin() as connection:
            self._plant(connection, hashed, supervisor, agent)

    def _plant(self, work: Connection, hashed: str, supervisor: UUID, agent: UUID) -> None:
        sealed = "BLOB" in str(self._type("staff", "password_hash"))
        sealed = sealed or "BYTEA" in str(self._type("staff", "password_hash"))
        work.execute(
            text("UPDATE staff SET password_hash = :hash WHERE id = :id"),
            {"hash": hashed.encode() if sealed else hashed, "id": self.id(supervisor)},
        )
        work.execute(
            text("INSERT INTO recovery_code (id, staff_id, code_hash) VALUES (:new, :id, :hash)"),
            {"new": self.id(uuid4()), "id": self.id(supervisor), "hash": _CODE},
        )
        work.execute(
            text(
                "INSERT INTO api_token (id, token_hash, staff_id, role, label, created_at)"
                " VALUES (:new, :hash, :id, 'agent', '', '2026-11-24 09:00:00+00:00')"
            ),
            {
                "new": self.id(uuid4()),
                "hash": hashlib.sha256(b"vl_planted").digest(),
                "id": self.id(agent),
            },
        )

    def _type(self, table: str, column: str) -> object:
        found = inspect(self.engine).get_columns(table)
        return next(item["type"] for item in found if item["name"] == column)

    def break_key(self, purpose: str, how: str, other: str = "demo") -> None:
        """Delete the key of a purpose, or put something else into its row."""
        if how == "deleted":
            self.run("DELETE FROM purpose_key WHERE purpose = :p", p=purpose)
        elif how == "garbage":
            self.run(
                "UPDATE purpose_key SET wrapped = :w WHERE purpose = :p",
                p=purpose,
                w=os.urandom(60),
            )
        else:
            self.run(
                "UPDATE purpose_key SET wrapped = (SELECT wrapped FROM purpose_key WHERE"
                " purpose = :o) WHERE purpose = :p",
                p=purpose,
                o=other,
            )

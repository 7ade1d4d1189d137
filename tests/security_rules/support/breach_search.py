"""What a thief of the store and the logs has in hand, and looking for a value in it."""

from __future__ import annotations

import base64
import hashlib
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import make_url

#: Forms in which the case of letters does not matter.
_LETTERS = ("plain", "utf-16", "utf-16, the other way", "reversed")
_BYTEA = re.compile(rb"\\\\x([0-9a-f]*)")


def everything_in(url: str, folder: Path, *, used: bool = True) -> bytes:
    """Every byte that the store keeps: SQLite's files as they lie there, journals and all;
    PostgreSQL's rows, with bytes as text and as bytes."""
    if url.startswith("sqlite"):
        kept = sorted(path for path in folder.rglob("*") if path.is_file())
        # Stolen while in use, unless said otherwise.
        assert any(item.name.endswith("-wal") for item in kept) == used
        return b"\n".join([*(item.read_bytes() for item in kept), _backup(url)])
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return b"\n".join(_rows(connection, name) for (name,) in found.fetchall())


def _backup(url: str) -> bytes:
    """A copy as SQLite's own backup makes it."""
    with closing(sqlite3.connect(":memory:")) as copy:
        with closing(sqlite3.connect(str(make_url(url).database))) as store:
            store.backup(copy)
        return copy.serialize()


@dataclass(frozen=True)
class Disk:
    """What lies on the disk of a PostgreSQL server, read as its administrator can."""

    url: str

    def _connected(self) -> psycopg.Connection:
        plain = make_url(self.url).set(drivername="postgresql")
        return psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True)

    def position(self) -> int:
        """How many bytes of its log of changes have ever been written."""
        with self._connected() as connection:
            found = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchone()
            return int(found[0]) if found else 0

    def log_since(self, position: int) -> bytes:
        """Its log of changes from there on, segments of 16 MiB."""
        parts, end = [], self.position()
        with self._connected() as connection:
            connection.execute("SELECT pg_switch_wal()")  # so that all of it is written out
            while position < end:
                start = position % _SEGMENT
                length = min(_SEGMENT - start, end - position)
                read = (
                    "SELECT pg_read_binary_file('pg_wal/' ||"
                    " pg_walfile_name('0/0'::pg_lsn + %s::numeric + 1), %s, %s)"
                )
                found = connection.execute(read, (position, start, length), binary=True).fetchone()
                parts.append(bytes(found[0]) if found else b"")
                position += length
        return b"".join(parts)

    def files(self) -> bytes:
        """The files of every table and index, as they are after a checkpoint."""
        read = (
            "SELECT pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i', 't')"
            " AND pg_relation_size(oid) > 0"
        )
        with self._connected() as connection:
            connection.execute("CHECKPOINT")
            found = connection.execute(read, binary=True).fetchall()
            return b"".join(bytes(item[0]) for item in found)


_SEGMENT = 16 * 1024 * 1024


def _rows(connection: psycopg.Connection, table: str) -> bytes:
    with connection.cursor().copy(f'COPY "{table}" TO STDOUT') as rows:
        text = b"".join(bytes(row) for row in rows)
    return _BYTEA.sub(lambda found: b"<" + bytes.fromhex(found[1].decode()) + b">", text)


def forms(value: bytes) -> dict[str, bytes]:
    """A value as it is and as somebody may have written it: what to look for."""
    text = value.decode("utf-8", "ignore")
    found = {"plain": value, "hex": value.hex().encode(), "HEX": value.hex().upper().encode()}
    if text.encode() == value:
        found |= {"utf-16": text.encode("utf-16-le"), "reversed": text[::-1].encode()}
        found["utf-16, the other way"] = text.encode("utf-16-be")
        found["reversed hex"] = text[::-1].encode().hex().encode()
    if len(value) < 20:  # few enough of these to try them all
        found["hashed"] = hashlib.sha256(value).digest()
        found["hashed in hex"] = hashlib.sha256(value).hexdigest().encode()
    for shift in range(3):  # base64 looks different by where in it the value begins
        begin, end = -(-shift * 4 // 3), (shift + len(value)) * 4 // 3
        for kind, encode in (
            ("base64", base64.b64encode),
            ("urlsafe", base64.urlsafe_b64encode),
        ):
            found[f"{kind} {shift}"] = encode(b"\0" * shift + value)[begin:end].rstrip(b"=")
    return found


def finds(haystack: bytes, values: Iterable[bytes]) -> list[tuple[bytes, str]]:
    """Which of the values stand there, and in what form. Letter case does not matter."""
    folded = haystack.lower()
    return [
        (value, form)
        for value in values
        for form, looked_for in forms(value).items()
        if (looked_for.lower() in folded if form in _LETTERS else looked_for in haystack)
    ]

"""What a thief of the store and the logs has in hand, and looking for a value in it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

import psycopg
from sqlalchemy import make_url

_BYTEA = re.compile(rb"\\\\x([0-9a-f]*)")


def everything_in(url: str, folder: Path) -> bytes:
    """Every byte that the store keeps: SQLite's files as they lie there, journals and all;
    PostgreSQL's rows, with bytes as text and as bytes."""
    if url.startswith("sqlite"):
        kept = sorted(each for each in folder.rglob("*") if each.is_file())
        assert any(each.name.endswith("-wal") for each in kept)  # stolen while in use
        return b"\n".join(each.read_bytes() for each in kept)
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return b"\n".join(_rows(connection, name) for (name,) in found.fetchall())


def _rows(connection: psycopg.Connection, table: str) -> bytes:
    with connection.cursor().copy(f'COPY "{table}" TO STDOUT') as rows:
        text = b"".join(bytes(each) for each in rows)
    return _BYTEA.sub(lambda found: b"<" + bytes.fromhex(found[1].decode()) + b">", text)


def forms(value: bytes) -> dict[str, bytes]:
    """A value as it is and as somebody may have written it: what to look for."""
    text = value.decode("utf-8", "ignore")
    found = {"plain": value, "hex": value.hex().encode(), "HEX": value.hex().upper().encode()}
    if text.encode() == value:
        found |= {"utf-16": text.encode("utf-16-le"), "reversed": text[::-1].encode()}
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
        if (looked_for.lower() in folded if form in ("plain", "utf-16") else looked_for in haystack)
    ]

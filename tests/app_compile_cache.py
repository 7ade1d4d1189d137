"""Makes the thousands of applications of a test run cheaper: what is the same for each of them is
compiled once for a process, and a password's hash costs little."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from people import credentials

_compile_builder = Rule._compile_builder
_builders: dict[Any, Callable[..., tuple[str, str]]] = {}
_statements: dict[type, MutableMapping[Any, Any]] = {}


def share() -> None:
    """From now on each route, template and statement is compiled once. Passwords are hashed at the
    lowest cost; ``tests/people/test_credentials.py`` holds the real one."""
    credentials._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    credentials._DECOY_HASH = credentials._hasher.hash("nobody has this password")
    Rule._compile_builder = _compile_builder_once  # type: ignore[method-assign]
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": _Templates()}
    event.listen(Engine, "engine_connect", _share_statements)
    DefaultDialect.__eq__ = _is_same_kind  # type: ignore[method-assign,assignment]
    DefaultDialect.__hash__ = lambda dialect: hash(type(dialect))  # type: ignore[method-assign]


def _compile_builder_once(
    rule: Rule, append_unknown: bool = True
) -> Callable[..., tuple[str, str]]:
    """Two functions for each route of an application are four fifths of what it takes to make one.
    They depend on nothing but the route where it has no defaults."""
    if rule.defaults:
        return _compile_builder(rule, append_unknown)
    key = (rule.rule, rule.subdomain, rule.host, tuple(rule._trace), append_unknown)
    if key not in _builders:
        _builders[key] = _compile_builder(rule, append_unknown)
    return _builders[key]


class _Templates(BytecodeCache):
    """Compiled templates of all applications of a process, by name and content."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key, bucket.checksum] = bucket.code


def _share_statements(connection: Connection) -> None:
    """An engine keeps the text of each statement by its dialect, and each test has an engine."""
    engine = connection.engine
    engine._compiled_cache = _statements.setdefault(type(engine.dialect), LRUCache(5000))


def _is_same_kind(one: object, other: object) -> bool:
    return type(one) is type(other)

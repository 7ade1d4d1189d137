"""Makes the thousands of applications of a test run cheaper: what is the same for each of them is
compiled once for a process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

_compiled = Rule._compile_builder
_builders: dict[Any, Callable[..., tuple[str, str]]] = {}


def _once(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    """Two functions for each route of an application are four fifths of what it takes to make one.
    They depend on nothing but the route where it has no defaults."""
    if rule.defaults:
        return _compiled(rule, append_unknown)
    key = (rule.rule, rule.subdomain, rule.host, tuple(rule._trace), append_unknown)
    if key not in _builders:
        _builders[key] = _compiled(rule, append_unknown)
    return _builders[key]


class _Templates(BytecodeCache):
    """Compiled templates of all applications of a process, by name and content."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key, bucket.checksum] = bucket.code


_templates = _Templates()


def routes() -> None:
    """From now on each route is compiled once."""
    Rule._compile_builder = _once  # type: ignore[method-assign]


def templates(app: Flask) -> None:
    """Let this application share its templates."""
    app.jinja_env.bytecode_cache = _templates

"""Audits requests of staff for ids and references that do not exist or are not theirs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from flask import request

from channels.app_context import current_time, unit_of_work
from people.customers import lookup_log
from people.errors import NotFound

_MAX_LENGTH = 2000


@contextmanager
def audit_not_found(who: Sequence[UUID], *, written: bool = True) -> Iterator[None]:
    """Count a ``NotFound`` for the last of ``who``, if there is one, and audit it in its own unit
    of work, because that of the request is rolled back; then raise it. Set ``written`` to false for
    a page that a script polls: its first request has been audited."""
    try:
        yield
    except NotFound:
        asked = _requested_identifiers()
        if asked and who and written:
            with unit_of_work() as session:
                lookup_log.log_unknown_request(
                    session, who[-1], asked, request.endpoint or "", current_time()
                )
        raise


def _requested_identifiers() -> str:
    """Return the ids and references in the path and the form."""
    identifiers = [*(request.view_args or {}).values()]
    identifiers += [value for name, value in request.form.items() if name != "csrf_token"]
    return " ".join(map(str, identifiers))[:_MAX_LENGTH]

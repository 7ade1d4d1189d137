"""A member of staff who asks for what is not there, or is not theirs, by an id or a reference."""

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
    """Count a ``NotFound`` for the last of ``who``, if anybody is known by then, and write it down,
    in a unit of work of its own: that of the request is rolled back. Only then is it answered.
    A page that a script asks for all the time has been asked for once before (not ``written``)."""
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
    """What the address and the form name."""
    named = [*(request.view_args or {}).values()]
    named += [value for name, value in request.form.items() if name != "csrf_token"]
    return " ".join(map(str, named))[:_MAX_LENGTH]

"""A member of staff who asks for what is not there, or is not theirs, by an id or a reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from flask import request

from channels.app_context import now, unit
from people.customers import lookup_log
from people.errors import NotFound

_MOST = 2000


@contextmanager
def unknown_noted(who: Sequence[UUID], *, written: bool = True) -> Iterator[None]:
    """Count a ``NotFound`` for the last of ``who``, if anybody is known by then, and write it down,
    in a unit of work of its own: that of the request is rolled back. Only then is it answered.
    A page that a script asks for all the time has been asked for once before (not ``written``)."""
    try:
        yield
    except NotFound:
        asked = _asked()
        if asked and who and written:
            with unit() as session:
                lookup_log.note_unknown(session, who[-1], asked, request.endpoint or "", now())
        raise


def _asked() -> str:
    """What the address and the form name."""
    named = [*(request.view_args or {}).values()]
    named += [value for name, value in request.form.items() if name != "csrf_token"]
    return " ".join(map(str, named))[:_MOST]

"""Error output shared by the commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from channels.error_handlers import UNAVAILABLE_ERRORS
from channels.error_texts import describe_error_in_english
from people.errors import Conflict, InvalidInput, NotAllowed, NotFound
from scheduling.errors import OutsideWindow, SlotTaken, WrongState
from vault.errors import KeyUnavailable

READABLE_ERRORS = (
    InvalidInput,
    Conflict,
    NotAllowed,
    NotFound,
    SlotTaken,
    WrongState,
    OutsideWindow,
)


@contextmanager
def readable_errors() -> Iterator[None]:
    """Turn known errors into a ``ClickException`` with one sentence instead of a traceback."""
    try:
        yield
    except InvalidInput as error:
        sentence = f"{error.field}: {describe_error_in_english(error)}"
        raise click.ClickException(sentence) from None
    except READABLE_ERRORS as error:
        raise click.ClickException(describe_error_in_english(error)) from None
    except KeyUnavailable as error:
        raise click.ClickException(f"Keys: {error}.") from None
    except UNAVAILABLE_ERRORS as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise click.ClickException(f"The database cannot be used: {reason}") from None

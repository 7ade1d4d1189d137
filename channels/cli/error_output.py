"""What the commands share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from channels.error_handlers import OUT_OF_REACH
from people.errors import InvalidInput, NoLonger, NotAllowed, NotFound
from scheduling.errors import OutsideWindow, SlotTaken, WrongState
from vault.errors import KeyUnavailable

SAID = (InvalidInput, NoLonger, NotAllowed, NotFound, SlotTaken, WrongState, OutsideWindow)


@contextmanager
def plainly() -> Iterator[None]:
    """Say what went wrong in a sentence, not in a traceback."""
    try:
        yield
    except SAID as error:
        raise click.ClickException(str(error)) from None
    except KeyUnavailable as error:
        raise click.ClickException(f"Keys: {error}.") from None
    except OUT_OF_REACH as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise click.ClickException(f"The database cannot be used: {reason}") from None

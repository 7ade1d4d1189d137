"""The board of cases and a single case, for investigators."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue

from channels.console import case_words, words
from channels.console.desk import Desk, pages, staff_page
from incidents.cases import board as board_of
from incidents.cases import joining, reading
from incidents.cases.models import Case, State
from incidents.cases.seeing import seen
from people.errors import InvalidInput
from people.models import Role

_REFERENCE = re.compile(r"C[0-9A-Z]{7}")
_PAGE = re.compile(r"[1-9][0-9]{0,4}")


@pages.get("/cases")
@staff_page(Role.INVESTIGATOR)
def cases(desk: Desk) -> ResponseReturnValue:
    """The board: ``?view=`` open, mine or closed; ``?after=`` a reference goes on."""
    view = request.args.get("view", board_of.OPEN)
    after = request.args.get("after", "")
    if view not in board_of.VIEWS:
        raise InvalidInput("view", "Choose open, mine or closed.")
    if after and not _REFERENCE.fullmatch(after):
        raise InvalidInput("after", "The page asked for is none.")
    reader = desk.principal.id
    board = board_of.of(desk.session, reader, view, desk.moment, after)
    return render_template(
        "console/cases.html",
        board=board,
        view=view,
        names=reading.names(desk.session, [each.taken_by for each in board.rows]),
        **_shared(desk),
    )


@pages.get("/cases/<reference>")
@staff_page(Role.INVESTIGATOR)
def case(desk: Desk, reference: str) -> ResponseReturnValue:
    """A case with its evidence (``?page=`` from 1), and what has been done."""
    return show(desk, seen(desk.session, reference, desk.principal.id))


def show(desk: Desk, found: Case, errors: Mapping[str, str] | None = None) -> str:
    """The page of a case; ``errors`` are what stands against a form of it."""
    reader = desk.principal.id
    asked = request.args.get("page", "1")
    page = int(asked) if _PAGE.fullmatch(asked) else 1
    evidence, count = reading.evidence(desk.session, found, reader, desk.moment, page)
    steps = reading.steps(desk.session, found)
    subjects = reading.subjects(desk.session, found)
    people = [found.taken_by, *subjects, *(each.staff_id for each in steps)]
    people += [each.entry.staff_id for each in evidence if each.entry]
    return render_template(
        "console/case.html",
        case=found,
        mine=found.state == State.TAKEN and found.taken_by == reader,
        evidence=evidence,
        count=count,
        page=page,
        last=max(1, -(-count // reading.PAGE)),
        steps=steps,
        subjects=subjects,
        names=reading.names(desk.session, people),
        joined=joining.joined_from(desk.session, found),
        errors=errors or {},
        typed={name: value[:5000] for name, value in request.form.items()},
        **_shared(desk),
    )


def _shared(desk: Desk) -> dict[str, object]:
    return {"clock": desk.clock, "moment": desk.moment, "words": words, "case_words": case_words}


def id_from(text: str, field: str) -> UUID:
    """An id from a form of ours. Raises ``InvalidInput``."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(field, "Choose one from the list.") from None

"""The audit log, for investigators."""

from __future__ import annotations

import re

from flask import render_template, request
from flask.typing import ResponseReturnValue

from channels.console.desk import Desk, pages, staff_page
from incidents import trail
from people.errors import InvalidInput
from people.models import Role

_ACTION = re.compile(r"[a-z_.]{1,40}")
_BEFORE = re.compile(r"[0-9]{1,18}")


@pages.get("/audit")
@staff_page(Role.INVESTIGATOR)
def audit(desk: Desk) -> ResponseReturnValue:
    """The latest entries; ``?before=`` an id goes back, ``?action=`` keeps to one kind."""
    action = request.args.get("action", "").strip()
    before = request.args.get("before", "")
    if action and not _ACTION.fullmatch(action):
        raise InvalidInput("action", "Write the action like customer.read.")
    if before and not _BEFORE.fullmatch(before):
        raise InvalidInput("before", "The page asked for is none.")
    lines, following = trail.page(
        desk.session,
        desk.principal.actor,
        desk.moment,
        before=int(before) if before else None,
        action=action,
    )
    return render_template(
        "console/audit.html",
        lines=lines,
        following=following,
        action=action,
        paged=bool(before),
        clock=desk.clock,
    )

"""Who opened a customer's record, when and why; and one press for who does not know why."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.web.portal import purpose_labels
from channels.web.portal.auth import Owner, own_page, pages
from incidents.access_history import access_groups as opened
from incidents.access_history import objections
from people.errors import InvalidInput

_ENTRY = re.compile(r"[0-9]{1,18}")


@pages.get("/openings")
@own_page
def openings(owner: Owner) -> ResponseReturnValue:
    """The latest; ``?before=`` an entry goes back."""
    before = request.args.get("before", "")
    found = opened.page(
        owner.session,
        owner.customer.id,
        ZoneInfo(owner.customer.timezone),
        owner.moment,
        _entry(before) if before else None,
    )
    return render_template(
        "own/openings.html",
        page=found,
        older=bool(before),
        purposes=purpose_labels,
        clock=owner.clock,
        thanks="thanks" in request.args,
    )


@pages.post("/openings/object")
@own_page
def object_to(owner: Owner) -> ResponseReturnValue:
    """The customer does not know why; pressed twice, it counts once."""
    entry = _entry(request.form.get("entry", ""))
    objections.object_to(owner.session, owner.customer, entry, owner.moment)
    before = request.form.get("before", "")
    older = before if _ENTRY.fullmatch(before) else None
    return redirect(url_for("own.openings", before=older, thanks=1), code=303)


def _entry(text: str) -> int:
    if not _ENTRY.fullmatch(text):
        raise InvalidInput("entry", "Choose one of the openings on the page.")
    return int(text)

"""Who opened a customer's record, when and why; and one press for who does not know why."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.web.portal import purpose_labels
from channels.web.portal.auth import CustomerRequest, bp, customer_required
from incidents.access_history import access_groups as opened
from incidents.access_history import objections
from people.errors import InvalidInput

_ENTRY_PATTERN = re.compile(r"[0-9]{1,18}")


@bp.get("/openings")
@customer_required
def show_access_history(owner: CustomerRequest) -> ResponseReturnValue:
    """The latest; ``?before=`` an entry goes back."""
    before = request.args.get("before", "")
    found = opened.load_access_page(
        owner.session,
        owner.customer.id,
        ZoneInfo(owner.customer.timezone),
        owner.moment,
        _parse_entry_number(before) if before else None,
    )
    return render_template(
        "own/openings.html",
        page=found,
        older=bool(before),
        purposes=purpose_labels,
        clock=owner.clock,
        thanks="thanks" in request.args,
    )


@bp.post("/openings/object")
@customer_required
def submit_access_objection(owner: CustomerRequest) -> ResponseReturnValue:
    """The customer does not know why; pressed twice, it counts once."""
    entry = _parse_entry_number(request.form.get("entry", ""))
    objections.file_objection(owner.session, owner.customer, entry, owner.moment)
    before = request.form.get("before", "")
    older = before if _ENTRY_PATTERN.fullmatch(before) else None
    return redirect(url_for("own.show_access_history", before=older, thanks=1), code=303)


def _parse_entry_number(text: str) -> int:
    if not _ENTRY_PATTERN.fullmatch(text):
        raise InvalidInput("entry", "Choose one of the openings on the page.")
    return int(text)

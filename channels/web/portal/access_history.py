"""The accesses to a customer's record, with who, when and why; and a button to object to one."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from channels.error_codes import ChannelErrorCode
from channels.web.portal import purpose_labels
from channels.web.portal.auth import CustomerRequest, bp, customer_required
from incidents.access_history import access_groups as opened
from incidents.access_history import objections
from people.errors import InvalidInput

_ENTRY_PATTERN = re.compile(r"[0-9]{1,18}")


@bp.get("/openings")
@customer_required
def show_access_history(owner: CustomerRequest) -> ResponseReturnValue:
    """Show the latest accesses; with ``?before=`` an entry, those before it."""
    before = request.args.get("before", "")
    page = opened.load_access_page(
        owner.session,
        owner.customer.id,
        ZoneInfo(owner.customer.timezone),
        owner.moment,
        _parse_entry_number(before) if before else None,
    )
    return render_template(
        "portal/openings.html",
        page=page,
        older=bool(before),
        purposes=purpose_labels,
        clock=owner.clock,
        thanks="thanks" in request.args,
    )


@bp.post("/openings/object")
@customer_required
def submit_access_objection(owner: CustomerRequest) -> ResponseReturnValue:
    """File the customer's objection to an access; a second one for the same access does not
    count."""
    entry = _parse_entry_number(request.form.get("entry", ""))
    objections.file_objection(owner.session, owner.customer, entry, owner.moment)
    before = request.form.get("before", "")
    older = before if _ENTRY_PATTERN.fullmatch(before) else None
    return redirect(url_for("own.show_access_history", before=older, thanks=1), code=303)


def _parse_entry_number(text: str) -> int:
    if not _ENTRY_PATTERN.fullmatch(text):
        raise InvalidInput("entry", ChannelErrorCode.OPENING_UNKNOWN)
    return int(text)

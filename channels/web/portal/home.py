"""Customers prove their number, see their page, and sign out."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels import check_service, display_text, failed_attempts
from channels.app_context import current_context, current_time, unit_of_work
from channels.client_network import request_network
from channels.locale_selection import select_locale
from channels.web.portal.auth import (
    TOKEN_KEY,
    CustomerRequest,
    bp,
    customer_required,
    find_customer_request,
)
from incidents.reports import submission
from people.customers import customer_sessions
from people.errors import InvalidInput
from scheduling.booking import customer_callbacks
from verification import number_proof, page_number_check, page_number_limits

PROOF_MEDIA = ("text", "voice")


@bp.get("")
def show_portal_home() -> ResponseReturnValue:
    """Show the customer's page, or the form for the number."""
    moment = current_time()
    with unit_of_work() as session:
        owner = find_customer_request(session, moment)
        if owner is None:
            return _render_phone_form({}, "", ended="out" in request.args)
        return render_template(
            "portal/overview.html",
            calls=[
                display_text.sanitise_callback(call, select_locale())
                for call in customer_callbacks.list_booked_calls(session, owner.customer.id, moment)
            ],
            most=customer_callbacks.MAX_BOOKED,
            clock=owner.clock,
            done=request.args.get("done", ""),
        )


@bp.post("/number")
def submit_phone_number() -> ResponseReturnValue:
    """Send a page number; the answer is the same whether or not the phone is known."""
    current_context().limiter.count_hit("proof_address", request_network())
    typed = request.form.get("phone", "")
    medium = request.form.get("medium", "text")
    try:
        phone = check_service.read_number(typed)
    except InvalidInput:
        advice = gettext("Type your own whole phone number.")
        return _render_phone_form({"phone": advice}, typed[:40]), 422
    with unit_of_work() as session:
        number_proof.issue_page_number(
            session,
            phone,
            medium if medium in PROOF_MEDIA else "text",
            current_context().policy,
            current_time(),
        )
    return _render_page_number_form({}, phone)


@bp.post("/prove")
def submit_page_number() -> ResponseReturnValue:
    """Verify the page number: each attempt counts, and every failure gets the same answer."""
    current_context().limiter.count_hit("proof_address", request_network())
    try:
        phone = check_service.read_number(request.form.get("phone", ""))
    except InvalidInput:
        return redirect(url_for("own.show_portal_home"), code=303)
    moment = current_time()
    with unit_of_work() as session:
        customer = page_number_check.verify_page_number(
            session, phone, request.form.get("number", "")[:64], moment, _is_first_wrong_number
        )
        token = (
            customer_sessions.start_customer_session(session, customer, moment)
            if customer
            else None
        )
        if customer:
            submission.mark_reports_proven(session, phone, moment)
    if token is None:
        return _render_page_number_form({"number": _wrong_page_number_advice()}, phone), 422
    cookie[TOKEN_KEY] = token
    return redirect(url_for("own.show_portal_home"), code=303)


def _is_first_wrong_number() -> bool:
    return failed_attempts.is_first_this_hour("page number")


def _wrong_page_number_advice() -> str:
    return gettext(
        "This number does not open your page. Look at our newest message again, or ask for a new"
        " number."
    )


@bp.post("/leave")
@customer_required
def leave_portal(owner: CustomerRequest) -> ResponseReturnValue:
    """End this browser's session, or with ``everywhere`` those of all browsers."""
    if "everywhere" in request.form:
        customer_sessions.end_all_customer_sessions(owner.session, owner.customer.id, owner.moment)
    else:
        customer_sessions.end_customer_session(owner.session, str(cookie[TOKEN_KEY]), owner.moment)
    cookie.pop(TOKEN_KEY, None)
    return redirect(url_for("own.show_portal_home"), code=303)


def _render_phone_form(errors: dict[str, str], phone: str, *, ended: bool = False) -> str:
    return render_template("portal/number.html", errors=errors, phone=phone, ended=ended)


def _render_page_number_form(errors: dict[str, str], phone: str) -> str:
    return render_template(
        "portal/prove.html", errors=errors, phone=phone, digits=page_number_limits.DIGITS
    )

"""The page that answers one question: is this caller real?"""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request
from flask_babel import gettext

from channels import check_service, display_text
from channels.app_context import current_context
from channels.locale_selection import select_locale
from channels.rate_limits import RateLimitExceeded
from channels.web.public import number_cookie
from messaging.i18n import format_day_and_time, format_time_of_day
from people.errors import InvalidInput
from verification.verdicts import AlreadyConfirmed, Channel, Genuine, Verdict

bp = Blueprint("check", __name__)

Page = str | Response | tuple[str, int] | tuple[str, int, dict[str, str]]


@bp.get("/")
def show_start_page() -> Page:
    """Show the empty form."""
    return _render_check_form()


@bp.get("/check")
def show_check_form() -> Page:
    """Show the form again after a reload or a return to this address."""
    return _render_check_form()


@bp.post("/check")
def check_caller() -> Page:
    """Show the verdict. Forms of other sites may post here: the request uses no cookie's
    authority."""
    phone, code = request.form.get("phone", ""), request.form.get("code", "")
    try:
        page = _render_verdict_page(check_service.decide_verdict(phone, code, Channel.WEB))
        return number_cookie.keep_checked_number(make_response(page), phone)
    except InvalidInput as error:
        return _render_check_form(
            {error.field: _check_field_advice(error.field)}, phone[:40], code[:40]
        ), 422
    except RateLimitExceeded as error:
        page = render_template("verdict_cannot.html", busy=True)
        return page, 429, {"Retry-After": str(error.retry_after)}
    except check_service.CheckUnavailable:
        return render_template("verdict_cannot.html", busy=False), 503


def _render_check_form(
    errors: dict[str, str] | None = None, phone: str = "", code: str = ""
) -> str:
    return render_template(
        "check.html",
        errors=errors or {},
        phone=phone,
        code=code,
        digits=current_context().policy.code_digits,
    )


def _check_field_advice(field: str) -> str:
    if field == "code":
        return gettext(
            "The check number has %(digits)s digits. Type just the digits the caller told you.",
            digits=current_context().policy.code_digits,
        )
    return gettext("Type your own whole phone number, the one that is ringing.")


def _render_verdict_page(verdict: Verdict) -> str:
    if isinstance(verdict, Genuine):
        return render_template(
            "verdict_genuine.html",
            verdict=display_text.sanitise_verdict(verdict, select_locale()),
            when=format_day_and_time(verdict.booked_for, verdict.zone, select_locale()),
        )
    if isinstance(verdict, AlreadyConfirmed):
        return render_template(
            "verdict_already.html",
            at=format_time_of_day(verdict.confirmed_at, verdict.zone, select_locale()),
            how=_channel_phrase(verdict.channel),
        )
    return render_template("verdict_not_confirmed.html")


def _channel_phrase(channel: Channel) -> str:
    return {
        Channel.TEXT: gettext("by text message"),
        Channel.WEB: gettext("on this page"),
        Channel.API: gettext("in our app"),
        Channel.KEYPAD: gettext("by phone"),
    }[channel]

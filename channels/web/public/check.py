"""The page that answers one question: is this caller real?"""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request
from flask_babel import gettext

from channels import check_service, display_text
from channels.app_context import ctx
from channels.locale_selection import select
from channels.rate_limits import TooMany
from channels.web.public import number_cookie
from messaging.i18n import day_and_time, time_of_day
from people.errors import InvalidInput
from verification.verdicts import AlreadyConfirmed, Channel, Genuine, Verdict

pages = Blueprint("check", __name__)

Page = str | Response | tuple[str, int] | tuple[str, int, dict[str, str]]


@pages.get("/")
def form() -> Page:
    """The empty form."""
    return _form()


@pages.get("/check")
def check_form() -> Page:
    """The form again, for somebody who reloads or comes back to the answer's address."""
    return _form()


@pages.post("/check")
def check() -> Page:
    """The verdict. Open to other sites' forms like to anybody: it has no authority to steal."""
    phone, code = request.form.get("phone", ""), request.form.get("code", "")
    try:
        page = _verdict(check_service.decide(phone, code, Channel.WEB))
        return number_cookie.keep(make_response(page), phone)
    except InvalidInput as error:
        return _form({error.field: _advice(error.field)}, phone[:40], code[:40]), 422
    except TooMany as error:
        page = render_template("verdict_cannot.html", busy=True)
        return page, 429, {"Retry-After": str(error.retry_after)}
    except check_service.CannotCheck:
        return render_template("verdict_cannot.html", busy=False), 503


def _form(errors: dict[str, str] | None = None, phone: str = "", code: str = "") -> str:
    return render_template(
        "check.html",
        errors=errors or {},
        phone=phone,
        code=code,
        digits=ctx().policy.code_digits,
    )


def _advice(field: str) -> str:
    if field == "code":
        return gettext(
            "The check number has %(digits)s digits. Type just the digits the caller told you.",
            digits=ctx().policy.code_digits,
        )
    return gettext("Type your own whole phone number, the one that is ringing.")


def _verdict(verdict: Verdict) -> str:
    if isinstance(verdict, Genuine):
        return render_template(
            "verdict_genuine.html",
            verdict=display_text.verdict(verdict, select()),
            when=day_and_time(verdict.booked_for, verdict.zone, select()),
        )
    if isinstance(verdict, AlreadyConfirmed):
        return render_template(
            "verdict_already.html",
            at=time_of_day(verdict.confirmed_at, verdict.zone, select()),
            how=_how(verdict.channel),
        )
    return render_template("verdict_not_confirmed.html")


def _how(channel: Channel) -> str:
    return {
        Channel.TEXT: gettext("by text message"),
        Channel.WEB: gettext("on this page"),
        Channel.API: gettext("in our app"),
        Channel.KEYPAD: gettext("by phone"),
    }[channel]

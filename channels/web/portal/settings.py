"""A customer's language, zone and safe phrase."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels.app_context import ctx
from channels.form_choices import locales, zones
from channels.locale_selection import select
from channels.web.portal.auth import Owner, own_page, pages
from people.customers import customer_records
from people.errors import InvalidInput
from scheduling.notifications import callback_notifier


@pages.get("/settings")
@own_page
def settings(owner: Owner) -> ResponseReturnValue:
    """The form."""
    return _form(owner, {})


@pages.post("/settings")
@own_page
def choose(owner: Owner) -> ResponseReturnValue:
    """Keep language and zone; reminders are written anew."""
    locale, zone = request.form.get("locale", ""), request.form.get("timezone", "")
    if locale not in ctx().policy.languages:
        return _form(owner, {"locale": gettext("Choose a language from the list.")}), 422
    try:
        customer_records.choose(
            owner.session, owner.customer, owner.moment, locale=locale, timezone=zone
        )
    except InvalidInput:
        return _form(owner, {"timezone": gettext("Choose a time zone from the list.")}), 422
    callback_notifier.plan_anew(owner.session, owner.customer.id, ctx().policy, owner.moment)
    return redirect(url_for("own.settings", saved=1), code=303)


@pages.post("/settings/phrase")
@own_page
def keep_phrase(owner: Owner) -> ResponseReturnValue:
    """A new safe phrase; it is told in a text that shows the old one."""
    phrase = customer_records.phrase_from(request.form.get("phrase", "")[:100])
    if not phrase:
        return _form(
            owner, {"phrase": gettext("Choose 2 to 20 letters; spaces between words are fine.")}
        ), 422
    if not callback_notifier.phrase_changed(
        owner.session, owner.customer, phrase, ctx().policy, owner.moment
    ):
        advice = gettext("You have changed it often today. Please try again tomorrow.")
        return _form(owner, {"phrase": advice}), 422
    customer_records.keep_safe_phrase(owner.session, owner.customer, phrase, owner.moment)
    callback_notifier.plan_anew(owner.session, owner.customer.id, ctx().policy, owner.moment)
    return redirect(url_for("own.settings", saved=1), code=303)


def _form(owner: Owner, errors: dict[str, str]) -> str:
    customer = owner.customer
    return render_template(
        "own/settings.html",
        locale=request.form.get("locale", customer.locale),
        timezone=request.form.get("timezone", customer.timezone),
        phrase=customer_records.safe_phrase(owner.session, customer, owner.moment, "own page"),
        locales=locales(ctx().policy.languages, select()),
        zones=zones(),
        errors=errors,
        saved="saved" in request.args,
    )

"""A customer's language, time zone and safe phrase."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from channels.app_context import current_context
from channels.form_choices import list_locales, list_time_zones
from channels.locale_selection import select_locale
from channels.web.portal.auth import CustomerRequest, bp, customer_required
from people.customers import customer_preferences
from people.errors import InvalidInput
from scheduling.notifications import callback_notifier


@bp.get("/settings")
@customer_required
def show_portal_settings(owner: CustomerRequest) -> ResponseReturnValue:
    """Show the form."""
    return _render_portal_settings(owner, {})


@bp.post("/settings")
@customer_required
def submit_portal_settings(owner: CustomerRequest) -> ResponseReturnValue:
    """Save language and zone, and rebuild the reminders."""
    locale, zone = request.form.get("locale", ""), request.form.get("timezone", "")
    if locale not in current_context().policy.languages:
        return _render_portal_settings(
            owner, {"locale": gettext("Choose a language from the list.")}
        ), 422
    try:
        customer_preferences.save_customer_preferences(
            owner.session, owner.customer, owner.moment, locale=locale, timezone=zone
        )
    except InvalidInput:
        return _render_portal_settings(
            owner, {"timezone": gettext("Choose a time zone from the list.")}
        ), 422
    callback_notifier.rebuild_reminders(
        owner.session, owner.customer.id, current_context().policy, owner.moment
    )
    return redirect(url_for("own.show_portal_settings", saved=1), code=303)


@bp.post("/settings/phrase")
@customer_required
def submit_safe_phrase(owner: CustomerRequest) -> ResponseReturnValue:
    """Save a new safe phrase, and send a text about it that shows the old one."""
    phrase = customer_preferences.parse_safe_phrase(request.form.get("phrase", "")[:100])
    if not phrase:
        return _render_portal_settings(
            owner, {"phrase": gettext("Choose 2 to 20 letters; spaces between words are fine.")}
        ), 422
    if not callback_notifier.notify_phrase_changed(
        owner.session, owner.customer, phrase, current_context().policy, owner.moment
    ):
        advice = gettext("You have changed it often today. Please try again tomorrow.")
        return _render_portal_settings(owner, {"phrase": advice}), 422
    customer_preferences.save_safe_phrase(owner.session, owner.customer, phrase, owner.moment)
    callback_notifier.rebuild_reminders(
        owner.session, owner.customer.id, current_context().policy, owner.moment
    )
    return redirect(url_for("own.show_portal_settings", saved=1), code=303)


def _render_portal_settings(owner: CustomerRequest, errors: dict[str, str]) -> str:
    customer = owner.customer
    return render_template(
        "portal/settings.html",
        locale=request.form.get("locale", customer.locale),
        timezone=request.form.get("timezone", customer.timezone),
        phrase=customer_preferences.read_safe_phrase(
            owner.session, customer, owner.moment, "own page"
        ),
        locales=list_locales(current_context().policy.languages, select_locale()),
        zones=list_time_zones(),
        errors=errors,
        saved="saved" in request.args,
    )

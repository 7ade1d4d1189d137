"""Hangs every channel onto the application."""

from __future__ import annotations

from flask_bootstrap import Bootstrap5
from flask_wtf.csrf import CSRFProtect

from channels import error_handlers, locale_selection, proxy_detection, security_headers
from channels.api import application as api
from channels.api.application import Application
from channels.app_context import Context
from channels.cli import commands as cli
from channels.console import blueprint as console
from channels.simulator import phone
from channels.twilio import bridge_webhooks, ivr_webhooks, sms_webhooks, voice_message_webhooks
from channels.web.portal import blueprint
from channels.web.public import check, health, report_form, report_wizard
from people import phone_numbers


def everything(app: Application, context: Context, spoken: tuple[str, ...]) -> None:
    """Pages, console, webhooks, API, commands; headers, languages and failures around them."""
    https = context.base_url.startswith("https://")
    security_headers.register(app, https=https)
    locale_selection.register(app, spoken)
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    Bootstrap5(app)
    proxy_detection.register(app)
    csrf = CSRFProtect(app)
    error_handlers.register(app)
    app.context_processor(lambda: _for_templates(context))
    # No cookie gives these any authority, so a forged request gains nothing by them.
    open_to_all = [
        check.pages,
        report_form.pages,
        report_wizard.pages,
        health.pages,
        sms_webhooks.pages,
    ]
    open_to_all += [ivr_webhooks.pages, bridge_webhooks.pages, voice_message_webhooks.pages]
    if context.simulated:
        open_to_all.append(phone.pages)
    for pages in open_to_all:
        app.register_blueprint(pages)
        csrf.exempt(pages)
    console.register(app)
    blueprint.register(app)
    api.register(app, csrf)
    cli.register(app)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _for_templates(context: Context) -> dict[str, object]:
    return {
        "organisation": context.policy.organisation,
        "official_phone": phone_numbers.displayed(context.policy.official_phone),
        "official_hours": context.official_hours,
        "simulated": context.simulated,
    }

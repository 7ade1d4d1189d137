"""Registers all channels with the application."""

from __future__ import annotations

from flask_bootstrap import Bootstrap5
from flask_wtf.csrf import CSRFProtect

from channels import error_handlers, locale_selection, proxy_detection, security_headers
from channels.api import application as api
from channels.api.application import Application
from channels.app_context import AppContext
from channels.cli import commands as cli
from channels.console import blueprint as console
from channels.simulator import phone
from channels.telnyx import blueprints as telnyx
from channels.twilio import blueprints as twilio
from channels.web.portal import blueprint
from channels.web.public import check, health, report_form, report_wizard
from people import phone_numbers


def register_blueprints(app: Application, context: AppContext, spoken: tuple[str, ...]) -> None:
    """Register pages, console, webhooks, API and commands, and the headers, locales and error
    handlers around them. ``spoken`` are the languages, the default first."""
    https = context.base_url.startswith("https://")
    security_headers.register_security_headers(app, https=https)
    locale_selection.set_up_locales(app, spoken)
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    Bootstrap5(app)
    proxy_detection.register_proxy_detection(app)
    csrf = CSRFProtect(app)
    error_handlers.register_error_handlers(app)
    app.context_processor(lambda: _company_template_values(context))
    # These blueprints take no authority from cookies, so a forged request gains nothing.
    open_to_all = [
        check.bp,
        report_form.bp,
        report_wizard.bp,
        health.bp,
        *twilio.WEBHOOKS,
        *telnyx.WEBHOOKS,
    ]
    if context.simulated:
        open_to_all.append(phone.bp)
    for pages in open_to_all:
        app.register_blueprint(pages)
        csrf.exempt(pages)
    console.register_console(app)
    blueprint.register_portal(app)
    api.register_api(app, csrf)
    cli.register_commands(app)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _company_template_values(context: AppContext) -> dict[str, object]:
    return {
        "organisation": context.policy.organisation,
        "official_phone": phone_numbers.format_phone(context.policy.official_phone),
        "official_hours": context.official_hours,
        "simulated": context.simulated,
    }

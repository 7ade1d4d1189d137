"""Hangs every channel onto the application."""

from __future__ import annotations

from flask_bootstrap import Bootstrap5
from flask_wtf.csrf import CSRFProtect

from channels import failures, languages, proxies, security
from channels.api import register as api
from channels.api.register import Application
from channels.cli import register as cli
from channels.console import register as console
from channels.context import Context
from channels.demo import phone
from channels.texts import twilio
from channels.voice import aloud, bridge, line
from channels.web import asking, check, health, own_register, report
from people import phones


def everything(app: Application, context: Context, spoken: tuple[str, ...]) -> None:
    """Pages, console, webhooks, API, commands; headers, languages and failures around them."""
    https = context.base_url.startswith("https://")
    security.register(app, https=https)
    languages.register(app, spoken)
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    Bootstrap5(app)
    proxies.register(app)
    csrf = CSRFProtect(app)
    failures.register(app)
    app.context_processor(lambda: _for_templates(context))
    # No cookie gives these any authority, so a forged request gains nothing by them.
    open_to_all = [check.pages, report.pages, asking.pages, health.pages, twilio.pages]
    open_to_all += [line.pages, bridge.pages, aloud.pages]
    if context.simulated:
        open_to_all.append(phone.pages)
    for pages in open_to_all:
        app.register_blueprint(pages)
        csrf.exempt(pages)
    console.register(app)
    own_register.register(app)
    api.register(app, csrf)
    cli.register(app)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _for_templates(context: Context) -> dict[str, object]:
    return {
        "organisation": context.policy.organisation,
        "official_phone": phones.displayed(context.policy.official_phone),
        "official_hours": context.official_hours,
        "simulated": context.simulated,
    }

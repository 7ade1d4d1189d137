"""Hangs every channel onto the application."""

from __future__ import annotations

from flask_bootstrap import Bootstrap5
from flask_wtf.csrf import CSRFProtect

from channels import failures, languages, security
from channels.api import register as api
from channels.api.register import Application
from channels.context import Context
from channels.web import check, health, report


def everything(app: Application, context: Context, spoken: tuple[str, ...]) -> None:
    """Pages, console, webhooks, API, commands; headers, languages and failures around them."""
    https = context.base_url.startswith("https://")
    security.register(app, https=https)
    languages.register(app, spoken)
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    Bootstrap5(app)
    csrf = CSRFProtect(app)
    failures.register(app)
    app.context_processor(lambda: _for_templates(context))
    for open_to_all in (check.pages, report.pages, health.pages):
        app.register_blueprint(open_to_all)
        csrf.exempt(open_to_all)
    api.register(app, csrf)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _for_templates(context: Context) -> dict[str, object]:
    return {
        "organisation": context.policy.organisation,
        "official_phone": context.policy.official_phone,
        "official_hours": context.official_hours,
        "simulated": context.simulated,
    }

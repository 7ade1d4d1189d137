"""Selects the language of a page: the chosen one, else the browser's first that is supported."""

from __future__ import annotations

from babel import Locale
from flask import Flask, Response, current_app, request
from flask_babel import Babel, get_locale

_COOKIE = "lang"


def supported_locales() -> tuple[str, ...]:
    """Return the languages of this installation, the default first."""
    languages: tuple[str, ...] = current_app.config["LANGUAGES"]
    return languages


def select_locale() -> str:
    """Return the language of this request."""
    chosen = request.args.get("lang") or request.cookies.get(_COOKIE, "")
    if chosen in supported_locales():
        return chosen
    tags = [tag.lower() for tag, weight in request.accept_languages if weight > 0]
    wanted = (tag.replace("_", "-").partition("-")[0] for tag in tags)
    return next(
        (language for language in wanted if language in supported_locales()), supported_locales()[0]
    )


def set_up_locales(app: Flask, languages: tuple[str, ...]) -> None:
    """Set up translations, and remember a chosen language in a cookie that contains nothing
    else."""
    app.config["LANGUAGES"] = languages
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(app.root_path) + "/languages"
    Babel(app, locale_selector=select_locale)
    app.context_processor(_locale_template_values)

    @app.after_request
    def remember_chosen_locale(response: Response) -> Response:
        chosen = request.args.get("lang")
        if chosen in languages:
            response.set_cookie(
                _COOKIE,
                chosen,
                max_age=31_536_000,
                samesite="Lax",
                httponly=True,
                secure=app.config["SESSION_COOKIE_SECURE"],
            )
        return response


def _locale_template_values() -> dict[str, object]:
    locale = get_locale() or Locale("en")
    return {
        "language": str(locale).replace("_", "-"),
        "direction": locale.text_direction,
        "languages": [
            (code, Locale.parse(code).get_display_name(code)) for code in supported_locales()
        ],
    }

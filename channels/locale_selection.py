"""Selects the language of a page: the chosen one, else the browser's first that is supported."""

from __future__ import annotations

from babel import Locale
from flask import Flask, Response, current_app, request
from flask_babel import Babel, get_locale

from config.languages import registry
from config.languages.registry import SOURCE_LANGUAGE, language_for
from config.languages.tags import match_language, to_html_tag

_COOKIE = "lang"


def supported_locales() -> tuple[str, ...]:
    """Return the languages of this installation, the default first."""
    languages: tuple[str, ...] = current_app.config["LANGUAGES"]
    return languages


def select_locale() -> str:
    """Return the language of this request."""
    chosen = request.args.get("lang") or request.cookies.get(_COOKIE, "")
    supported = supported_locales()
    by_tag = {to_html_tag(code): code for code in supported}
    if chosen in by_tag:
        return by_tag[chosen]
    wanted = (tag for tag, weight in request.accept_languages if weight > 0)
    matches = (match_language(tag, supported) for tag in wanted)
    return next((code for code in matches if code), supported[0])


def set_up_locales(app: Flask, languages: tuple[str, ...]) -> None:
    """Set up translations, and remember a chosen language in a cookie that contains nothing
    else."""
    app.config["LANGUAGES"] = languages
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(registry.FOLDER)
    Babel(app, locale_selector=select_locale)
    app.context_processor(_locale_template_values)
    tags = [to_html_tag(code) for code in languages]

    @app.after_request
    def remember_chosen_locale(response: Response) -> Response:
        chosen = request.args.get("lang")
        if chosen in tags:
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
    """Return the page's language tag, its direction, and the languages to choose from by tag."""
    code = str(get_locale() or SOURCE_LANGUAGE)
    return {
        "language": to_html_tag(code),
        "direction": language_for(code).direction,
        "languages": [
            (to_html_tag(each), Locale.parse(each).get_display_name(each))
            for each in supported_locales()
        ],
    }

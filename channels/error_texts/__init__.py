"""Words domain errors for their readers: the only place that turns an error code into a sentence.

A page, a text and a call are worded in the reader's language; the API, commands, logs and files of
refused lines in English.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time

from babel.numbers import format_decimal
from flask_babel import get_locale

from channels.error_texts import (
    channels,
    incidents,
    people,
    procedures,
    scheduling,
    vault,
    verification,
)
from config.domain_errors import DomainError, ErrorCode
from config.languages.registry import SOURCE_LANGUAGE
from messaging.i18n import format_long_date, load_catalogue
from people.models import Role

#: Marks a text for translation.
N_ = str

SENTENCES: Mapping[ErrorCode, str] = {
    **channels.SENTENCES,
    **incidents.SENTENCES,
    **people.SENTENCES,
    **procedures.SENTENCES,
    **scheduling.SENTENCES,
    **vault.SENTENCES,
    **verification.SENTENCES,
}

_ROLES = {
    Role.AGENT: N_("agent"),
    Role.SUPERVISOR: N_("supervisor"),
    Role.INVESTIGATOR: N_("investigator"),
}


def describe_error(error: DomainError) -> str:
    """Return the sentence of an error in the language of the request."""
    return describe_error_in(error, str(get_locale() or SOURCE_LANGUAGE))


def describe_error_in_english(error: DomainError) -> str:
    """Return the sentence of an error for programs and for the people who run the server."""
    return describe_error_in(error, SOURCE_LANGUAGE)


def describe_error_in(error: DomainError, locale: str) -> str:
    """Return the sentence of an error in a language."""
    sentence = load_catalogue(locale).gettext(SENTENCES[error.code])
    return sentence % {
        name: _format_parameter(value, locale) for name, value in error.parameters.items()
    }


def _format_parameter(value: object, locale: str) -> str:
    """Format a value for its reader. A role has a name in each language; other codes are what
    programs send, and stay as they are."""
    if isinstance(value, list | tuple):
        return ", ".join(_format_parameter(item, locale) for item in value)
    if isinstance(value, DomainError):
        return describe_error_in(value, locale)
    if isinstance(value, Role):
        return load_catalogue(locale).gettext(_ROLES[value])
    return _format_plain_value(value, locale)


def _format_plain_value(value: object, locale: str) -> str:
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, date):
        return format_long_date(value, locale)
    if isinstance(value, int):
        return format_decimal(value, locale=locale)
    return str(value)

"""Parses phone numbers as people write them into one form: E.164 (ITU-T), like +447400123456."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType, ValidationResult, timezone

from config.time_zones import known_zones
from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput

MAX_LENGTH = 40
_SPECIAL_RATE_TYPES = {
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.UAN,
    PhoneNumberType.PAGER,
    PhoneNumberType.VOICEMAIL,
}


def parse_phone(text: str, region: str) -> str:
    """Return the number in E.164 from user input. Raises :class:`InvalidInput`.

    ``region`` is the country of numbers written without one. Accepts full-width and other scripts'
    digits, spaces, brackets and ``00``; drops an extension, since texts and calls cannot reach it.
    A number is valid if its length is possible in its country: new ranges are in use long before
    any list has them.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if not plain or len(text) > MAX_LENGTH or any(ord(c) < 32 for c in plain):
        raise _invalid_phone_error(region)
    if plain.startswith("00"):
        plain = "+" + plain[2:]
    try:
        number = phonenumbers.parse(plain, region)
    except phonenumbers.NumberParseException:
        raise _invalid_phone_error(region) from None
    if not _is_complete_number(number):
        raise _invalid_phone_error(region)
    number.extension = None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _is_complete_number(number: PhoneNumber) -> bool:
    """Return whether the number is neither too short, too long, nor only dialable locally. If
    ordinary numbers are longer, a short one must be known: some toll-free numbers are that
    short."""
    reason = phonenumbers.is_possible_number_for_type_with_reason(
        number, PhoneNumberType.FIXED_LINE_OR_MOBILE
    )
    return reason == ValidationResult.IS_POSSIBLE or phonenumbers.is_valid_number(number)


def _invalid_phone_error(region: str) -> InvalidInput:
    return InvalidInput("phone", PeopleErrorCode.PHONE_INVALID, example=_example_phone(region))


@lru_cache(maxsize=64)
def _example_phone(region: str) -> str:
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    if number is None:
        return "+44 7400 123456"
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)


def require_callable(phone: str, countries: Collection[str]) -> None:
    """Refuse numbers that charge the person called, and countries that are not configured.

    ``countries`` holds ISO 3166 codes; empty allows all. Raises :class:`InvalidInput`.
    """
    number = phonenumbers.parse(phone)
    if phonenumbers.number_type(number) in _SPECIAL_RATE_TYPES:
        raise InvalidInput("phone", PeopleErrorCode.PHONE_SPECIAL_RATE)
    if countries and phonenumbers.region_code_for_number(number) not in countries:
        raise InvalidInput("phone", PeopleErrorCode.PHONE_COUNTRY_NOT_CALLED)


def mask_phone(phone: str) -> str:
    """Mask all but the last two digits, for people who need not know the number."""
    return f"••• ••{phone[-2:]}"


def format_phone(phone: str) -> str:
    """Format the number in its international form with spaces; return other text unchanged."""
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return phone
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def guess_phone_zone(phone: str, default: str) -> str:
    """Return the time zone where the number's owner most likely lives (IANA name).

    Uses the number's area code if it is specific; then the first zone that the tz database lists
    for the country; then ``default``.
    """
    number = phonenumbers.parse(phone)
    zones = [z for z in timezone.time_zones_for_number(number) if z in known_zones()]
    if len(zones) == 1:
        return zones[0]
    listed = _zones_of_country().get(_phone_region(number), [])
    if default in zones or (not zones and default in listed):
        return default
    return next((z for z in listed if not zones or z in zones), zones[0] if zones else default)


def _phone_region(number: PhoneNumber) -> str:
    region = phonenumbers.region_code_for_number(number)
    if region is None and number.country_code is not None:
        region = phonenumbers.region_code_for_country_code(number.country_code)
    return region or ""


@lru_cache(maxsize=1)
def _zones_of_country() -> dict[str, list[str]]:
    """Return the zones by country in the order of the tz database's ``zone.tab``, largest first."""
    by_country: dict[str, list[str]] = {}
    text = files("tzdata").joinpath("zoneinfo/zone.tab").read_text()
    for line in text.splitlines():
        if line and not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            by_country.setdefault(country, []).append(zone)
    return by_country


@lru_cache(maxsize=1)
def _countries_of_zones() -> dict[str, str]:
    return {z: country for country, zones in _zones_of_country().items() for z in zones}


def country_of_zone(name: str) -> str:
    """Return the country of a zone (ISO 3166); empty for a zone without one or an old name."""
    return _countries_of_zones().get(name, "")


def parse_time_zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name. Raises :class:`InvalidInput` for an unknown one."""
    if name not in known_zones():
        raise InvalidInput("timezone", PeopleErrorCode.TIME_ZONE_UNKNOWN)
    return ZoneInfo(name)

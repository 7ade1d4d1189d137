"""Phone numbers: every form that people write them in, to one; what is none is refused."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from people import phone_numbers
from people.error_codes import PeopleErrorCode
from people.errors import InvalidInput

E164 = "+447400123456"


@pytest.mark.parametrize(
    "text",
    [
        "07400123456",
        "07400 123456",
        "07400-123-456",
        "(07400) 123456",
        "07400.123456",
        "07400/123456",
        "+447400123456",
        "+44 7400 123 456",
        "+44 (0) 7400 123456",
        "00447400123456",
        "00 44 7400 123456",
        "  07400 123456  ",
        "07400\u00a0123\u202f456",
        "０７４００１２３４５６",
        "＋４４７４００１２３４５６",
        "٠٧٤٠٠١٢٣٤٥٦",
        "+٤٤٧٤٠٠١٢٣٤٥٦",
        "۰۷۴۰۰۱۲۳۴۵۶",
        "०७४००१२३४५६",
        "tel:+447400123456",
        "07400 123456 ext. 12",
        "07400 123456 x12",
        "+447400123456;ext=7",
        "\u202a+44 7400 123456\u202c",
    ],
)
def test_every_way_to_write_a_number_gives_the_same(text):
    assert phone_numbers.parse_phone(text, "GB") == E164


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("0151 23456789", "DE", "+4915123456789"),
        ("0043 664 1234567", "DE", "+436641234567"),
        ("(202) 555-0143", "US", "+12025550143"),
        ("1 202 555 0143", "US", "+12025550143"),
        ("612 34 56 78", "ES", "+34612345678"),
        ("+1 500 555 0006", "GB", "+15005550006"),
        ("06 12345678", "IT", "+390612345678"),  # Italy keeps its zero
        ("020 7946 0123", "GB", "+442079460123"),
    ],
)
def test_a_number_without_a_country_is_of_the_region(text, region, expected):
    assert phone_numbers.parse_phone(text, region) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "12",
        "999",
        "5550143",
        "946 0123",
        "no number",
        "+",
        "00",
        "+44",
        "+999 123456789",
        "07400 12345678901",
        "+4474001234567890123",
        "0" * 40,
        "1" * 41,
        "7" * 1_000_000,
        "\x00",
        "07400123456\x00",
        "07400\n123456",
        "07400 123456, 07400 123457",
        "😀",
        "\ud800",
        "'; DROP TABLE customer; --",
        "ext. 12",
    ],
)
def test_what_is_no_whole_number_is_refused_with_advice(text):
    with pytest.raises(InvalidInput) as refused:
        phone_numbers.parse_phone(text, "GB")
    assert refused.value.field == "phone"
    assert refused.value.code == PeopleErrorCode.PHONE_INVALID
    assert len(str(refused.value.parameters["example"])) < 20


def test_a_number_good_only_within_its_own_town_is_refused():
    for text, region in (("555-0143", "US"), ("7946 0123", "GB"), ("5550143", "BR")):
        with pytest.raises(InvalidInput):
            phone_numbers.parse_phone(text, region)
    assert phone_numbers.parse_phone("0800 1111", "GB") == "+448001111"  # short, and known


COSTLY = [
    phonenumbers.format_number(number, PhoneNumberFormat.E164)
    for region in ("GB", "DE", "ES", "US", "FR", "IT", "AT", "PL")
    if (number := phonenumbers.example_number_for_type(region, PhoneNumberType.PREMIUM_RATE))
]


@pytest.mark.parametrize("phone", COSTLY)
def test_a_premium_rate_number_is_refused(phone):
    assert len(COSTLY) >= 6
    with pytest.raises(InvalidInput, match="phone_special_rate"):
        phone_numbers.require_callable(phone_numbers.parse_phone(phone, "GB"), ())


def test_only_configured_countries_are_called():
    phone_numbers.require_callable(E164, ("GB",))
    phone_numbers.require_callable(E164, ())
    with pytest.raises(InvalidInput, match="phone_country_not_called"):
        phone_numbers.require_callable(E164, ("DE", "AT"))
    with pytest.raises(InvalidInput, match="phone_country_not_called"):
        phone_numbers.require_callable("+12025550143", ("GB",))
    with pytest.raises(
        InvalidInput, match="phone_country_not_called"
    ):  # Canada is not the United States
        phone_numbers.require_callable("+16045550143", ("US",))


EXAMPLES = [
    number
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE)
    if (number := phonenumbers.example_number_for_type(region, kind)) is not None
]
FORMATS = (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.RFC3966)


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(EXAMPLES), st.sampled_from(FORMATS), st.sampled_from(["GB", "US", "DE"]))
def test_any_countrys_number_survives_being_written_and_read(number, form, region):
    whole = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    assert phone_numbers.parse_phone(phonenumbers.format_number(number, form), region) == whole
    assert phone_numbers.parse_phone(whole, region) == whole
    assert phone_numbers.parse_phone("00" + whole[1:], region) == whole
    assert phone_numbers.parse_phone(phone_numbers.format_phone(whole), region) == whole
    assert phone_numbers.parse_time_zone(phone_numbers.guess_phone_zone(whole, "Europe/London"))


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(EXAMPLES))
def test_a_national_number_is_read_in_its_own_region(number):
    region = phonenumbers.region_code_for_number(number)
    if region is None:
        return
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    whole = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    assert phone_numbers.parse_phone(national, region) == whole


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_number_or_refused(text):
    try:
        found = phone_numbers.parse_phone(text, "GB")
    except InvalidInput:
        return
    assert found[0] == "+"
    assert found[1:].isascii()
    assert found[1:].isdigit()
    assert 7 <= len(found) <= 18
    assert phone_numbers.parse_phone(found, "US") == found


def test_a_masked_number_shows_two_digits():
    assert phone_numbers.mask_phone(E164) == "••• ••56"
    assert "447" not in phone_numbers.mask_phone(E164)


@pytest.mark.parametrize(
    ("phone", "zone"),
    [
        (E164, "Europe/London"),
        ("+493012345678", "Europe/Berlin"),
        ("+12125550143", "America/New_York"),
        ("+13105550143", "America/Los_Angeles"),
        ("+34612345678", "Europe/Madrid"),
        ("+919812345678", "Asia/Calcutta"),
        ("+800123456789", "Europe/London"),
    ],
)
def test_where_a_numbers_owner_most_likely_lives(phone, zone):
    assert phone_numbers.guess_phone_zone(phone, "Europe/London") == zone


@pytest.mark.parametrize("name", ["", "Mars/Base", "../../etc/passwd", "europe/london", "\x00"])
def test_a_zone_that_is_none_is_refused(name):
    with pytest.raises(InvalidInput):
        phone_numbers.parse_time_zone(name)

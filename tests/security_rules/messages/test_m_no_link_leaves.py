"""Rule M: no text of ours carries a link, or a number to ring, that somebody typed: not in whatever
spelling, not through any field, and not from what was stored before; while names and topics with a
full stop or a number in them are let be."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import settings_checks
from config.contact_details import Contact, find_contact, has_link, space_after_full_stops
from config.settings import Settings
from messaging import text_templates, verdict_texts, voice_templates
from messaging.message_context import MessageContext
from people import text_input
from people.customer_import.record_reader import FileRecord
from people.customer_import.validation import ImportRules, _build_import_row
from people.customers import customer_preferences
from people.errors import InvalidInput
from people.staff import staff_records
from people.text_input import AllowedContent, clean_text_input
from scheduling.booking import bookings
from tests.channels.support import PHONE, a_token, unit
from tests.channels.support import booking as a_booking

LINKS = [
    *("bit.ly/3xYz", "t.me/scam", "pay.app/x", "login.bank.eu", "bank-pay.site", "example.com"),
    *("http//x", "hxxp://a.b", "bank。com", "x.com．uk", "paypa1 .com", "1.2.3.4/x", "bank.ch"),
    *("evil.fr/it", "https:evil", "goo.gl/a", "example . com", "example(dot)com", "example[.]com"),
    *("example dot com", "bank dot eu", "t dot me", "t dot me BankHelp", "bit dot ly", "wa.me/44"),
    *("www.x", "www example com", "xn--bnk-0na.com", "info@bank.eu", "ＢＡＮＫ．ＣＯＭ", "a@b"),
    *("exa\u200bmple.com", "exa\u00admple.com", "example\u2800.com", "example.\ufe0fcom", "//evil"),
    *("bаnk.cоm", "T.me", "T.Me", "T.ME/x", "t.co/a", "J.de", "j.de", "Bank.Site", "A.Co", "x.com"),
    *("LOGIN.BANK.EU", "e x a m p l e . c o m", "example. com", "t. me/x", "bit. ly/3x", "X.Com"),
    *("192.168.0.1", "example․com", "example,com", "bit·ly", "bit•ly/x", "tel:123", "mailto:x"),
    *("name at example dot com", "javascript:x", "localhost:80", "[2001:db8::1]", "2001:db8::1"),
    *("bank.xyz:8080", "example.com-x", "(example.com)", '"example.com"', "login.bank", "a.b.c.de"),
    *("ex-ample.shop?q", "ejemplo punto com", "beispiel punkt de", "exemple point com", "163.com"),
    *(
        "example-dot-com",
        "exampledotcom",
        "банк.рф",
        "bank.한국",
        "例子.中国",
        "bank.قطر",
        "my bank.Me",
    ),
    *("m.me/bank", "youtu.be/x", "u.to/a", "is.gd/x", "v.gd", "9.gag/x", "bank.com.", "bank.com;"),
    *("see bank.com, now", "visit:bank.eu", "bank.eu!", "＠bank", "bank﹒com", "ⓔⓧⓐⓜⓟⓛⓔ.ⓒⓞⓜ"),
    *(
        "𝐛𝐚𝐧𝐤.𝐜𝐨𝐦",
        "example.c\u0301om",
        "ASP.NET",
        "Node.js",
        "h**p://x",
        "hxxps:x",
        "Go.Bank",
        "1.fm",
    ),
    *("bank。cn", "bank｡com", "bank\u0701com", "bank\u06d4com", "Dr.Com", "P.link", "P.Link/now"),
    *(
        "J.de/Vries",
        "J.Smith/pay",
        "A.Li:80",
        "St.John?x",
        "bank .eu",
        "bank. eu",
        "Pay.Me",
        "fb.me",
    ),
    *("bank..com", "R2-D2.box", "wa . me / 44", "t.me.", "kontakt: @BankHelp"),
    *("bank dot co dot uk", "bank (punkt) de", "bank{dot}eu", "bank<dot>eu", "bank*dot*com"),
]
NUMBERS = [
    *("ring +44 909 8790000", "call 0800-123456", "0800 123456", "٠٨٠٠ ١٢٣٤٥٦", "۰۸۰۰۱۲۳۴۵۶"),
    *("0800-BANK", "0800 BANK", "0800BANK", "1-800-FLOWERS", "1800BANKHELP", "800-FLOWERS"),
    *("zero eight hundred one two three four", "null acht hundert eins zwei drei", "call 118 118"),
    *("cero ocho cero cero uno dos", "ring 118118", "dial 999", "text 85055", "llame al 112"),
    *(
        "rufen Sie 110",
        "rufe 110",
        "０８００１２３４５６",
        "0 8 0 0 1 2 3 4",
        "0800.123.456",
        "879 00 00",
    ),
    *("(0)800/123456", "+1 (202) 611-4287", "00449098790000", "0044 909 879", "O8OO 123456"),
    *(
        "0800-I23456",
        "*21*0900123#",
        "##002#",
        "0800,123,456",
        "0800:123:456",
        "8790000",
        "①②③④⑤⑥⑦",
    ),
    *("A0800 123456", "tel 12345", "Tel. 0711 123", "call 2026-1142", "0️⃣8️⃣0️⃣0️⃣1️⃣2️⃣3️⃣", "+442079460123"),
    *("zero-eight-zero-zero one two three", "08 00 12 34 56", "Refund 02079460123", "0800–123–456"),
    *(
        "call us on 4711",
        "ring now: 4711",
        "CALL02079460123",
        "0800\u200b123456",
        "〇八〇〇一二三四五六",
    ),
    *("oh eight hundred double one two three", "nullachthunderteinszweidrei"),
    *("01-12-23-45-67-89", "01/12/23 45 67 89", "01.12.23 45-67-89", "4567 01-12-23"),
    *("01:23 45 67 89", "ref 01:23-45-67-89", "01:23:45 67 89", "45 67 89 01:23", "11:22 33 44"),
    *("02.07.1946 0123", "1946-02-07 8901", "0123 02.07.1946", "01:23 on 01.12.23-45 67"),
    *("1–1–00 000", "call 10-11-12 345", "+33 1-12-23-45-67"),
    "call me back on 123456",
]
KEPT = [
    *("J. de Vries", "J.de Vries", "P.de la Cruz", "St. John", "M.A.Smith", "Dr.Weber", "O'Brien"),
    *("J.P.Morgan-Jones", "D'Arcy", "Ng.", "A.K.M. Rahman", "Müller-Lüdenscheidt", "علی‌رضا"),
    *(
        "W.van Dijk",
        "R.A.van der Berg",
        "A.Li",
        "Y.Ng",
        "Prof.Dr.Weber",
        "Dipl.-Ing. Weber",
        "E.ON",
    ),
    *(
        "J.O'Brien",
        "J. R. R. Tolkien",
        "J.R.R.Tolkien",
        "Smith Jr.",
        "S.Müller",
        "Ö.Yılmaz",
        "e.V.",
    ),
    *(
        "Й.Иванов",
        "А.С.Пушкин",
        "Ν.Παπαδόπουλος",
        "د. محمد",
        "د.محمد",
        "Gal·la",
        "Marcel·lí",
        "Ltd.",
    ),
    *(
        "ジョン・スミス",
        "Mary-Jane St.Clair",
        "Mrs.Jones",
        "L.A.M. van 't Hof",
        "J.'t Hooft",
        "Ch.Müller",
    ),
    *("Jean-Luc d’Aubigné", "J.DE VRIES", "M.A.SMITH", "j. de vries", "Sr.Gómez", "Ana M.ª López"),
    *(
        "T.J.McDonald",
        "Müller u. Söhne",
        "Fr. Dr. Anna-Lena v. d. Heide",
        "GmbH & Co.KG",
        "Smith, J.",
    ),
    *("Otto Dotson", "Dot Cotton", "Jan Punkt", "Ana Punto", "X Æ A-12", "J.Page", "H.Vu"),
    *("Wi-Fi 6.0 setup", "router v2.1", "Invoice no. 4711", "Windows 11", "your bill of 28.11."),
    *("T-1001", "INC0012345", "#4711", "2026-1142", "your refund", "Internet/TV", "24/7 support"),
    *("z.B. Router", "Invoice 4711, 28.11.2026", "bill of 28.11.2026 10:30", "callback at 10:30"),
    *(
        "order #4711",
        "Office 365",
        "iPhone 15 Pro",
        "500 MBit",
        "Rechnung Nr.4711",
        "TV & Internet",
    ),
    *(
        "my red dot is on",
        "Echo Dot in the kitchen",
        "dot matrix printer",
        "point of sale",
        "C++ 11",
    ),
    *("punto de venta", "Router. New one", "No. 4 is broken", "Q1 2026", "v2.1.3", "1.200,50 EUR"),
    *("€1,200.50", "HTTP error 404", "HTTPS certificate", "access point in the hall", "Wi-Fi 7"),
    *(
        "call about invoice 4711",
        "802.11ax",
        "5G router",
        "24H2 update",
        "U.S. visa",
        "3.5 mm jack",
    ),
    *("2.Mahnung", "1.FC Köln", "100% refund", "room 12b", "24-Stunden", "seven days one offer"),
    *(
        "100.000 EUR",
        "1.000.000 EUR",
        "PROJ-12345",
        "your order 123456",
        "2026-11-28",
        "28/11/2026",
    ),
    *("01.12.2026 24 months", "28.11.2026 100,50 EUR", "10:30 2 people", "28.11.26 100 EUR"),
    *("10:30 28.11.2026", "28.11.2026, 4711", "room 12 at 10:30", "10:30-11:30 28/11/2026"),
    *("01.01.26-31.12.26", "bill of 28.11.26 10:30", "10:30 28/11/26", "28-11-26, order 123456"),
    *(
        "01.01.2026-31.12.2026",
        "Term 10:30-11:30",
        "call 2 of 3",
        "My bill. To pay",
        "about: router",
    ),
]
AT = datetime(2026, 11, 28, 14, tzinfo=UTC)
VOICES = [
    MessageContext("Bank", "+442079460123", item, "Europe/London") for item in ("en", "de", "es")
]
#: What phones make a link of, and the number in ours that they may ring.
_LINKED = re.compile(r"(?i)\w\.[^\W\d_]{2,}|://|@|www")


@pytest.mark.parametrize("typed", LINKS)
def test_no_link_comes_in_whatever_its_spelling(typed):
    """Was red on c916469."""
    assert find_contact(typed) is Contact.LINK
    for allowed in (AllowedContent.WORDS, AllowedContent.NUMBERS):
        with pytest.raises(InvalidInput):
            clean_text_input("topic", typed, limit=60, allowed=allowed)


@pytest.mark.parametrize("typed", NUMBERS)
def test_no_number_to_ring_comes_in_whatever_its_spelling(typed):
    """Was red on c916469."""
    assert find_contact(typed) is Contact.NUMBER
    with pytest.raises(InvalidInput):
        clean_text_input("topic", typed, limit=60, allowed=AllowedContent.WORDS)


@pytest.mark.parametrize("typed", KEPT)
def test_a_name_or_a_topic_that_is_neither_is_kept(typed):
    assert clean_text_input("name", typed, limit=60, allowed=AllowedContent.WORDS) == typed


@pytest.mark.parametrize("ticket", ["00012345678", "T-1001", "2026/1142", "CASE 20261142 7"])
def test_a_ticket_keeps_its_numbers(ticket):
    assert bookings.clean_ticket(ticket) == ticket


@pytest.mark.parametrize("typed", ["bank dot com", "t dot me", "zero eight zero zero"])
def test_a_safe_phrase_is_no_link(typed):
    """Was red on c916469."""
    assert customer_preferences.parse_safe_phrase(typed) == "" or find_contact(typed) is None


def test_a_name_on_its_way_out_is_no_link():
    """Of ``J.de Vries`` a text said ``J.de``, which phones make a link of. Was red on c916469."""
    assert text_input.first_name("J.de Vries") == "J."
    assert text_input.first_name("M.A.Smith") == "M.A."
    assert text_input.first_name("Ana Souza") == "Ana"
    assert [item for item in KEPT if _LINKED.search(space_after_full_stops(item))] == []


_GLUE = st.sampled_from(["", " ", "\u200b", "\u00ad", "\ufe0f", "\u2060"])
_DOT = st.sampled_from([".", "．", "。", "｡", "․", "﹒", "(dot)", "[.]", " dot ", " (punkt) "])
_WORD = st.text("abcdefghijklmnopqrstuvwxyzäöüßé", min_size=2, max_size=8)
_END = st.sampled_from(["com", "net", "eu", "ly", "site", "xyz", "app", "ch", "uk", "dev", "io"])


@given(_WORD, _DOT, _END, st.sampled_from(["", "/x", "/3xYz?a=b", " now", ":80"]), st.booleans())
def test_any_word_and_any_known_end_is_a_link(word, dot, end, more, shout):
    spelled = f"{word}{dot}{end}{more}"
    assert has_link(f"refund: {spelled.upper() if shout else spelled}")


@given(_WORD, st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=12), _GLUE)
def test_a_full_stop_between_words_is_a_link_even_to_an_end_of_tomorrow(word, end, glue):
    assert has_link(f"{word}{glue if glue != ' ' else ''}.{end}")


@given(
    st.text("0123456789", min_size=7, max_size=15).filter(
        lambda text: not text.startswith("0" * 7)
    ),
    st.lists(
        st.sampled_from(["", " ", "-", ".", "/", " (", ") ", "\u2013", "\u200b"]), max_size=15
    ),
    st.sampled_from([0x30, 0x660, 0x6F0, 0x966, 0xFF10]),
)
def test_any_seven_digits_are_a_number_however_they_are_parted(digits, parts, zero):
    signs = [chr(zero + int(digit)) for digit in digits]
    parts = parts + [""] * len(signs)
    spelled = "".join(sign + part for sign, part in zip(signs, parts, strict=False))
    found = find_contact(f"about {spelled.strip('. ')} today")
    year = re.match(r"(19|20)\d\d", digits)
    day = re.search(r"\d[./-]\d[./-](?:\d\d){1,2}(?!\d)|\d\d\d\d[./-]\d", spelled.replace("–", "-"))
    assert found is not None or year or day


@given(st.text(max_size=40), st.text(max_size=20), st.sampled_from(VOICES))
def test_nothing_stored_makes_a_link_in_what_is_written(topic, agent, voice):
    """Whatever is stored, by whatever way it came in: the text is written, and holds no link."""
    for body in (
        text_templates.text_booked(voice, agent, AT, topic),
        verdict_texts.text_genuine(voice, agent, topic, AT, "maple"),
        voice_templates.say_genuine(voice, agent, topic, "maple"),
        voice_templates.say_upcoming_call(voice, agent, AT),
    ):
        assert not _LINKED.search(body.replace("+442079460123", ""))


@pytest.mark.parametrize("typed", [*LINKS, *NUMBERS])
@pytest.mark.parametrize("voice", VOICES, ids=lambda voice: voice.locale)
def test_what_is_stored_already_is_left_out_and_the_call_announced(typed, voice):
    """Was red on c916469."""
    neutral = text_templates.text_booked(voice, "Bank", AT, voice.gettext("your request"))
    assert text_templates.text_booked(voice, typed, AT, typed) == neutral
    said = voice_templates.say_genuine(voice, typed, typed, "maple")
    assert said == voice_templates.say_genuine(
        voice, "Bank", voice.gettext("your request"), "maple"
    )
    hostile = MessageContext(
        voice.organisation, voice.official_phone, voice.locale, voice.zone, typed
    )
    assert verdict_texts.text_not_confirmed(hostile) == verdict_texts.text_not_confirmed(voice)
    assert voice_templates.prompt_accept_message(hostile) == voice_templates.prompt_accept_message(
        voice
    )


def test_an_organisation_named_like_a_link_is_refused_by_the_doctor():
    """Was red on c916469."""
    for name, found in (("Booking.com", 1), ("Bank & Co. Ltd", 0), ("St. John's", 0)):
        told = settings_checks.check_settings(Settings(_env_file=None, organisation=name))
        assert sum("reads like a link" in item.sentence for item in told) == found


@pytest.mark.parametrize("typed", ["your refund: t.me/BankHelp", "ring +44 909 8790000"])
def test_every_way_in_refuses_it(typed, app, client, clock):
    """Was red on c916469."""
    headers = a_token(app)
    for more in ({"topic": typed}, {"customer": {"phone": PHONE, "name": typed}}):
        body = a_booking(app, 30, **more)
        told = client.post("/api/v1/callbacks", json=body, headers=headers)
        assert told.status_code == 422, told.text
    line = FileRecord(2, {"external_ref": "C-1", "phone": PHONE, "name": typed})
    rules = ImportRules(("en",), "GB", (), "Europe/London")
    with pytest.raises(InvalidInput):
        _build_import_row(line, rules)
    with unit(app) as session, pytest.raises(InvalidInput):
        staff_records.add_staff_member(
            session, "eve@example.org", typed, "agent", clock.now, timezone="Europe/London"
        )


def test_a_ticket_with_a_link_is_refused_and_one_with_a_long_number_is_not(app, client):
    """Was red on c916469."""
    headers = a_token(app)
    for ticket, status in (("see bank-pay.site", 422), ("00012345678", 201)):
        body = a_booking(app, 30, ticket=ticket)
        told = client.post("/api/v1/callbacks", json=body, headers=headers)
        assert told.status_code == status, told.text

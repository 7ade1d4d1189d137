"""The customer's pages."""

from __future__ import annotations

import pytest

from incidents.reports.models import Report
from tests.channels.support import PHONE, a_started_call, a_token, all_rows, wrong


def check(client, phone, code):
    return client.post("/check", data={"phone": phone, "code": code})


def test_the_page_asks_one_question(client):
    page = client.get("/").text
    assert page.count("<h1>") == 1
    assert "Is this caller real?" in page
    assert "<script" not in page


def test_a_genuine_caller_is_shown_with_the_word_that_the_agent_sees(app, client, clock):
    _, code = a_started_call(app, client, clock, a_token(app))
    page = check(client, "07400 123456", f"{code[:3]} {code[3:]}")
    assert page.status_code == 200
    assert "Genuine" in page.text
    assert "Ana" in page.text
    assert "your router" in page.text
    assert 'id="reply-word"' in page.text


def test_the_second_time_says_when_and_how(app, client, clock):
    _, code = a_started_call(app, client, clock, a_token(app))
    check(client, PHONE, code)
    page = check(client, PHONE, code).text
    assert "Already checked" in page
    assert "on this page" in page
    assert 'id="reply-word"' not in page


def test_not_confirmed_says_hang_up_and_how_to_report(app, client, clock):
    _, code = a_started_call(app, client, clock, a_token(app))
    page = check(client, PHONE, wrong(code)).text
    assert "Not confirmed" in page
    assert "Hang up now." in page
    assert "/report" in page


@pytest.mark.parametrize(
    ("phone", "code"),
    [("", ""), ("12", "123456"), (PHONE, "12345"), (PHONE, "x"), (PHONE, "1" * 5000)],
)
def test_bad_input_keeps_what_was_typed_and_says_what_to_do(client, phone, code):
    page = check(client, phone, code)
    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert 'aria-invalid="true"' in page.text


def test_what_is_typed_never_comes_back_as_markup(client):
    page = check(client, '"><script>alert(1)</script>', "1")
    assert "<script>" not in page.text


@pytest.mark.parametrize(("language", "word"), [("de", "Anruf"), ("es", "llama"), ("en", "caller")])
def test_the_page_speaks_the_browsers_language(client, language, word):
    page = client.get("/", headers={"Accept-Language": language})
    assert f'<html lang="{language}"' in page.text
    assert word in page.text


def test_a_chosen_language_is_kept_in_a_cookie_that_holds_nothing_else(client):
    answer = client.get("/?lang=de", headers={"Accept-Language": "en"})
    assert answer.headers["Set-Cookie"].startswith("lang=de;")
    assert 'lang="de"' in client.get("/", headers={"Accept-Language": "en"}).text
    assert client.get("/?lang=xx<script>").headers.get("Set-Cookie") is None


def test_a_report_is_kept_with_a_reference(app, client):
    page = client.post(
        "/report",
        data={
            "phone": "07400 123456",
            "called_at": "2026-01-05T10:30",
            "shown_number": "+44 20 7946 0000",
            "knew": ["name", "ticket", "nonsense"],
            "said": "They wanted gift cards.",
        },
    )
    kept = all_rows(app, Report)[0]
    assert kept.reference in page.text
    assert kept.called_at.isoformat() == "2026-01-05T10:30:00+00:00"
    assert not kept.proven


@pytest.mark.parametrize(
    "change",
    [
        {"phone": ""},
        {"phone": "x"},
        {"called_at": "2099-01-01T10:00"},
        {"called_at": "yesterday"},
        {"said": "x" * 1001},
        {"shown_number": "1" * 41},
    ],
    ids=str,
)
def test_a_report_that_cannot_be_used_is_asked_again(app, client, change):
    page = client.post("/report", data={"phone": PHONE, **change})
    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert all_rows(app, Report) == []


def test_every_answer_carries_the_security_headers(client):
    for path in ("/", "/report", "/nothing", "/healthz", "/api/v1/callbacks", "/staff/sign-in"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"


def test_no_template_has_inline_script_or_style(app):
    from pathlib import Path

    for path in Path(app.root_path, "templates").rglob("*.html"):
        text = path.read_text().lower()
        assert "<style" not in text, path
        assert " style=" not in text, path
        assert " onclick=" not in text, path
        assert all("src=" in part for part in text.split("<script")[1:]), path


def test_a_page_that_is_not_there_says_so_kindly(client):
    answer = client.get("/nothing")
    assert answer.status_code == 404
    assert "Traceback" not in answer.text


def test_the_store_being_ready_is_told_in_parts(client):
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["parts"]["database"] == "ok"
    assert "worker" in answer.json["parts"]["worker"]


def test_metrics_count_verdicts(client):
    check(client, PHONE, "123456")
    text = client.get("/metrics").text
    assert 'vouchline_checks_total{channel="web",verdict="not_confirmed"}' in text
    assert "vouchline_texts_waiting" in text

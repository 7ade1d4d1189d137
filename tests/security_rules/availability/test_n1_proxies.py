"""The doctor asks the running server how many proxies are in front of it, through a real nginx; the
server notices by itself that one is not counted; and until then nobody locks everybody out."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from channels import proxy_detection
from channels.cli import proxy_check as asking
from channels.proxy_detection import ArrivedRequest
from channels.startup import database_upgrade
from storage.engine import make_engine
from tests import databases, servers
from tests.channels.conftest import PASSWORD, Console, make_console
from tests.channels.support import PHONE
from tests.security_rules.support import proxy_chain
from tests.security_rules.support.proxy_chain import APPENDS, PASSES, REPLACES
from vault.keys import master_keys

CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
ANA, BEN = "ana@example.org", "ben@example.org"
needs_nginx = pytest.mark.skipif(not proxy_chain.found(), reason="no nginx: apt-get install nginx")


@pytest.fixture
def template(sqlite_template, tmp_path) -> str:
    return databases.sqlite_copy(sqlite_template, tmp_path)


def doctor(console: Console) -> list[str]:
    """What the doctor says about proxies."""
    told = console.app.test_cli_runner().invoke(args=["doctor"]).output.splitlines()
    return [item for item in told if "Forwarded" in item or "asked" in item or "answers" in item
            or "certificate" in item]  # fmt: skip


def chain(template: str, folder: Path, counted: int, headers: list[str], tls: bool = False):
    """A console behind so many proxies, each with its header, and all of it running."""
    ports = [servers.free_port() for _ in range(len(headers) + 1)]
    scheme = "https" if tls else "http"
    console = make_console(
        template, folder, trusted_proxies=counted, public_url=f"{scheme}://127.0.0.1:{ports[0]}"
    )
    hops = [(ports[n], ports[n + 1], header) for n, header in enumerate(headers)]
    stack = ExitStack()
    stack.enter_context(proxy_chain.served(console.app, ports[-1]))
    if hops:
        stack.enter_context(proxy_chain.nginx(folder, hops, tls))
    return console, stack


@needs_nginx
@pytest.mark.parametrize("counted", [0, 1, 2, 3])
@pytest.mark.parametrize("headers", [[], [APPENDS], [REPLACES], [APPENDS, APPENDS]], ids=len)
def test_the_doctor_finds_every_wrong_count_and_names_the_right_one(
    template, tmp_path, counted, headers
):
    """Was red on c916469."""
    console, stack = chain(template, tmp_path, counted, headers)
    with stack:
        said = doctor(console)
    if counted == len(headers):
        assert said == []
    else:
        (sentence,) = said
        assert sentence.startswith("✗ VOUCHLINE_TRUSTED_PROXIES is ")
        assert sentence.endswith(f"Set it to {len(headers)}.")
    console.context.engine.dispose()


@needs_nginx
def test_a_proxy_with_tls_that_adds_nothing_and_a_certificate_that_does_not_hold(
    template, tmp_path, monkeypatch
):
    """Was red on c916469."""
    cert = proxy_chain.certificate(tmp_path)
    for header, counted, word in ((PASSES, 0, "adds to X-Forwarded-For"), (APPENDS, 1, "")):
        console, stack = chain(template, tmp_path, counted, [header], tls=True)
        with stack:
            (sentence,) = doctor(console)
            assert "does not hold" in sentence
            with monkeypatch.context() as trusting:
                trusting.setenv("SSL_CERT_FILE", str(cert))
                said = doctor(console)
            assert [word in item for item in said] == ([True] if word else [])
        console.context.engine.dispose()


@needs_nginx
def test_reports_through_nginx_are_counted_by_who_sends_them(template, tmp_path):
    console, stack = chain(template, tmp_path, 2, [APPENDS, APPENDS])
    with stack:
        base = console.context.base_url
        told = [_curl(f"{base}/api/v1/reports", n) for n in range(12)]
    assert told == ["201"] * 10 + ["429"] * 2
    console.context.engine.dispose()


def _curl(address: str, n: int) -> str:
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--json",
               f'{{"phone": "+4474009{n:05d}"}}', "-H", f"X-Forwarded-For: 2001:db8::{n}, \"{n}",
               address]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_server_that_cannot_be_asked_is_no_fault_of_the_demo(template, tmp_path):
    console = make_console(template, tmp_path, public_url=f"http://127.0.0.1:{servers.free_port()}")
    (sentence,) = doctor(console)
    assert sentence.startswith("- No server could be asked")
    console.context.engine.dispose()


def test_what_answers_with_other_keys_is_not_ours(template, tmp_path):
    port = servers.free_port()
    here = f"http://127.0.0.1:{port}"
    keys, url = "o-1:" + "QUJD" * 10 + "QUI=", f"sqlite:///{tmp_path / 'other.sqlite3'}"
    database_upgrade.upgrade_with_keys(
        make_engine(url), master_keys.parse_master_keys(keys), datetime.now(UTC)
    )
    other = make_console(url, tmp_path, public_url=here, master_keys=keys)
    console = make_console(template, tmp_path, public_url=here)
    with proxy_chain.served(other.app, port):
        (sentence,) = doctor(console)
    assert sentence.startswith("✗ What answers at")
    for item in (console, other):
        item.context.engine.dispose()


def test_a_proxy_that_passes_underscores_on_is_named(monkeypatch):
    def arrived(_: str, headers: dict[str, str]) -> ArrivedRequest:
        (written,) = headers.values()
        below = "X_Forwarded_For" in headers
        return ArrivedRequest("127.0.0.1", [written if below else "192.0.2.1"], 1, "192.0.2.1")

    monkeypatch.setattr(asking, "_ask_with_deadline", arrived)
    assert [fault.sentence for fault in asking.find_proxy_faults("https://x")] == [
        asking.UNDERSCORE_HEADER_FAULT
    ]


def test_the_question_is_fresh_used_once_and_answered_to_its_asker_alone(template, tmp_path):
    console = make_console(template, tmp_path, trusted_proxies=1)
    client, master = console.app.test_client(), console.context.master
    word, nonce = proxy_detection.make_probe_header(master, console.now)
    headers = {proxy_detection.PROBE_HEADER: word, "X-Forwarded-For": "2001:db8::1, 192.0.2.9:77"}
    told = client.get("/healthz", headers=headers).json["probe"]
    assert "192.0.2.9" not in bytes.fromhex(told).decode("latin-1")
    said = proxy_detection.open_probe_answer(master, nonce, told)
    assert said == ArrivedRequest("127.0.0.1", ["2001:db8::1", "192.0.2.9:77"], 1, "192.0.2.9")
    assert proxy_detection.open_probe_answer(master, "0" * 32, told) is None
    assert client.get("/healthz", headers=headers).json == {"status": "ok"}
    word, nonce = proxy_detection.make_probe_header(master, console.now)
    for forged in (word[:-1] + "0", word.replace(nonce, "0" * 32), "1" + word[1:], word[:-4]):
        if forged != word:
            answer = client.get("/healthz", headers={proxy_detection.PROBE_HEADER: forged})
            assert answer.json == {"status": "ok"}
    console.wait(seconds=61)
    assert client.get("/healthz", headers={proxy_detection.PROBE_HEADER: word}).json == {
        "status": "ok"
    }
    console.context.engine.dispose()


def test_the_server_notices_by_itself_that_a_proxy_is_not_counted(template, tmp_path, monkeypatch):
    """Was red on c916469."""
    console, said = make_console(template, tmp_path), []
    told = SimpleNamespace(warning=lambda event, **_: said.append(event))
    monkeypatch.setattr(proxy_detection, "log", told)
    client = console.app.test_client()
    far = {"environ_base": {"REMOTE_ADDR": "93.184.216.34"}}
    client.get("/", headers={"X-Forwarded-For": "1.2.3.4"}, **far)
    client.get("/")
    assert "proxies" not in client.get("/readyz").json["parts"]
    for header in ("X-Forwarded-For", "Forwarded"):
        client.get("/", headers={header: "1.2.3.4"})
    parts = client.get("/readyz").json["parts"]
    assert "doctor" in parts["proxies"]
    assert said == ["a proxy is not counted"]
    console.context.engine.dispose()


# The wrong tries of one person lock out nobody else.


def sign_in(console: Console, email: str, address: str, **more: str) -> int:
    client = console.app.test_client()
    token = CSRF.search(client.get("/staff/sign-in").text)[1]
    form = {"csrf_token": token, "email": email, "password": "x", "code": "1", **more}
    where = {"X-Forwarded-For": address}
    return client.post("/staff/sign-in", data=form, headers=where).status_code


def right(console: Console) -> dict[str, str]:
    console.wait(seconds=30)
    return {"password": PASSWORD, "code": console.code()}


@pytest.mark.parametrize("counted", [0, 1])
def test_a_strangers_wrong_sign_ins_keep_nobody_out_who_shares_the_address(
    database, tmp_path, counted
):
    """Was red on c916469: behind a proxy that is not counted, or in one company, all were out."""
    console = make_console(
        database, tmp_path, sign_in_limit="10/5 minutes;20/hour;50/day", trusted_proxies=counted
    )
    console.member(ANA)
    told = Counter(sign_in(console, f"x{n}@nowhere.example", "203.0.113.5") for n in range(20))
    assert told == {403: 10, 429: 10}
    assert sign_in(console, ANA, "203.0.113.5", **right(console)) == 303
    assert sign_in(console, ANA, "203.0.113.5") == 429
    assert sign_in(console, ANA, "203.0.113.5", password=PASSWORD) == 429
    assert sign_in(console, ANA, "203.0.113.5", **right(console)) == 303
    console.context.engine.dispose()


def test_a_guesser_at_such_an_address_gets_no_more_tries_at_an_account(template, tmp_path):
    """Neither tells a used-up address whether there is an account."""
    console = make_console(template, tmp_path, sign_in_limit="3/minute;8/day")
    console.member(ANA)
    told = [sign_in(console, ANA, "") for _ in range(12)]
    assert told == [403] * 3 + [429] * 9
    assert sign_in(console, ANA, "", **right(console)) == 429  # the account's own tries are used up
    console.context.engine.dispose()


def test_one_strangers_checks_stop_nobody_elses_behind_a_proxy_that_is_not_counted(
    template, tmp_path
):
    """Was red on c916469."""
    console = make_console(template, tmp_path, check_limit_per_network="30/minute")
    client = console.app.test_client()

    def check(phone: str, address: str) -> int:
        body, where = {"phone": phone, "code": "123456"}, {"X-Forwarded-For": address}
        return client.post("/check", data=body, headers=where).status_code

    assert {check(f"+4474009{n:05d}", "203.0.113.5") for n in range(30)} == {200}
    assert check(PHONE, "198.51.100.1") == 200
    assert [check(PHONE, "198.51.100.1") for _ in range(4)] == [200, 200, 429, 429]
    many = Counter(check(f"+4474008{n:05d}", "203.0.113.5") for n in range(200))
    assert many[429] >= 40
    console.context.engine.dispose()

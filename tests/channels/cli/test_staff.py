"""``flask staff``: the link that it prints, and the PIN beside it."""

from __future__ import annotations

import re

import pyotp
import pytest

from tests.channels.conftest import Console

EVE = "eve@example.org"
ADD = ["staff", "add", "--email", EVE, "--name", "Eve Ng", "--role", "agent"]


def run(console: Console, *words: str) -> str:
    done = console.app.test_cli_runner().invoke(args=list(words))
    assert done.exit_code == 0, done.output
    return done.output.strip()


def path_of(printed: str) -> str:
    """The link stands alone on the last line."""
    found = re.fullmatch(r"http://localhost:\d+(/staff/enrol/[\w-]{43})", printed.splitlines()[-1])
    assert found, printed
    return found[1]


@pytest.mark.parametrize("command", [ADD, ["staff", "invite", "--email", EVE]])
def test_the_link_alone_enrols_unless_a_pin_was_wanted(console, command):
    if command is not ADD:
        run(console, *ADD)
    printed = run(console, *command)
    assert "PIN" not in printed
    assert 'class="secret"' in console.tab().get(path_of(printed)).text


@pytest.mark.parametrize("command", [ADD, ["staff", "invite", "--email", EVE]])
def test_with_a_pin_the_link_alone_does_not(console, command):
    if command is not ADD:
        run(console, *ADD)
    printed = run(console, *command, "--pin")
    pin, link = re.search(r": (\d{6})$", printed, re.MULTILINE)[1], path_of(printed)
    tab = console.tab()
    assert 'class="secret"' not in tab.get(link).text
    page = tab.post(link, {"piece": pin}).text
    secret = re.search(r'class="secret">([A-Z2-7 ]+)<', page)[1].replace(" ", "")
    code = pyotp.TOTP(secret).at(console.now)
    form = {"piece": pin, "password": "nine purple umbrellas", "code": code}
    assert tab.post(link, {**form, "piece": ""}).status_code == 200  # asks for it again
    done = tab.post(link, form)
    assert "Your recovery codes" in done.text

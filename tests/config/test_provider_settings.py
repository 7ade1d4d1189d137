"""Which providers the settings name, and what each of them lacks."""

from __future__ import annotations

import base64

import pytest
from pydantic import ValidationError

from channels.startup import providers_from_settings, startup_checks
from config.settings import Settings
from messaging.providers.provider_kind import Installation
from messaging.providers.simulator.sms import SimulatorSmsProvider
from messaging.providers.telnyx.sms import TelnyxSmsProvider
from messaging.providers.twilio.sms import TwilioSmsProvider

KEY = base64.b64encode(bytes(32)).decode()
TWILIO = {"twilio_account_sid": "AC1", "twilio_auth_token": "t", "twilio_from_number": "+441"}
SECOND = {f"second_{name}": value for name, value in TWILIO.items()}
TELNYX = {
    "telnyx_api_key": "k",
    "telnyx_public_key": KEY,
    "telnyx_from_number": "+442079460123",
}


def made(**values) -> Settings:
    return Settings(_env_file=None, **values)


def built(settings: Settings) -> tuple[list[str], list[str]]:
    """The names of the providers of texts and of calls, in order."""
    here = Installation("https://x.example", "+442079460123", 4, None, None)  # type: ignore[arg-type]
    texts = providers_from_settings.build_sms_providers(settings, here)
    calls = providers_from_settings.build_voice_providers(settings, here)
    return [each.name for each in texts], [each.name for each in calls]


@pytest.mark.parametrize(
    ("values", "texts", "calls"),
    [
        ({}, ["simulator"], ["simulator"]),
        ({"sms": "simulator:"}, ["simulator"], ["simulator"]),
        ({"messaging": "twilio", **TWILIO}, ["twilio"], ["twilio"]),
        ({"messaging": "twilio", **TWILIO, **SECOND}, ["twilio", "second"], ["twilio", "second"]),
        ({"messaging": "twilio", **SECOND}, ["second"], ["second"]),
        ({"messaging": "twilio"}, ["none"], []),
        ({"sms": "twilio:", **TWILIO, **SECOND}, ["twilio"], ["twilio"]),
        ({"sms": "telnyx:", **TELNYX}, ["telnyx"], []),
        ({"sms": "telnyx:", "voice": "twilio:", **TELNYX, **TWILIO}, ["telnyx"], ["twilio"]),
        ({"sms": "telnyx: twilio:", **TELNYX, **TWILIO}, ["telnyx", "twilio"], ["twilio"]),
        ({"sms": "twilio:second,telnyx:", **TELNYX, **SECOND}, ["second", "telnyx"], ["second"]),
        ({"messaging": "simulator", "sms": "telnyx:", **TELNYX}, ["telnyx"], []),
        ({"sms": "telnyx: twilio:", **TWILIO}, ["twilio"], ["twilio"]),
    ],
    ids=str,
)
def test_providers_are_built_in_their_order(values, texts, calls):
    assert built(made(**values)) == (texts, calls)


def test_each_scheme_builds_its_own_provider():
    here = Installation("https://x.example", "+442079460123", 4, None, None)  # type: ignore[arg-type]
    settings = made(sms="simulator: twilio: telnyx:", **TWILIO, **TELNYX)
    found = providers_from_settings.build_sms_providers(settings, here)
    assert [type(each) for each in found] == [
        SimulatorSmsProvider,
        TwilioSmsProvider,
        TelnyxSmsProvider,
    ]


def faults(**values) -> list[str]:
    settings = made(environment="production", **values)
    found = providers_from_settings.find_provider_faults(settings)
    return [sentence for _, sentence in found]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"telnyx_api_key": ""}, "TELNYX_API_KEY is not set"),
        ({"telnyx_public_key": ""}, "TELNYX_PUBLIC_KEY must be"),
        ({"telnyx_public_key": "x"}, "TELNYX_PUBLIC_KEY must be"),
        ({"telnyx_public_key": KEY[:-4]}, "TELNYX_PUBLIC_KEY must be"),
        ({"telnyx_from_number": ""}, "TELNYX_FROM_NUMBER or TELNYX_MESSAGING_PROFILE_ID"),
        ({"telnyx_from_number": "Bank"}, "TELNYX_FROM_NUMBER must be a number"),
        ({"telnyx_from_number": "12345"}, "TELNYX_FROM_NUMBER must be a number"),
        ({"twilio_from_number": ""}, "TWILIO_FROM_NUMBER or TWILIO_MESSAGING_SERVICE_SID"),
        ({"twilio_auth_token": ""}, "TWILIO_AUTH_TOKEN is not set"),
    ],
    ids=str,
)
def test_what_a_provider_lacks_is_said_in_one_sentence(values, words):
    complete = {"sms": "telnyx: twilio:", **TELNYX, **TWILIO}
    assert faults(**complete) == []
    (sentence,) = faults(**(complete | values))
    assert words in sentence
    assert sentence.endswith(".")


def test_a_provider_that_is_not_named_lacks_nothing():
    assert faults(sms="twilio:", **TWILIO) == []


def test_texts_without_a_provider_of_calls_are_a_warning_and_bridged_calls_a_refusal():
    (alone,) = providers_from_settings.find_provider_faults(made(sms="telnyx:", **TELNYX))
    assert alone[0] == "warn"
    assert "VOUCHLINE_VOICE" in alone[1]
    (bridged,) = providers_from_settings.find_provider_faults(
        made(sms="telnyx:", bridge_calls=True, **TELNYX)
    )
    assert bridged[0] == "refuse"
    both = made(sms="telnyx:", voice="twilio:", bridge_calls=True, **TELNYX, **TWILIO)
    assert providers_from_settings.find_provider_faults(both) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sms": "pigeon:"}, "VOUCHLINE_SMS names pigeon:, which is no provider"),
        ({"sms": "telnyx:second"}, "VOUCHLINE_SMS names telnyx:second, which is no provider"),
        ({"voice": "pigeon:"}, "VOUCHLINE_VOICE names pigeon:"),
        ({"voice": "telnyx:"}, "VOUCHLINE_VOICE names telnyx:, which places no calls"),
        ({"telnyx_api_base": "http://api.example"}, "TELNYX_API_BASE must be an https address"),
    ],
    ids=str,
)
def test_a_provider_that_is_none_starts_nowhere(values, words):
    for environment in ("demo", "production"):
        found = startup_checks.find_start_refusals(made(environment=environment, **values))
        assert any(words in sentence for sentence in found)


@pytest.mark.parametrize("value", ["telnyx", "Telnyx:", "telnyx:1", "telnyx:;", ":", "telnyx :"])
def test_what_is_no_list_of_providers_is_refused_with_an_example(value):
    for name in ("sms", "voice"):
        with pytest.raises(ValidationError, match="like twilio: telnyx:"):
            made(**{name: value})


def test_an_account_does_not_show_its_secrets():
    settings = made(sms="telnyx:", telnyx_api_key="hush")
    account = next(iter(providers_from_settings._known_accounts(settings, settings.sms_entries)))[1]
    assert account.value("api_key") == "hush"
    assert "hush" not in repr(account) + repr(settings)

"""Puts Vouchline together: settings, store, keys, channels. Nothing imports this module."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from limits import parse_many
from pydantic import ValidationError
from sqlalchemy import Engine
from werkzeug.middleware.proxy_fix import ProxyFix

from channels import blueprints, clock, database_upgrade
from channels import destinations_from_settings as places_of
from channels.api.application import Application
from channels.app_context import Context
from channels.database_upgrade import DEMO_STAFF
from channels.rate_limits import Limiter, OutsideCounts
from config import logging_setup, settings_checks
from config.settings import Settings
from messaging.providers.base import Gateway
from messaging.providers.simulator.sms import Simulator
from messaging.providers.simulator.voice import SimulatorLine
from messaging.providers.twilio.sms import Twilio
from messaging.providers.twilio.voice import TwilioLine
from messaging.providers.voice_base import Line
from messaging.sending_limits import Rules, limits, millionths
from people.customers import access_budgets
from people.errors import InvalidInput
from people.models import Role
from scheduling.calendars import public_holidays
from scheduling.policy import Policy
from storage.engine import make_engine
from storage.session import StoreUnavailable
from vault import external_counters
from vault.audit.heartbeats import Beats
from vault.destinations import Place
from vault.errors import KeyUnavailable
from vault.keys import keyring, master_keys
from vault.keys.keyring import Keyring
from vault.keys.master_keys import MasterKeys

ROOT = Path(__file__).resolve().parent


def create_app(
    settings: Settings | None = None, *, now: Callable[[], datetime] = clock.utc_now
) -> Application:
    """The application. ``now`` is the clock; tests hand in their own.

    Production refuses to start on what :mod:`config.settings_checks` calls unsafe, and says why.
    """
    settings = settings or _from_environment()
    if not _diagnosing():
        _refuse(settings_checks.refusals(settings))
    logging_setup.set_up(settings.log_level)
    context = _context(settings, now)
    app = Application("vouchline", root_path=str(ROOT))
    app.config["VOUCHLINE_SETTINGS"] = settings
    if now is clock.utc_now:
        Beats(context.engine, context.ring, now, _kind())
    secrets = [key.hex() for key in context.master.derive("browser session")]
    app.config.update(SECRET_KEY=secrets[0], SECRET_KEY_FALLBACKS=secrets[1:])
    context.carry(app)
    blueprints.everything(app, context, settings.languages)
    if settings.trusted_proxies:
        # Addresses are counted by channels.network: ProxyFix takes an entry as it is written, with
        # its port and whatever else a proxy writes there.
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=0, x_proto=hops)  # type: ignore[method-assign]
    return app


def _context(settings: Settings, now: Callable[[], datetime]) -> Context:
    engine = make_engine(settings.store_url, pool_size=settings.web_threads + 2)
    try:
        keys = master_keys.load(
            settings.master_keys.get_secret_value(),
            settings.instance,
            lambda: not database_upgrade.is_used(engine),
        )
    except KeyUnavailable as error:
        raise _refusal([f"VOUCHLINE_MASTER_KEYS: {error}."]) from None
    if settings.in_production and any(name.startswith("demo") for name in keys.keys):
        _refuse([] if _diagnosing() else ["VOUCHLINE_MASTER_KEYS names a file with a demo key."])
    if not _diagnosing():
        _refuse(_unsound(settings, engine, keys))
    engine.dispose()
    ring = Keyring(keys, engine)
    gateways = _gateways(settings, engine, ring)
    return Context(
        engine=engine,
        master=keys,
        ring=ring,
        policy=_policy(settings),
        gateways=gateways,
        line=_line(settings),
        rules=_rules(settings),
        worker_hands=settings.worker_hands,
        limiter=_limiter(settings),
        clock=now,
        base_url=settings.base_url,
        audit_origin=settings.log_origin,
        places=_places(settings, gateways[0], now),
        alert_places=_alert_places(settings, gateways[0], now),
        simulated=settings.messaging == "simulator",
        demo=not settings.in_production,
        official_hours=settings.official_hours,
        twilio_auth_tokens=[each.auth_token for each in settings.twilio_accounts],
        info={
            **keyring.carried(ring),
            **access_budgets.carried(_budgets(settings)),
            **external_counters.carried(OutsideCounts(settings.rate_storage)),
        },
        metrics_token=settings.metrics_token.get_secret_value(),
        key_register_pin=settings.key_register_pin,
        trusted_proxies=settings.trusted_proxies,
    )


def _unsound(settings: Settings, engine: Engine, keys: MasterKeys) -> list[str]:
    """Why the store must not be used with these keys."""
    found = database_upgrade.problem(engine, keys, settings.key_register_pin)
    if not found:
        return []
    said = [f"Keys: {found}."]
    with suppress(*StoreUnavailable):
        if settings.in_production and database_upgrade.has_demo_staff(engine):
            said.append(DEMO_STAFF)
    return said


def _places(settings: Settings, gateway: Gateway, now: Callable[[], datetime]) -> list[Place]:
    try:
        return places_of.for_checkpoints(settings, gateway, now)
    except places_of.NotAPlace as error:
        raise _refusal([f"VOUCHLINE_CHECKPOINTS_TO: {error}"]) from None


def _alert_places(settings: Settings, gateway: Gateway, now: Callable[[], datetime]) -> list[Place]:
    try:
        return places_of.for_alerts(settings, gateway, now)
    except places_of.NotAPlace as error:
        raise _refusal([f"VOUCHLINE_ALERTS_TO: {error}"]) from None


def _policy(settings: Settings) -> Policy:
    try:
        public_holidays.require_known(settings.holidays)
    except InvalidInput as error:
        raise _refusal([f"VOUCHLINE_HOLIDAYS: {error}"]) from None
    return Policy(
        organisation=settings.organisation,
        official_phone=settings.official_phone,
        languages=settings.languages,
        default_region=settings.default_region,
        countries=settings.countries,
        default_zone=settings.timezone,
        min_notice_minutes=settings.min_notice_minutes,
        max_ahead_days=settings.max_ahead_days,
        window_lead_minutes=settings.window_lead_minutes,
        decent_hours=settings.decent_hours,
        code_digits=settings.code_digits,
        code_minutes=settings.code_minutes,
        bridge_calls=settings.bridge_calls,
        decent_by_country=settings.decent_hours_by_country,
        buffer_before=settings.buffer_before_minutes,
        buffer_after=settings.buffer_after_minutes,
        holidays=settings.holidays,
        reminders=settings.reminders,
        retries=settings.retries,
        number_change_wait_hours=settings.number_change_wait_hours,
    )


def _gateways(settings: Settings, engine: Engine, ring: Keyring) -> list[Gateway]:
    """In the order of preference."""
    if settings.messaging == "simulator":
        return [Simulator(engine, ring)]
    return [
        Twilio(
            account.account_sid,
            account.auth_token,
            from_number=account.from_number,
            messaging_service_sid=account.messaging_service_sid,
            api_base=account.api_base,
            status_callback=f"{settings.base_url}/twilio/status/message",
            voice_from=settings.official_phone,
            base_url=settings.base_url,
            name=account.name,
            connections=settings.worker_hands,
        )
        for account in settings.twilio_accounts
    ]


def _line(settings: Settings) -> Line | None:
    """What bridged calls go over, by the first account."""
    if not settings.bridge_calls:
        return None
    if settings.messaging == "simulator":
        return SimulatorLine()
    return next(
        (
            TwilioLine(
                account.account_sid,
                account.auth_token,
                from_number=settings.official_phone,
                base_url=settings.base_url,
                api_base=account.api_base,
            )
            for account in settings.twilio_accounts
        ),
        None,
    )


def _rules(settings: Settings) -> Rules:
    return Rules(
        countries=settings.countries,
        per_number=limits(settings.texts_per_number),
        segment_price=millionths(settings.text_price),
        call_price=millionths(settings.call_price),
        per_hour=millionths(settings.spending_per_hour),
        per_day=millionths(settings.spending_per_day),
        look_up_lines=settings.look_up_lines,
        asked_per_number=limits(settings.texts_asked_per_number),
        anybodys_share=settings.spending_anybody_percent / 100,
    )


def _budgets(settings: Settings) -> access_budgets.Budgets:
    roles = {
        Role.AGENT: limits(settings.budget_agent),
        Role.INVESTIGATOR: limits(settings.budget_investigator),
    }
    return access_budgets.Budgets(roles, limits(settings.budget_misses))


def _times(limits: str, factor: int) -> str:
    """The limits so many times over."""
    return ";".join(
        f"{each.amount * factor}/{each.multiples} {each.GRANULARITY.name}"
        for each in parse_many(limits)
    )


def _limiter(settings: Settings) -> Limiter:
    return Limiter(
        settings.rate_storage,
        {
            "check_address": settings.check_limit_per_address,
            "check_number": settings.check_limit_per_number,
            "check_beyond_number": "3/10 minutes",
            "check_beyond_address": _times(settings.check_limit_per_address, 5),
            "report_address": settings.report_limit_per_address,
            "feed_address": settings.feed_limit_per_address,
            "proof_address": settings.proof_limit_per_address,
            "sign_in_address": settings.sign_in_limit,
            "sign_in_account": settings.sign_in_limit,
            "sign_in_device": settings.sign_in_limit,
            "sign_in_recovery": settings.sign_in_limit,
            "sign_in_noted": "1/hour",
            "sign_in_beyond_address": "30/minute",
            "failed_try_address": "1/hour",
            "probe": "1/3 minutes",
        },
        settings.wide_network_factor,
    )


def _from_environment() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        problems = [
            f"{each['loc'][0]}: {each['msg'].removeprefix('Value error, ')}."
            for each in error.errors(include_input=False, include_url=False)
        ]
        raise _refusal(problems) from None


def _refuse(sentences: list[str]) -> None:
    if sentences:
        raise _refusal(sentences)


def _refusal(sentences: list[str]) -> SystemExit:
    """Ends the process with the reasons, for whoever started it."""
    return SystemExit("Vouchline does not start:\n" + "\n".join(f"- {s}" for s in sentences))


def _kind() -> str:
    """What this process is, for the audit log."""
    known = {"serve": "web", "worker": "worker"}
    return next((known[each] for each in sys.argv if each in known), "command")


def _diagnosing() -> bool:
    """Whether a command runs that must work on unsafe settings: to say or mend what is unsafe, or
    because it touches nothing of ours."""
    return Path(sys.argv[0]).stem == "flask" and (
        "doctor" in sys.argv
        or sys.argv[-2:] == ["keys", "new"]
        or {"leaks", "trace", "--access"} <= set(sys.argv)  # works on files alone
    )

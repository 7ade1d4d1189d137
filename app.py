"""Builds the application from settings, database, keys and channels. Nothing imports this
module."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import structlog
from limits import parse_many
from pydantic import ValidationError
from sqlalchemy import Engine
from werkzeug.middleware.proxy_fix import ProxyFix

from channels import blueprints, clock
from channels.api.application import Application
from channels.app_context import AppContext
from channels.error_texts import describe_error_in_english
from channels.rate_limits import ExternalCounters, RateLimiter
from channels.startup import database_upgrade, providers_from_settings, startup_checks
from channels.startup import destinations_from_settings as places_of
from channels.startup.database_upgrade import DEMO_STAFF_PROBLEM
from config import logging_setup, settings_checks
from config.settings import Settings
from incidents import tables as _tables  # noqa: F401  (so that every table is known)
from messaging.providers.base import SmsProvider
from messaging.providers.provider_kind import Installation
from messaging.sending_limits import SendingLimits, parse_limits, to_millionths
from people.customers import access_budgets
from people.errors import InvalidInput
from people.models import Role
from scheduling.calendars import public_holidays
from scheduling.policy import Policy
from storage.engine import make_engine
from storage.session import StoreUnavailable
from vault import external_counters
from vault.audit.heartbeats import WriterHeartbeats
from vault.destinations import Destination
from vault.errors import KeyUnavailable
from vault.keys import keyring, master_keys
from vault.keys.keyring import Keyring
from vault.keys.master_keys import MasterKeys

ROOT = Path(__file__).resolve().parent
_log = structlog.get_logger("settings")


def create_app(
    settings: Settings | None = None, *, now: Callable[[], datetime] = clock.utc_now
) -> Application:
    """Create the WSGI application. ``now`` returns the current time in UTC; tests pass their own.

    Exit with the reasons if :func:`~channels.startup.startup_checks.find_start_refusals` finds
    unsafe settings; diagnostic commands start anyway.
    """
    settings = settings or _settings_from_environment()
    if not _is_diagnostic_command():
        _refuse_to_start_if(startup_checks.find_start_refusals(settings))
    logging_setup.set_up_logging(settings.log_level)
    if not _is_diagnostic_command():
        _warn_of_renamed_settings(settings)
    context = _build_app_context(settings, now)
    app = Application("vouchline", root_path=str(ROOT))
    app.config["VOUCHLINE_SETTINGS"] = settings
    if now is clock.utc_now:
        WriterHeartbeats(context.engine, context.ring, now, _process_kind())
    secrets = [key.hex() for key in context.master.derive_keys("browser session")]
    app.config.update(SECRET_KEY=secrets[0], SECRET_KEY_FALLBACKS=secrets[1:])
    context.attach_to_app(app)
    blueprints.register_blueprints(app, context, settings.languages)
    if settings.trusted_proxies:
        # channels.client_network counts forwarded addresses itself: ProxyFix takes an entry as it
        # is written, with its port and anything else a proxy adds.
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=0, x_proto=hops)  # type: ignore[method-assign]
    return app


def _build_app_context(settings: Settings, now: Callable[[], datetime]) -> AppContext:
    engine = make_engine(settings.store_url, pool_size=settings.web_threads + 2)
    try:
        keys = master_keys.load_master_keys(
            settings.master_keys.get_secret_value(),
            settings.instance,
            lambda: not database_upgrade.database_has_keys(engine),
        )
    except KeyUnavailable as error:
        raise _startup_refusal([f"VOUCHLINE_MASTER_KEYS: {error}."]) from None
    if settings.in_production and any(name.startswith("demo") for name in keys.keys):
        _refuse_to_start_if(
            []
            if _is_diagnostic_command()
            else ["VOUCHLINE_MASTER_KEYS names a file with a demo key."]
        )
    if not _is_diagnostic_command():
        _refuse_to_start_if(_find_unsound_keys(settings, engine, keys))
    engine.dispose()
    ring = Keyring(keys, engine)
    installation = Installation(
        settings.base_url, settings.official_phone, settings.worker_concurrency, engine, ring
    )
    gateways = providers_from_settings.build_sms_providers(settings, installation)
    voices = providers_from_settings.build_voice_providers(settings, installation)
    return AppContext(
        engine=engine,
        master=keys,
        ring=ring,
        policy=_build_policy(settings),
        gateways=gateways,
        voices=voices,
        line=next(iter(voices), None) if settings.bridge_calls else None,
        rules=_build_sending_limits(settings),
        worker_concurrency=settings.worker_concurrency,
        limiter=_build_rate_limiter(settings),
        clock=now,
        base_url=settings.base_url,
        audit_origin=settings.log_origin,
        places=_build_checkpoint_destinations(settings, gateways[0], now),
        alert_places=_build_alert_destinations(settings, gateways[0], now),
        simulated=providers_from_settings.are_texts_simulated(settings),
        demo=not settings.in_production,
        official_hours=settings.official_hours,
        webhook_keys=providers_from_settings.read_webhook_keys(settings),
        info={
            **keyring.keyring_session_info(ring),
            **access_budgets.budget_session_info(_build_access_budgets(settings)),
            **external_counters.counter_session_info(ExternalCounters(settings.rate_storage)),
        },
        metrics_token=settings.metrics_token.get_secret_value(),
        key_register_pin=settings.key_register_pin,
        trusted_proxies=settings.trusted_proxies,
    )


def _find_unsound_keys(settings: Settings, engine: Engine, keys: MasterKeys) -> list[str]:
    """Return the reasons why the database must not be used with these keys."""
    key_problem = database_upgrade.find_key_problem(engine, keys, settings.key_register_pin)
    if not key_problem:
        return []
    reasons = [f"Keys: {key_problem}."]
    with suppress(*StoreUnavailable):
        if settings.in_production and database_upgrade.find_demo_staff(engine):
            reasons.append(DEMO_STAFF_PROBLEM)
    return reasons


def _build_checkpoint_destinations(
    settings: Settings, gateway: SmsProvider, now: Callable[[], datetime]
) -> list[Destination]:
    try:
        return places_of.checkpoint_destinations(settings, gateway, now)
    except places_of.InvalidDestination as error:
        raise _startup_refusal([f"VOUCHLINE_CHECKPOINTS_TO: {error}"]) from None


def _build_alert_destinations(
    settings: Settings, gateway: SmsProvider, now: Callable[[], datetime]
) -> list[Destination]:
    try:
        return places_of.alert_destinations(settings, gateway, now)
    except places_of.InvalidDestination as error:
        raise _startup_refusal([f"VOUCHLINE_ALERTS_TO: {error}"]) from None


def _build_policy(settings: Settings) -> Policy:
    try:
        public_holidays.require_known_region(settings.holidays)
    except InvalidInput as error:
        raise _startup_refusal(
            [f"VOUCHLINE_HOLIDAYS: {describe_error_in_english(error)}"]
        ) from None
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
        calling_hours=settings.calling_hours,
        code_digits=settings.code_digits,
        code_minutes=settings.code_minutes,
        bridge_calls=settings.bridge_calls,
        calling_hours_by_country=settings.calling_hours_by_country,
        buffer_before=settings.buffer_before_minutes,
        buffer_after=settings.buffer_after_minutes,
        holidays=settings.holidays,
        reminders=settings.reminders,
        retries=settings.retries,
        number_change_wait_hours=settings.number_change_wait_hours,
    )


def _build_sending_limits(settings: Settings) -> SendingLimits:
    return SendingLimits(
        countries=settings.countries,
        per_number=parse_limits(settings.texts_per_number),
        segment_price=to_millionths(settings.text_price),
        call_price=to_millionths(settings.call_price),
        per_hour=to_millionths(settings.spending_per_hour),
        per_day=to_millionths(settings.spending_per_day),
        line_type_lookup=settings.line_type_lookup,
        asked_per_number=parse_limits(settings.texts_asked_per_number),
        anybodys_share=settings.spending_anybody_percent / 100,
    )


def _build_access_budgets(settings: Settings) -> access_budgets.AccessBudgets:
    roles = {
        Role.AGENT: parse_limits(settings.budget_agent),
        Role.INVESTIGATOR: parse_limits(settings.budget_investigator),
    }
    return access_budgets.AccessBudgets(roles, parse_limits(settings.budget_misses))


def _multiply_limits(limits: str, factor: int) -> str:
    """Multiply the number of hits of each limit by ``factor``."""
    return ";".join(
        f"{limit.amount * factor}/{limit.multiples} {limit.GRANULARITY.name}"
        for limit in parse_many(limits)
    )


def _build_rate_limiter(settings: Settings) -> RateLimiter:
    return RateLimiter(
        settings.rate_storage,
        {
            "check_address": settings.check_limit_per_network,
            "check_number": settings.check_limit_per_number,
            "check_beyond_number": "3/10 minutes",
            "check_beyond_address": _multiply_limits(settings.check_limit_per_network, 5),
            "report_address": settings.report_limit_per_network,
            "feed_address": settings.calendar_limit_per_network,
            "proof_address": settings.page_number_limit_per_network,
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


def _settings_from_environment() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        problems = [
            f"{detail['loc'][0]}: {detail['msg'].removeprefix('Value error, ')}."
            for detail in error.errors(include_input=False, include_url=False)
        ]
        raise _startup_refusal(problems) from None


def _warn_of_renamed_settings(settings: Settings) -> None:
    for sentence in settings_checks.find_renamings(settings):
        _log.warning("setting renamed", setting=sentence)


def _refuse_to_start_if(sentences: list[str]) -> None:
    if sentences:
        raise _startup_refusal(sentences)


def _startup_refusal(sentences: list[str]) -> SystemExit:
    """Build the exit that reports these reasons on standard error."""
    return SystemExit("Vouchline does not start:\n" + "\n".join(f"- {s}" for s in sentences))


def _process_kind() -> str:
    """Return the kind of this process, as the audit log names it."""
    known = {"serve": "web", "worker": "worker"}
    return next((known[argument] for argument in sys.argv if argument in known), "command")


def _is_diagnostic_command() -> bool:
    """Tell whether a command runs that must work with unsafe settings: it diagnoses or fixes them,
    or it works on files alone."""
    return Path(sys.argv[0]).stem == "flask" and (
        "doctor" in sys.argv
        or sys.argv[-2:] == ["keys", "new"]
        or {"leaks", "trace", "--access"} <= set(sys.argv)  # works on files alone
        or {"languages", "check"} <= set(sys.argv)  # likewise
    )

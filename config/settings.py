"""All settings, read once from the environment (prefix ``VOUCHLINE_``) or ``.env``."""

from __future__ import annotations

import re
import ssl
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from limits import parse_many
from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from config.languages.registry import resolve_language
from config.languages.tags import normalise_tag
from config.provider_settings import ProviderSettings
from config.renamed_settings import RENAMED_SETTINGS, ConflictingValues, FormerNamesSource
from config.setting_formats import Hours, parse_hours
from config.time_zones import known_zones

ROOT = Path(__file__).resolve().parent.parent
_MINUTES = {"m": 1, "h": 60, "d": 24 * 60}
_REMINDERS = (timedelta(days=1), timedelta(hours=1), timedelta(minutes=10))
_RETRIES = (timedelta(hours=2), timedelta(days=1))


class Settings(ProviderSettings):
    """The settings of an installation; ``docs/operators/configuration.md`` explains each."""

    model_config = SettingsConfigDict(
        env_prefix="VOUCHLINE_",
        env_file=".env",
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    environment: Literal["demo", "production"] = "demo"
    instance: Path = ROOT / "instance"
    database_url: str = ""
    public_url: str = ""
    port: int = Field(5000, validation_alias=AliasChoices("VOUCHLINE_PORT", "PORT"))
    organisation: str = Field("Example Bank", min_length=1, max_length=40)
    official_phone: str = Field("+442079460123", max_length=32)
    official_hours: str = Field("", max_length=80)

    bridge_calls: bool = False
    worker_concurrency: int = Field(8, ge=1, le=64)
    texts_per_number: str = "10/hour;30/day"
    texts_asked_per_number: str = "4/hour;8/day"
    line_type_lookup: bool = False
    text_price: Decimal = Field(Decimal("0.05"), ge=0)
    call_price: Decimal = Field(Decimal("0.10"), ge=0)
    spending_per_hour: Decimal = Field(Decimal(50), ge=0)
    spending_per_day: Decimal = Field(Decimal(500), ge=0)
    spending_anybody_percent: int = Field(15, ge=0, le=60)

    rate_storage: str = "memory://"
    check_limit_per_network: str = "300/minute;5000/hour"
    check_limit_per_number: str = "100/minute;600/hour"
    report_limit_per_network: str = "10/minute;60/hour"
    calendar_limit_per_network: str = "60/minute"
    page_number_limit_per_network: str = "30/10 minutes;600/day"
    sign_in_limit: str = "10/5 minutes;20/hour;50/day"
    budget_agent: str = "30/hour;120/day"
    budget_investigator: str = "20/hour;60/day"
    budget_misses: str = "10/hour;40/day"
    wide_network_factor: int = Field(5, ge=1, le=1000)
    trusted_proxies: int = Field(0, ge=0, le=5)

    master_keys: SecretStr = SecretStr("")
    key_register_pin: str = Field("", pattern=r"^([0-9a-f]{16}:[0-9]{1,9})?$")
    metrics_token: SecretStr = SecretStr("")

    audit_origin: str = Field("", pattern=r"^[^\s+]{0,200}$")
    checkpoints_to: Annotated[tuple[str, ...], NoDecode] = ()
    alerts_to: Annotated[tuple[str, ...], NoDecode] = ()
    alerts_secret: SecretStr = SecretStr("")
    smtp_url: SecretStr = SecretStr("")
    smtp_ca_file: Path | None = None
    mail_from: str = ""

    min_notice_minutes: int = Field(5, ge=0, le=7 * 24 * 60)
    max_ahead_days: int = Field(180, ge=1, le=730)
    window_lead_minutes: int = Field(5, ge=0, le=60)
    calling_hours: Annotated[Hours, NoDecode] = (time(8), time(21))
    calling_hours_by_country: Annotated[dict[str, Hours], NoDecode] = Field({})
    buffer_before_minutes: int = Field(0, ge=0, le=120)
    buffer_after_minutes: int = Field(0, ge=0, le=120)
    holidays: str = Field("", pattern=r"^([A-Z]{2}(-[A-Za-z0-9]{1,10})?)?$")
    reminders: Annotated[tuple[timedelta, ...], NoDecode] = _REMINDERS
    retries: Annotated[tuple[timedelta, ...], NoDecode] = _RETRIES
    note_deadline_days: int = Field(3, ge=1, le=60)
    retention_days: int | None = Field(None, ge=1, le=36500)
    number_change_wait_hours: int = Field(48, ge=1, le=720)
    code_digits: int = Field(6, ge=6, le=8)
    code_minutes: int = Field(10, ge=1, le=10)

    default_region: str = Field("GB", pattern=r"^[A-Z]{2}$")
    countries: Annotated[tuple[str, ...], NoDecode] = ()
    timezone: str = "Europe/London"
    languages: Annotated[tuple[str, ...], NoDecode] = ("en", "de", "es")

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    web_workers: int = Field(1, ge=1, le=64)
    web_threads: int = Field(8, ge=1, le=256)

    #: The former names by which settings were given; not a setting itself.
    former_names: Annotated[tuple[str, ...], NoDecode] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources of settings, the first with the highest priority."""
        sources = (init_settings, env_settings, dotenv_settings)
        return (FormerNamesSource(settings_cls, sources), *sources, file_secret_settings)

    @field_validator("calling_hours", mode="before")
    @classmethod
    def _parse_calling_hours(cls, value: Any) -> Any:
        return parse_hours(value) if isinstance(value, str) else value

    @field_validator("calling_hours_by_country", mode="before")
    @classmethod
    def _parse_hours_by_country(cls, value: Any) -> Any:
        """Parse ``DE=09:00-20:00 FR=10:00-20:00`` to hours by country."""
        if not isinstance(value, str):
            return value
        hours_by_country = {}
        for part in value.replace(",", " ").split():
            country, _, hours = part.partition("=")
            if not re.fullmatch("[A-Z]{2}", country):
                raise ValueError("write hours by country like DE=09:00-20:00 FR=10:00-20:00")
            hours_by_country[country] = parse_hours(hours)
        return hours_by_country

    @field_validator("reminders", "retries", mode="before")
    @classmethod
    def _parse_durations(cls, value: Any) -> Any:
        """Parse ``1d 1h 10m`` to durations."""
        if not isinstance(value, str):
            return value
        parts = value.replace(",", " ").split()
        if len(parts) > 5 or not all(re.fullmatch(r"[1-9]\d{0,2}[mhd]", part) for part in parts):
            raise ValueError("write up to five lengths like 1d 1h 10m, or nothing for none")
        return tuple(timedelta(minutes=int(part[:-1]) * _MINUTES[part[-1]]) for part in parts)

    @field_validator("countries", "languages", "checkpoints_to", "alerts_to", mode="before")
    @classmethod
    def _parse_word_list(cls, value: Any) -> Any:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("languages")
    @classmethod
    def _resolve_languages(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Name languages by folder: ``es-MX`` is ``es``, unless it has a folder of its own."""
        if not value:
            raise ValueError("name at least one language, like en")
        return tuple(dict.fromkeys(resolve_language(normalise_tag(tag)) for tag in value))

    @field_validator("budget_agent", "budget_investigator", "budget_misses")
    @classmethod
    def _check_budget_format(cls, value: str) -> str:
        if not re.fullmatch(r"([1-9]\d{0,6}/(hour|day)(;(?!$)|$))+", value.replace(" ", "")):
            raise ValueError("write the budget like 30/hour;120/day")
        return value

    @field_validator(
        "check_limit_per_network",
        "check_limit_per_number",
        "report_limit_per_network",
        "calendar_limit_per_network",
        "page_number_limit_per_network",
        "sign_in_limit",
    )
    @classmethod
    def _check_rate_format(cls, value: str) -> str:
        try:
            good = bool(parse_many(value)) and all(limit.amount > 0 for limit in parse_many(value))
        except ValueError:
            good = False
        if not good:
            raise ValueError("write the limits like 300/minute;5000/hour")
        return value

    @field_validator("texts_per_number", "texts_asked_per_number")
    @classmethod
    def _check_text_limit_format(cls, value: str) -> str:
        if not re.fullmatch(r"(\d+/(minute|hour|day)(;(?!$)|$))+", value.replace(" ", "")):
            raise ValueError("write the limits like 10/hour;30/day")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _check_mail_server_url(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            parts = urlsplit(value.get_secret_value())
            _ = parts.port  # raises ValueError for an invalid port
            if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
                raise ValueError(
                    "write the mail server like smtps://user:password@mail.example.org"
                )
        return value

    @field_validator("smtp_ca_file")
    @classmethod
    def _check_authorities_file(cls, value: Path | None) -> Path | None:
        if value is None or value == Path():  # set to an empty value
            return None
        try:
            ssl.create_default_context(cafile=value)
        except (OSError, ssl.SSLError):
            raise ValueError("name a file with the authorities' certificates (PEM)") from None
        return value

    @field_validator("timezone")
    @classmethod
    def _check_time_zone(cls, value: str) -> str:
        if value not in known_zones():
            raise ValueError("name a zone of the IANA list, like Europe/London")
        return value

    @field_validator("instance")
    @classmethod
    def _make_path_absolute(cls, value: Path) -> Path:
        return value if value.is_absolute() else (Path.cwd() / value)

    @field_validator(*RENAMED_SETTINGS.values(), mode="before")  # the last one, so it runs first
    @classmethod
    def _refuse_conflicting_names(cls, value: Any) -> Any:
        if isinstance(value, ConflictingValues):
            raise ValueError(str(value))
        return value

    @property
    def store_url(self) -> str:
        """The URL of the database, by default SQLite in the instance folder."""
        return self.database_url or f"sqlite:///{self.instance / 'vouchline.sqlite3'}"

    @property
    def base_url(self) -> str:
        """The public URL without a trailing slash; the provider signs webhooks for it."""
        return (self.public_url or f"http://localhost:{self.port}").rstrip("/")

    @property
    def log_origin(self) -> str:
        """The origin of the audit log, which its checkpoints name."""
        return self.audit_origin or f"{urlsplit(self.base_url).netloc}/vouchline"

    @property
    def in_production(self) -> bool:
        return self.environment == "production"

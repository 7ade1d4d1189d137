"""All findings about the settings: for ``flask doctor``, and before a start."""

from __future__ import annotations

from channels.startup.providers_from_settings import find_entry_faults, find_provider_faults
from config import settings_checks
from config.settings import Settings
from config.settings_checks import SettingsFinding


def check_settings(settings: Settings) -> list[SettingsFinding]:
    """Return all findings about the settings; the database is checked elsewhere."""
    faults = [*find_provider_faults(settings), *find_entry_faults(settings)]
    findings = [SettingsFinding(*fault) for fault in faults]
    return [*settings_checks.check_settings(settings), *findings]


def find_start_refusals(settings: Settings) -> list[str]:
    """Return the sentences that prevent a start: outside production, only those about languages
    that would be answered in English, and about providers that are not known, or that would be sent
    the account's secret unencrypted."""
    if not settings.in_production:
        of_providers = [sentence for _, sentence in find_entry_faults(settings)]
        return [*settings_checks.find_language_refusals(settings), *of_providers]
    return [finding.sentence for finding in check_settings(settings) if finding.level == "refuse"]

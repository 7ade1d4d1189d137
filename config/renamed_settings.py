"""Settings that have a better name now: their former names still work, with a warning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource

#: The current name of each renamed setting, by its former name.
RENAMED_SETTINGS = {
    "decent_hours": "calling_hours",
    "decent_hours_by_country": "calling_hours_by_country",
    "look_up_lines": "line_type_lookup",
    "worker_hands": "worker_concurrency",
    "note_patience_days": "note_deadline_days",
    "check_limit_per_address": "check_limit_per_network",
    "report_limit_per_address": "report_limit_per_network",
    "proof_limit_per_address": "page_number_limit_per_network",
    "feed_limit_per_address": "calendar_limit_per_network",
}
#: Until when the former names are read.
LAST_DAY = "the end of 2027"
PREFIX = "VOUCHLINE_"


@dataclass(frozen=True)
class ConflictingValues:
    """The value of a setting whose former name and current name have different values."""

    former: str
    current: str

    def __str__(self) -> str:
        return (
            f"{environment_name(self.former)} and {environment_name(self.current)} have different "
            f"values: remove {environment_name(self.former)}, which is the former name"
        )


def environment_name(setting: str) -> str:
    """Return the name of a setting in the environment."""
    return PREFIX + setting.upper()


def describe_renaming(former: str) -> str:
    """Return the sentence that warns of the use of a former name."""
    return (
        f"{environment_name(former)} is now {environment_name(RENAMED_SETTINGS[former])}; the old "
        f"name works until {LAST_DAY}."
    )


class FormerNamesSource(PydanticBaseSettingsSource):
    """Reads settings by their former names.

    The first source that gives a setting by either name decides, as for all settings. If one source
    gives both names with different values, the value is :class:`ConflictingValues`, which
    validation refuses. The names used are the value of ``former_names``.
    """

    def __init__(
        self, settings_cls: type[BaseSettings], sources: tuple[PydanticBaseSettingsSource, ...]
    ) -> None:
        super().__init__(settings_cls)
        self._sources = [_read_values(source) for source in sources]

    def get_field_value(  # pydantic-settings calls it for each field
        self,
        field: FieldInfo,  # noqa: ARG002
        field_name: str,
    ) -> tuple[Any, str, bool]:
        """Return nothing: all values are read at once."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the values of renamed settings, and the former names that gave them."""
        values: dict[str, Any] = {}
        used = []
        for former, current in RENAMED_SETTINGS.items():
            given = next((s for s in self._sources if former in s or current in s), {})
            if former not in given:
                continue
            used.append(former)
            values[current] = given[former]
            if current in given and given[current] != given[former]:
                values[current] = ConflictingValues(former, current)
        return {**values, "former_names": tuple(used)}


def _read_values(source: PydanticBaseSettingsSource) -> Mapping[str, Any]:
    """Return the values of a source by the names of settings, former ones too."""
    if not isinstance(source, EnvSettingsSource):
        return source()
    prefix = PREFIX.lower()
    return {
        name.lower().removeprefix(prefix): value
        for name, value in source.env_vars.items()
        if name.lower().startswith(prefix)
    }

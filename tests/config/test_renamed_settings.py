"""Each renamed setting: the former name works, is warned of, and cannot contradict the new one."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from config.renamed_settings import RENAMED_SETTINGS, environment_name
from config.settings import Settings
from config.settings_checks import check_settings

#: Two values for each setting, as the environment has them; neither is the default.
VALUES = {
    "calling_hours": ("09:00-20:00", "10:00-20:00"),
    "calling_hours_by_country": ("DE=09:00-20:00", "FR=10:00-20:00"),
    "line_type_lookup": ("true", "on"),
    "worker_concurrency": ("3", "4"),
    "note_deadline_days": ("5", "6"),
    "check_limit_per_network": ("70/minute", "80/minute"),
    "report_limit_per_network": ("7/minute", "8/minute"),
    "page_number_limit_per_network": ("50/10 minutes", "60/10 minutes"),
    "calendar_limit_per_network": ("70/minute", "80/minute"),
}
RENAMINGS = pytest.mark.parametrize(("former", "current"), RENAMED_SETTINGS.items())


def read(**given: object) -> Settings:
    return Settings(_env_file=None, **given)


@RENAMINGS
def test_a_former_name_gives_the_setting_and_a_warning(monkeypatch, former, current):
    value, _ = VALUES[current]
    monkeypatch.setenv(environment_name(current), value)
    by_current = read()
    monkeypatch.delenv(environment_name(current))
    monkeypatch.setenv(environment_name(former), value)
    by_former = read()
    assert getattr(by_former, current) == getattr(by_current, current)
    assert getattr(by_former, current) != Settings.model_fields[current].default
    sentence = f"{environment_name(former)} is now {environment_name(current)}; the old name works"
    warnings = [f for f in check_settings(by_former) if f.sentence.startswith(sentence)]
    assert [finding.level for finding in warnings] == ["warn"]
    assert not [f for f in check_settings(by_current) if "the old name works" in f.sentence]


@RENAMINGS
def test_both_names_must_agree(monkeypatch, former, current):
    value, other = VALUES[current]
    monkeypatch.setenv(environment_name(former), value)
    monkeypatch.setenv(environment_name(current), other)
    with pytest.raises(ValidationError) as refused:
        read()
    (detail,) = refused.value.errors()
    assert detail["loc"] == (current,)
    assert f"remove {environment_name(former)}" in detail["msg"]
    monkeypatch.setenv(environment_name(current), value)
    assert read().former_names == (former,)


@RENAMINGS
def test_a_former_name_in_a_file_works_and_the_environment_wins(
    monkeypatch, tmp_path, former, current
):
    value, other = VALUES[current]
    file = Path(tmp_path, "settings.env")
    file.write_text(f"{environment_name(former)}={value}\n")
    monkeypatch.setenv(environment_name(current), other)
    by_environment = Settings(_env_file=file)
    assert by_environment.former_names == ()
    monkeypatch.delenv(environment_name(current))
    by_file = Settings(_env_file=file)
    assert by_file.former_names == (former,)
    monkeypatch.setenv(environment_name(current), value)
    assert getattr(by_file, current) == getattr(read(), current)


def test_every_current_name_is_a_setting_and_no_former_name_is():
    assert set(RENAMED_SETTINGS.values()) == set(VALUES) <= set(Settings.model_fields)
    assert not set(RENAMED_SETTINGS) & set(Settings.model_fields)


def test_nobody_sets_the_list_of_former_names(monkeypatch):
    monkeypatch.setenv("VOUCHLINE_FORMER_NAMES", "decent_hours")
    assert read().former_names == ()

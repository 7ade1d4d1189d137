"""A provider is one folder in ``messaging/providers/`` and one in ``channels/``."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from messaging.providers.registry import PROVIDERS_BY_SCHEME

ROOT = Path(__file__).resolve().parents[3]
PRODUCT = (
    *("channels", "procedures", "incidents", "verification", "scheduling", "people", "messaging"),
    *("vault", "storage", "config", "templates", "translations", "static"),
)
#: Files outside a provider's folders that may name it, and why.
EXCEPTIONS = {
    "messaging/providers/registry.py": "the list of providers",
    "channels/blueprints.py": "the list of webhooks",
    "config/provider_settings.py": "the settings of its account, and VOUCHLINE_MESSAGING",
}
REAL = [scheme for scheme, kind in PROVIDERS_BY_SCHEME.items() if not kind.simulated]
ENDINGS = {".py", ".html", ".po", ".js"}


def product_files() -> list[Path]:
    found = [ROOT / "app.py"]
    for folder in PRODUCT:
        found += [path for path in (ROOT / folder).rglob("*") if path.suffix in ENDINGS]
    return found


@pytest.mark.parametrize("scheme", REAL)
def test_nothing_outside_its_folders_names_a_provider(scheme):
    own = (f"messaging/providers/{scheme}/", f"channels/{scheme}/")
    naming = {
        name
        for path in product_files()
        if scheme in path.read_text(encoding="utf-8").lower()
        and not (name := path.relative_to(ROOT).as_posix()).startswith(own)
    }
    assert naming <= set(EXCEPTIONS)
    assert "messaging/providers/registry.py" in naming  # else nothing was read


@pytest.mark.parametrize("scheme", REAL)
def test_a_provider_imports_no_other_provider(scheme):
    others = [other for other in PROVIDERS_BY_SCHEME if other != scheme]
    for folder in (f"messaging/providers/{scheme}", f"channels/{scheme}"):
        for path in (ROOT / folder).rglob("*.py"):
            for imported in imports_of(path):
                parts = imported.split(".")
                assert not set(parts) & set(others), (path, imported)


def imports_of(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    plain = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    return named + [alias.name for node in plain for alias in node.names]


@pytest.mark.parametrize("scheme", REAL)
def test_a_provider_has_webhooks_of_its_own(app, scheme):
    rules = [rule.rule for rule in app.url_map.iter_rules()]
    assert any(rule.startswith(f"/{scheme}/") for rule in rules)
    for rule in rules:
        if rule.startswith(f"/{scheme}/"):
            path = rule.replace("<message>", "x").replace("<call>", "x")
            assert app.test_client().post(path).status_code == 403, rule

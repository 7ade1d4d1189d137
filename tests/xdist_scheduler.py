"""Which of several processes runs a test: the browser tests share a site, so one runs them all."""

from __future__ import annotations

from xdist.scheduler.loadscope import LoadScopeScheduling


class BrowserTogether(LoadScopeScheduling):
    """Every other test goes to anyone who is free."""

    def _split_scope(self, nodeid: str) -> str:
        return "browser" if nodeid.startswith("tests/browser/") else nodeid

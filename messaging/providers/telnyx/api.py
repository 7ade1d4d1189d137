"""Requests to Telnyx's API (v2): JSON over HTTPS, authorised by the account's key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

API_BASE = "https://api.telnyx.com"
CONNECT_SECONDS = 5.0
TIMEOUT_SECONDS = 10.0
Answer = tuple[int, Any, Mapping[str, str]]


class _BearerAuth(AuthBase):
    """Adds the key. Given as a header only, it would be replaced by an entry in ``.netrc``."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


class TelnyxApi:
    """A client with a number of connections; ``api_base`` replaces Telnyx's own host."""

    def __init__(self, api_key: str, api_base: str = "", connections: int = 10) -> None:
        self._base = (api_base or API_BASE).rstrip("/") + "/v2"
        self._session = requests.Session()
        self._session.auth = _BearerAuth(api_key)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=connections))

    def post(
        self, path: str, body: Mapping[str, object], idempotency_key: str, seconds: float
    ) -> Answer:
        """Post JSON. Raise ``requests.RequestException`` without an answer."""
        answer = self._session.post(
            f"{self._base}{path}",
            json=body,
            headers={"Idempotency-Key": idempotency_key},
            timeout=(CONNECT_SECONDS, seconds),
            allow_redirects=False,
        )
        return answer.status_code, _read_json(answer), answer.headers

    def get(self, path: str, query: Mapping[str, str | int]) -> Answer:
        """Get JSON. Raise ``requests.RequestException`` without an answer."""
        answer = self._session.get(
            f"{self._base}{path}",
            params=dict(query),
            timeout=(CONNECT_SECONDS, TIMEOUT_SECONDS),
            allow_redirects=False,
        )
        return answer.status_code, _read_json(answer), answer.headers


def _read_json(answer: requests.Response) -> Any:
    """Return the body; ``None`` if it is not JSON."""
    try:
        return answer.json()
    except ValueError:
        return None

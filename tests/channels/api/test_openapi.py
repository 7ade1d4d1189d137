"""The OpenAPI document is what the server does: random requests from it find no 5xx."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.channels.support import PHONE, a_token, booking

AGREEMENT = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
)


CALLS = [
    ("/api/v1/checks", "POST"),
    ("/api/v1/callbacks", "POST"),
    ("/api/v1/callbacks", "GET"),
    ("/api/v1/callbacks/{id}", "GET"),
    ("/api/v1/callbacks/{id}", "DELETE"),
    ("/api/v1/callbacks/{id}/start", "POST"),
    ("/api/v1/callbacks/{id}/code", "POST"),
    ("/api/v1/callbacks/{id}/ring", "POST"),
    ("/api/v1/callbacks/{id}/end", "POST"),
    ("/api/v1/callbacks/{id}/move", "POST"),
    ("/api/v1/callbacks/{id}/hand-over", "POST"),
    ("/api/v1/callbacks/{id}/revive", "POST"),
    ("/api/v1/colleagues", "GET"),
    ("/api/v1/slots", "GET"),
    ("/api/v1/reports", "POST"),
    ("/api/v1/reports", "GET"),
]
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]


def make_sense(app, body):
    """No schema says which phone numbers there are, or which times are still to come."""
    if not isinstance(body, dict):
        return
    for holder in (body, body.get("customer")):
        if isinstance(holder, dict) and "phone" in holder:
            holder["phone"] = PHONE
    if "starts_at" in body:
        body["starts_at"] = booking(app, 24 * 60)["starts_at"]


@pytest.mark.campaign
@pytest.mark.settings(
    check_limit_per_network="100000/minute",
    check_limit_per_number="100000/minute",
    report_limit_per_network="100000/minute",
)
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize(("path", "method"), CALLS, ids=lambda part: part)
def test_the_server_does_what_its_document_says(app, client, path, method, mode):
    headers = a_token(app)
    if path == "/api/v1/reports":
        headers = a_token(app, "investigator", "ines@example.org")
    made = client.post("/api/v1/callbacks", json=booking(app), headers=a_token(app)).json
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)

    @seed(20261123)
    @settings(
        max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    def agree(case):
        if "id" in case.path_parameters and mode is GenerationMode.POSITIVE:
            case.path_parameters["id"] = made["id"]
        if mode is GenerationMode.POSITIVE:
            make_sense(app, case.body)
        response = case.call(headers=headers)
        case.validate_response(response, checks=AGREEMENT)

    agree()


def test_the_document_names_every_call_of_the_interface(client):
    paths = client.get("/api/openapi.json").json["paths"]
    found = {(path, method.upper()) for path, methods in paths.items() for method in methods}
    assert found == set(CALLS)


def test_the_page_shows_every_call(client):
    page = client.get("/api/docs").text
    for path in client.get("/api/openapi.json").json["paths"]:
        assert path in page

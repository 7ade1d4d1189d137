"""The OpenAPI document is what the server does: random requests from it find no 5xx."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks as st_checks

from tests.channels.support import a_token, booking


@pytest.fixture
def api_schema(app, client):
    headers = a_token(app)
    client.post("/api/v1/callbacks", json=booking(app), headers=headers)
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    app.config["TEST_HEADERS"] = headers
    return schema


schema = schemathesis.pytest.from_fixture("api_schema")


@schema.parametrize()
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_the_server_does_what_its_document_says(case, app):
    response = case.call(headers=app.config["TEST_HEADERS"])
    case.validate_response(
        response,
        excluded_checks=[st_checks.ignored_auth, st_checks.positive_data_acceptance],
    )


def test_the_document_names_every_call_of_the_interface(client):
    paths = client.get("/api/openapi.json").json["paths"]
    assert {(path, method) for path, methods in paths.items() for method in methods} == {
        ("/api/v1/checks", "post"),
        ("/api/v1/callbacks", "post"),
        ("/api/v1/callbacks", "get"),
        ("/api/v1/callbacks/{id}", "get"),
        ("/api/v1/callbacks/{id}", "delete"),
        ("/api/v1/callbacks/{id}/start", "post"),
        ("/api/v1/callbacks/{id}/code", "post"),
        ("/api/v1/callbacks/{id}/end", "post"),
        ("/api/v1/callbacks/{id}/move", "post"),
        ("/api/v1/slots", "get"),
        ("/api/v1/reports", "post"),
        ("/api/v1/reports", "get"),
    }


def test_the_page_shows_every_call(client):
    page = client.get("/api/docs").text
    for path in client.get("/api/openapi.json").json["paths"]:
        assert path in page

"""The API's OpenAPI document, as JSON and as a page."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, Response, current_app, jsonify, render_template
from flask_openapi3 import OpenAPI

bp = Blueprint("api_docs", __name__)

#: The published name of an enumeration whose class has a different name.
_PUBLISHED_NAMES = {
    "CallbackState": "State",
    "CallOutcome": "Outcome",
    "LookupPurpose": "Purpose",
}


@bp.get("/api/openapi.json")
def serve_openapi_document() -> Response:
    """Serve the document."""
    return jsonify(build_openapi_document())


@bp.get("/api/docs")
def show_api_docs() -> str:
    """Render the document for people, without scripts or other sites."""
    spec = build_openapi_document()
    calls = [
        {"path": path, "method": method.upper(), **operation}
        for path, methods in spec["paths"].items()
        for method, operation in methods.items()
    ]
    return render_template("api_docs.html", spec=spec, calls=calls)


def build_openapi_document() -> dict[str, Any]:
    """Build the OpenAPI document as the server answers: with problem documents for errors, and with
    the body limits and rate limits."""
    spec = cast(OpenAPI, current_app).api_doc
    for path, methods in spec["paths"].items():
        for operation in methods.values():
            _add_error_responses(path, operation)
    return spec


def publish_schema_names(spec: dict[str, Any]) -> None:
    """Give the schemas of a document their published names."""
    schemas = spec["components"]["schemas"]
    for name, published in _PUBLISHED_NAMES.items():
        schemas[name]["title"] = published
    spec["components"]["schemas"] = {
        _PUBLISHED_NAMES.get(name, name): schema for name, schema in schemas.items()
    }
    _publish_references(spec)


def _publish_references(part: Any) -> None:
    if isinstance(part, dict):
        path, _, name = str(part.get("$ref", "")).rpartition("/")
        if name in _PUBLISHED_NAMES:
            part["$ref"] = f"{path}/{_PUBLISHED_NAMES[name]}"
        for child in part.values():
            _publish_references(child)
    elif isinstance(part, list):
        for child in part:
            _publish_references(child)


def _add_error_responses(path: str, operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    answers["422"] = _problem_response_schema("The request cannot be used", "InvalidProblem")
    if "requestBody" in operation:
        answers["413"] = _problem_response_schema("The body is too large")
        answers["415"] = _problem_response_schema("The body is not JSON")
    for status, answer in answers.items():
        if int(status) >= 400 and "content" in answer:
            schema = answer["content"].pop("application/json", None)
            if schema and not schema["schema"].get("$ref", "").endswith("CannotCheckOut"):
                answer["content"]["application/problem+json"] = schema
            elif schema:
                answer["content"]["application/json"] = schema
    if path in ("/api/v1/checks", "/api/v1/reports") and operation.get("security") == []:
        answers["429"] = _problem_response_schema("Too many at once")
        answers["429"]["headers"] = {
            "Retry-After": {"schema": {"type": "integer"}, "description": "In seconds"}
        }


def _problem_response_schema(description: str, schema: str = "Problem") -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {
        "description": description,
        "content": {"application/problem+json": {"schema": reference}},
    }

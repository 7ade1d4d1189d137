"""Registers the API with the application."""

from __future__ import annotations

from flask_openapi3 import Info, OpenAPI
from flask_wtf.csrf import CSRFProtect

from channels.api import callbacks, checks, handover, openapi_docs, reports, slots
from channels.api.problem_details import answer_validation_error
from channels.api.schemas import InvalidProblem
from channels.json_provider import JsonProvider

_DESCRIPTION = (
    "Books callbacks, makes them, and checks whether a caller is genuine. Times are RFC 3339 with"
    " an offset; errors are problem documents (RFC 9457)."
)


class Application(OpenAPI):
    """Flask, with requests validated and documented by the API's schemas."""

    json_provider_class = JsonProvider

    def __init__(self, name: str, root_path: str) -> None:
        super().__init__(
            name,
            root_path=root_path,
            info=Info(title="Vouchline API", version="1", description=_DESCRIPTION),
            security_schemes={"bearer": {"type": "http", "scheme": "bearer"}},
            validation_error_model=InvalidProblem,
            validation_error_callback=answer_validation_error,
            doc_ui=False,
        )

    def generate_spec_json(self) -> None:
        super().generate_spec_json()
        openapi_docs.publish_schema_names(self.spec_json)


def register_api(app: Application, csrf: CSRFProtect) -> None:
    """Register the routes under ``/api``. The API reads no cookies, so a forged request gains
    nothing."""
    for part in (checks.bp, callbacks.bp, handover.bp, slots.bp, reports.bp):
        app.register_api(part)
        csrf.exempt(part)
    app.register_blueprint(openapi_docs.bp)

"""Hangs the API onto the application."""

from __future__ import annotations

from flask_openapi3 import Info, OpenAPI
from flask_wtf.csrf import CSRFProtect

from channels.api import callbacks, checks, handover, openapi_docs, reports, slots
from channels.api.problem_details import invalid
from channels.api.schemas import InvalidProblem
from channels.json_provider import Json

_ABOUT = (
    "Books callbacks, makes them, and checks whether a caller is genuine. Times are RFC 3339 with"
    " an offset; errors are problem documents (RFC 9457)."
)


class Application(OpenAPI):
    """Flask, with the API's schemas checked and documented."""

    json_provider_class = Json

    def __init__(self, name: str, root_path: str) -> None:
        super().__init__(
            name,
            root_path=root_path,
            info=Info(title="Vouchline API", version="1", description=_ABOUT),
            security_schemes={"bearer": {"type": "http", "scheme": "bearer"}},
            validation_error_model=InvalidProblem,
            validation_error_callback=invalid,
            doc_ui=False,
        )


def register(app: Application, csrf: CSRFProtect) -> None:
    """Routes under ``/api``. No cookie is looked at here, so there is nothing for a forged
    request to use."""
    for part in (checks.api, callbacks.api, handover.api, slots.api, reports.api):
        app.register_api(part)
        csrf.exempt(part)
    app.register_blueprint(openapi_docs.pages)

"""The REST API under ``/api/v1``. Its OpenAPI document is generated from the schemas that validate
every request."""

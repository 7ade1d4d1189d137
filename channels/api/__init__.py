"""The REST API under ``/api/v1``; its OpenAPI document is made from the same schemas that check
every request."""

"""Telnyx's webhooks: signatures, texts, delivery reports."""

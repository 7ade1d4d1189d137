"""Twilio's webhooks: signatures, texts, calls."""

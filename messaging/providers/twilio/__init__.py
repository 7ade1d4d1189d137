"""Twilio's texts and calls."""

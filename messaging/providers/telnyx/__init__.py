"""Texts by Telnyx."""

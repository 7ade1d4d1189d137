"""The blueprints of Telnyx's webhooks."""

from __future__ import annotations

from channels.telnyx import message_webhooks

WEBHOOKS = (message_webhooks.bp,)

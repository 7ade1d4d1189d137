"""The blueprints of Twilio's webhooks."""

from __future__ import annotations

from channels.twilio import bridge_webhooks, ivr_webhooks, sms_webhooks, voice_message_webhooks

WEBHOOKS = (sms_webhooks.bp, ivr_webhooks.bp, bridge_webhooks.bp, voice_message_webhooks.bp)

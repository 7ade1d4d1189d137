"""Texts: outbox, worker, wording, and the gateways they leave by."""

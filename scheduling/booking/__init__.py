"""Callbacks: booking, rescheduling, handover, retries and look-up."""

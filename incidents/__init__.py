"""Reports of unexpected calls, their triage, and leak tracing."""

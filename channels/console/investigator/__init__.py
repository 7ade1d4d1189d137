"""Pages for investigators: reports, cases, the audit log and leak tracing."""

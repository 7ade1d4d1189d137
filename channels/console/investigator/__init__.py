"""Reports, cases, the audit log and leak tracing."""

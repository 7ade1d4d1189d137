"""Text messages and automatic calls: outbox, workers, templates and providers."""

"""Schema migrations (Alembic); every change of a table comes with one, up and down."""

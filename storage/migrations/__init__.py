"""Schema migrations (Alembic); every change of a table has one, with upgrade and downgrade."""

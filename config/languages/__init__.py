"""Languages: one folder each in ``languages/``, read and checked here."""

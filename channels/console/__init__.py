"""The staff console under ``/staff/``. Each role sees only the pages for its own work."""

"""The staff console under ``/staff/``: each role its own job, and no other's."""

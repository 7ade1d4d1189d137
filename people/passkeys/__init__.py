"""Passkeys of staff (W3C Web Authentication, level 3), by py_webauthn."""

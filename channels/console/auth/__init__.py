"""Sign-in, enrolment and reauthentication."""

"""Members of staff: records, enrolment and sign-in."""

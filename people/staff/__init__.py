"""Staff, how they enrol and sign in."""

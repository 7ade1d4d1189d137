"""Cases that investigators work on, with their evidence, from the first signal to the decision."""

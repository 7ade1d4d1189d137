"""Cases: what investigators work on, with its evidence, from the first sign to the decision."""

"""The simulator: a customer's phone in the browser. Available only while texts are simulated."""

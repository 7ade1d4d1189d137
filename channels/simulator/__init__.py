"""The simulator: a customer's phone in the browser. Only there while texts are simulated."""

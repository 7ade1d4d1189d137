"""What needs two subjects below: changes of numbers and roles, erasure, retention."""

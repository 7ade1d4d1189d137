"""Reports of customers and agents, and what follows from them."""

"""From the first scam call to the likeliest leak: who had seen the customers who report."""

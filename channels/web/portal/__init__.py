"""The customer portal: *My page*."""

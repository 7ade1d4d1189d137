"""The customer's pages: check a call, report a call, *My page*."""

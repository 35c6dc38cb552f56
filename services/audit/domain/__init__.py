"""Accounting periods: months, the sheets that seal their balances, and what may happen to them."""

"""What an accountant reads: balances and statements, from the live rows or recomputed as of a moment."""

"""What an auditor can recompute without trusting us: the chain, the balances, the read models."""

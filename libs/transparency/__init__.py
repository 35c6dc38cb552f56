"""Merkle trees over logs, and signed statements about them: what an outsider needs to check a book offline."""

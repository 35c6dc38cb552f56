"""The book as a transparency log: its Merkle tree, its signed heads, and proofs for outsiders (`libs.transparency`)."""

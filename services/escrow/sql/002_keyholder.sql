-- Reasons and proofs are personal texts: the escrow service seals them, and opens them for its decisions and for people.
grant holdfast_keyholder to holdfast_escrow;

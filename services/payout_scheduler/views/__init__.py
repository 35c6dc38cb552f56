"""Read models: `rows` (sellers, holds, transfers, payouts, work) and `wallets` follow the log, `reads` asks them."""

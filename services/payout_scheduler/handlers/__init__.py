"""What comes in (`incoming`), payouts being started (`payer`), and what both ask of Stripe (`bank`)."""

"""What comes in: messages and the clock (`incoming`), and what people ask for (`requests`)."""

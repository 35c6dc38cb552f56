"""What comes in: messages to keep (`messages`), and months to close (`periods`)."""

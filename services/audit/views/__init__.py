"""What an auditor leafs through, and the read models it is kept in."""

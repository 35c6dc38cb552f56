"""A marketplace's day."""

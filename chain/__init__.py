"""A small blockchain, complete."""

"""Read models in Python, folded from published events; each is bounded and can be rebuilt from the log."""

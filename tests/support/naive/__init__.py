"""The parts of the naive engine: books, state, rules; slow, obvious, and written from ``execution`` alone."""

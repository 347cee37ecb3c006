"""The sandbox that ``make demo`` starts: every real part on one machine, and a story played on it."""

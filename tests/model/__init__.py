"""Long histories in which the compiled engine and the naive one must say the same."""

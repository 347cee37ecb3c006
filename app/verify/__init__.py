"""Known answers against the project's own code: one file per family of vectors."""

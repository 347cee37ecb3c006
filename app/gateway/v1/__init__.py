"""The ``/v1`` surface for platforms and operators: problems of RFC 9457, decimal strings."""

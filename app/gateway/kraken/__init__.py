"""The ``/0`` surface: names, errors, envelope and one file per group of methods (``kraken_api`` specification)."""

"""The gateway: REST under ``/0`` and ``/v1``, sockets at ``/v2``; holds no truth, reads from a replica."""

"""The ``/v2`` socket: who wants what (pure), what the channels say (pure), and the hub that sends it."""

"""Clients as they are installed, against the real doors over loopback."""

"""Which parts there are, and in which order they end: doors first, then who feeds the ledger, the ledger last."""

from typing import Final

PARTS: Final = ("engine", "signer", "link", "projector", "gateway", "house", "customers")
"""What ``python -m app.serve`` runs; the last two are steps of the development set-up, which end by themselves."""

ENDING: Final = (("gateway",), ("link", "projector"), ("signer",), ("engine",), ("node",))


def gateway_name(number: int) -> str:
    """Return the name of a gateway, numbers from 1."""
    return f"gateway-{number}"


def part_of(name: str) -> str:
    """Return which part a process of this name is."""
    return name.partition("-")[0]

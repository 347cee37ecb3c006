"""How the runtime says no: to a call, with a declared error; to an extrinsic, with the texts that clients know."""

from dataclasses import dataclass
from typing import Any, Final

from chain.runtime.declarations import module_error

BAD_PROOF: Final = "Transaction has a bad signature"
STALE: Final = "Transaction is outdated"
ANCIENT_BIRTH: Final = "Transaction has an ancient birth block"
PAYMENT: Final = "Inability to pay some fees (e.g. account balance too low)"
EXHAUSTS: Final = "Transaction would exhaust the block limits"
FUTURE: Final = "Transaction will be valid in the future"

INVALID_TRANSACTION: Final = 1010
UNDECODABLE: Final = 1002

BAD_ORIGIN: Final = "BadOrigin"
CALL_FILTERED: Final = module_error("System", "CallFiltered")


@dataclass(eq=False)
class DispatchFailed(Exception):  # noqa: N818 - it is an answer to a call, not a fault of ours
    """A call said no; ``error`` is the declared ``DispatchError`` value that its event carries."""

    error: Any

    def __str__(self) -> str:
        """Return the error as declared."""
        return str(self.error)


@dataclass(eq=False)
class Inadmissible(Exception):  # noqa: N818 - an answer
    """An extrinsic may neither enter the pool nor stand in a block."""

    data: str
    code: int = INVALID_TRANSACTION
    message: str = "Invalid Transaction"

    def __str__(self) -> str:
        """Return code and texts."""
        return f"{self.code} {self.message}: {self.data}"


def failed(pallet: str, name: str) -> DispatchFailed:
    """Return a pallet's own refusal."""
    return DispatchFailed(module_error(pallet, name))


def token_failed(name: str) -> DispatchFailed:
    """Return a refusal that concerns funds."""
    return DispatchFailed(("Token", name))

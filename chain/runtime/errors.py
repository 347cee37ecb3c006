"""How the runtime says no: a call that fails, an extrinsic that may not be included, a block that is invalid, a broken law."""

from dataclasses import dataclass, field
from typing import Any, Final

BAD_PROOF: Final = "Transaction has a bad signature"
STALE: Final = "Transaction is outdated"
ANCIENT_BIRTH: Final = "Transaction has an ancient birth block"
PAYMENT: Final = "Inability to pay some fees (e.g. account balance too low)"
EXHAUSTS: Final = "Transaction would exhaust the block limits"
FUTURE: Final = "Transaction will be valid in the future"

INVALID_TRANSACTION: Final = 1010
UNDECODABLE: Final = 1002


@dataclass(eq=False)
class DispatchFailed(Exception):  # noqa: N818 - it is an answer to a call, not a fault of ours
    """A call said no; ``error`` is the declared ``DispatchError`` value that its event carries."""

    error: Any

    def __str__(self) -> str:
        return str(self.error)


@dataclass(eq=False)
class Inadmissible(Exception):  # noqa: N818 - an answer
    """An extrinsic may neither enter the pool nor stand in a block; the texts are those clients know."""

    data: str
    code: int = INVALID_TRANSACTION
    message: str = "Invalid Transaction"

    def __str__(self) -> str:
        return f"{self.code} {self.message}: {self.data}"


@dataclass(eq=False)
class InvalidBlock(Exception):  # noqa: N818 - named as in the style guide
    """A block breaks a rule: it must not be voted for."""

    reason: str
    index: int | None = field(default=None)

    def __str__(self) -> str:
        return self.reason if self.index is None else f"extrinsic {self.index}: {self.reason}"


class InvariantBroken(Exception):  # noqa: N818 - named as in the style guide
    """A law of the chain does not hold after our own code ran; nothing may catch this."""

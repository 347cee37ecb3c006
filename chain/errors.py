"""Errors of the chain: families by what happens next, each with a public code that is never renamed."""

from dataclasses import dataclass
from typing import Any


class ChainError(Exception):
    """Whatever the chain raises on purpose; ``code`` is stable and public."""

    code: str = "chain_error"


class Malformed(ChainError):  # noqa: N818 - a family's name
    """Bytes or values of the wrong shape, stopped at the edge; nothing was changed."""

    code = "malformed"


@dataclass(eq=False)
class DecodeError(Malformed):
    """Bytes are not the one valid encoding of a value; ``offset`` is where that was noticed."""

    code: str = "malformed"
    offset: int = 0
    detail: str = ""

    def __str__(self) -> str:
        """Return code, place and detail."""
        return f"{self.code} at byte {self.offset}" + (f": {self.detail}" if self.detail else "")


@dataclass(eq=False)
class EncodeError(Malformed):
    """A Python value does not fit its declared type."""

    type: str
    value: Any
    code: str = "value_does_not_fit"

    def __str__(self) -> str:
        """Return the type and the value, shortened."""
        return f"{self.code}: {self.type} cannot hold {_short(self.value)}"


@dataclass(eq=False)
class TypeUnknown(Malformed):
    """A type text that cannot be parsed or names nothing declared."""

    type: str
    code: str = "type_unknown"

    def __str__(self) -> str:
        """Return the text."""
        return f"{self.code}: {self.type!r}"


@dataclass(eq=False)
class NotDeclared(Malformed):
    """A pallet, item, call, event or error that the declarations do not have."""

    name: str
    code: str = "not_declared"

    def __str__(self) -> str:
        """Return the name."""
        return f"{self.code}: {self.name}"


@dataclass(eq=False)
class AddressInvalid(Malformed):
    """A text that is no SS58 address of the wanted format."""

    reason: str
    code: str = "address_invalid"

    def __str__(self) -> str:
        """Return the reason."""
        return f"{self.code}: {self.reason}"


@dataclass(eq=False)
class KeyInvalid(Malformed):
    """A seed, key or key URI that cannot be used; never shows the secret."""

    reason: str
    code: str = "key_invalid"

    def __str__(self) -> str:
        """Return the reason."""
        return f"{self.code}: {self.reason}"


@dataclass(eq=False)
class InvalidBlock(ChainError):  # noqa: N818 - a family's name
    """A block of someone else breaks a rule; it is dropped and its sender scored."""

    code: str
    detail: str = ""

    def __str__(self) -> str:
        """Return code and detail."""
        return f"{self.code}: {self.detail}" if self.detail else self.code


@dataclass(eq=False)
class PeerMisbehaved(ChainError):  # noqa: N818 - a family's name
    """A peer sent what no honest peer sends."""

    code: str
    detail: str = ""

    def __str__(self) -> str:
        """Return code and detail."""
        return f"{self.code}: {self.detail}" if self.detail else self.code


@dataclass(eq=False)
class InvariantBroken(ChainError):  # noqa: N818 - a family's name
    """Our bug or corrupt data: never caught, the process stops before it spreads."""

    detail: str
    code: str = "invariant_broken"

    def __str__(self) -> str:
        """Return the detail."""
        return f"{self.code}: {self.detail}"


def _short(value: object, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[:limit] + "..."

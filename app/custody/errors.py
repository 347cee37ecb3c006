"""Errors of custody: codes are stable, secrets are never shown."""

from dataclasses import dataclass


class CustodyError(Exception):
    """Whatever custody raises on purpose."""

    code: str = "custody_error"


@dataclass(eq=False)
class SigningRefused(CustodyError):  # noqa: N818 - reads as what happened
    """The signer does not sign this: ``value`` is the offending figure, ``bound`` what is allowed."""

    code: str
    detail: str = ""
    value: int = 0
    bound: int = 0

    def __str__(self) -> str:
        """Return code, detail and figures."""
        figures = f" ({self.value} against {self.bound})" if self.value or self.bound else ""
        return f"{self.code}: {self.detail}{figures}" if self.detail else self.code + figures


@dataclass(eq=False)
class SignerAway(CustodyError):  # noqa: N818 - says what happened
    """The signer's process cannot be reached now: nothing was signed, or what was signed did not arrive.

    Asking again is safe: the signer remembers a job and gives the same bytes.
    """

    detail: str
    code: str = "signer_unavailable"

    def __str__(self) -> str:
        """Return code and detail."""
        return f"{self.code}: {self.detail}"


@dataclass(eq=False)
class SealBroken(CustodyError):  # noqa: N818 - reads as what happened
    """A sealed file cannot be opened: wrong passphrase, wrong format, or changed bytes."""

    code: str
    detail: str = ""

    def __str__(self) -> str:
        """Return code and detail."""
        return f"{self.code}: {self.detail}" if self.detail else self.code


@dataclass(eq=False)
class JournalBroken(CustodyError):  # noqa: N818 - reads as what happened
    """The signer's journal is not what the signer wrote: it must not sign until an operator has looked."""

    line: int
    detail: str
    code: str = "journal_broken"

    def __str__(self) -> str:
        """Return the place and the detail."""
        return f"{self.code}: line {self.line}: {self.detail}"

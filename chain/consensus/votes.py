"""Counting votes of one step of one round, value by value, so that an equivocator cannot hide a quorum."""

from collections.abc import Iterable

from chain.consensus.validators import ValidatorSet

VALUES_PER_VALIDATOR = 3
"""A validator that signs more values than this is ignored from then on; an honest one signs one."""

_UNPROMPTED_VALUES = 2


class Tally:
    """The votes of one type in one round.

    A validator counts for every distinct value it signed, and once in the total of any value: two quorums still share
    an honest validator, and a throw-away vote cannot hide an equivocator's other vote, which others have counted.
    """

    __slots__ = ("_signatures", "_validators")

    def __init__(self, validators: ValidatorSet) -> None:
        self._validators = validators
        self._signatures: dict[bytes, dict[int, bytes]] = {}

    def add(self, index: int, value: bytes, signature: bytes, *, is_known: bool) -> bool:
        """Count a verified vote; return whether it was new.

        ``is_known`` says that a proposal or certificate names the value; only then a validator's third value is kept.
        """
        values = sum(index in signatures for signatures in self._signatures.values())
        signatures = self._signatures.setdefault(value, {})
        if index in signatures or values >= (VALUES_PER_VALIDATOR if is_known else _UNPROMPTED_VALUES):
            if not signatures:
                del self._signatures[value]
            return False
        signatures[index] = signature
        return True

    def add_quorum(self, value: bytes, signatures: Iterable[tuple[int, bytes]]) -> None:
        """Count verified votes that are a quorum together, whatever else their signers signed: those are few."""
        known = self._signatures.setdefault(value, {})
        for index, signature in signatures:
            known.setdefault(index, signature)

    def has_quorum(self, value: bytes) -> bool:
        """Say whether more than two thirds of the power voted for ``value``."""
        return self._validators.is_quorum(self._power(self._signatures.get(value, {}).keys()))

    def has_quorum_of_any(self) -> bool:
        """Say whether more than two thirds of the power voted, for whatever."""
        return self._validators.is_quorum(
            self._power({index for votes in self._signatures.values() for index in votes})
        )

    def quorum_values(self) -> list[bytes]:
        """Return the values that have a quorum, ascending."""
        return sorted(value for value in self._signatures if self.has_quorum(value))

    def signatures(self, value: bytes) -> tuple[tuple[int, bytes], ...]:
        """Return the votes for ``value`` as ``(index, signature)``, ascending: what a certificate is made of."""
        return tuple(sorted(self._signatures.get(value, {}).items()))

    def _power(self, indices: Iterable[int]) -> int:
        return sum(self._validators.power(index) for index in indices)

"""The letters that stand for subnets' tokens, one after the other by number."""

from typing import Final

_LAST: Final = "\N{MATHEMATICAL ITALIC SMALL TAU}"
"""For a number that no letter is left for."""
_ALPHABETS: Final = (
    (0x03B1, 0x03C2),
    (0x03C3, 0x03CA),
    (0x05D0, 0x05EB),
    (0x16A0, 0x16EB),
    (0x10D0, 0x10F1),
)
"""Greek without the final sigma, Hebrew, runes, Georgian: first letter, and the one behind the last."""
_LETTERS: Final = tuple(chr(code) for first, end in _ALPHABETS for code in range(first, end))


def symbol_of(netuid: int) -> str:
    """Return a subnet's symbol; root has the capital tau."""
    if netuid == 0:
        return "\N{GREEK CAPITAL LETTER TAU}"
    return _LETTERS[netuid - 1] if netuid <= len(_LETTERS) else _LAST

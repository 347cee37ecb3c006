"""Ids of orders, trades, ledger entries and transfers: a letter and 16 characters, made from a seq of the log.

The map is a multiplication modulo 36**16 by a number that shares no factor with it, so it is reversible, needs no
table, and a text somebody made up almost never names anything.
"""

from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ORDER: Final = "O"
TRADE: Final = "T"
LEDGER: Final = "L"
WITHDRAWAL: Final = "W"
DEPOSIT: Final = "D"

_LENGTH: Final = 16
_MODULUS: Final = 36**_LENGTH
_FACTOR: Final = 5_870_261_938_457_120_663_529_031
_INVERSE: Final = pow(_FACTOR, -1, _MODULUS)
_SEQ_MAX: Final = 2**63 - 1
_HALF: Final = 36 ** (_LENGTH // 2)
_PAIR: Final = 36**2
_PAIRS: Final = [first + second for first in ALPHABET for second in ALPHABET]
_VALUES: Final = {character: value for value, character in enumerate(ALPHABET)}
_TEXT_LENGTH: Final = _LENGTH + 3
_DASHES: Final = (6, 12)


def encode_id(letter: str, seq: int) -> str:
    """Return the id of a seq, 1 to 2**63 - 1: the letter, then 5, 5 and 6 characters parted by dashes."""
    # Halves fit into a machine word, and two characters come out of a table at once.
    high, low = divmod(seq * _FACTOR % _MODULUS, _HALF)
    high, fourth = divmod(high, _PAIR)
    high, third = divmod(high, _PAIR)
    first, second = divmod(high, _PAIR)
    low, eighth = divmod(low, _PAIR)
    low, seventh = divmod(low, _PAIR)
    fifth, sixth = divmod(low, _PAIR)
    pair = _PAIRS
    text = (
        pair[first]
        + pair[second]
        + pair[third]
        + pair[fourth]
        + pair[fifth]
        + pair[sixth]
        + pair[seventh]
        + pair[eighth]
    )
    return f"{letter}{text[:5]}-{text[5:10]}-{text[10:]}"


def decode_id(letter: str, text: str) -> int | None:
    """Return the seq behind an id of this letter, or None for a text that is none."""
    if len(text) != _TEXT_LENGTH or text[0] != letter or any(text[at] != "-" for at in _DASHES):
        return None
    number = 0
    for character in text[1:6] + text[7:12] + text[13:]:
        value = _VALUES.get(character)
        if value is None:
            return None
        number = number * 36 + value
    seq = number * _INVERSE % _MODULUS
    return seq if 1 <= seq <= _SEQ_MAX else None

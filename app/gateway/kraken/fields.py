"""The fields of a request body or query, form or JSON alike, as text by name (``kraken_api`` section 1).

Nested values get bracket names, ``close[price]`` or ``orders[0][price]``, in both encodings. Numbers of a JSON body
keep the very text that was sent: no amount passes through a float. Unknown fields are kept and ignored.
"""

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from amm.errors import AmmError, AmountOutOfRange, MalformedAmount, TooManyDecimals
from amm.units import format_decimal, parse_decimal
from app.gateway.kraken.errors import Refused, invalid_argument

FIELDS_MAX: Final = 500
DEPTH_MAX: Final = 8
VALUE_SHOWN_MAX: Final = 64

_TRUE: Final = frozenset({"true", "True", "TRUE", "1"})
_FALSE: Final = frozenset({"false", "False", "FALSE", "0", ""})
_INT32_MAX: Final = 2**31 - 1

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array = msgspec.json.Decoder(list[msgspec.Raw])
_string = msgspec.json.Decoder(str)


class Malformed(ValueError):  # noqa: N818 - named as style.md names the family
    """The bytes are neither a form nor a JSON object; the text says why."""


def parse_form(raw: bytes | str) -> dict[str, str]:
    """Return the fields of a form or query string.

    Raises ``Malformed`` for bytes that are not UTF-8, too many fields, or one name with two values (but ``name[]``, a
    list, which is joined by commas).
    """
    try:
        text = raw if isinstance(raw, str) else raw.decode()
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
    except ValueError as error:
        raise Malformed(str(error)[:VALUE_SHOWN_MAX]) from error
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name not in fields:
            fields[name] = value
        elif name.endswith("[]"):
            fields[name] += f",{value}"
        elif fields[name] != value:
            raise Malformed(f"two values for {name[:VALUE_SHOWN_MAX]}")
    return fields


def parse_json(raw: bytes) -> dict[str, str]:
    """Return the fields of a JSON object, flattened; raises ``Malformed``."""
    try:
        members = _object.decode(raw)
        fields: dict[str, str] = {}
        for name, value in members.items():
            _flatten(name, bytes(value), fields, depth=0)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed(str(error)[:VALUE_SHOWN_MAX]) from error
    return fields


def _flatten(name: str, raw: bytes, fields: dict[str, str], *, depth: int) -> None:
    raw = raw.strip()
    if len(fields) >= FIELDS_MAX or depth > DEPTH_MAX:
        raise Malformed("too many or too deeply nested fields")
    first = raw[:1]
    if first == b"{":
        for member, value in _object.decode(raw).items():
            _flatten(f"{name}[{member}]", bytes(value), fields, depth=depth + 1)
    elif first == b"[":
        for position, value in enumerate(_array.decode(raw)):
            _flatten(f"{name}[{position}]", bytes(value), fields, depth=depth + 1)
    elif first == b'"':
        fields[name] = _string.decode(raw)
    elif raw != b"null":
        fields[name] = raw.decode()


def parse_body(raw: bytes, content_type: str) -> dict[str, str]:
    """Return the fields of a body by its content type; a body that opens with a brace is JSON whatever it says."""
    if "json" in content_type.lower() or raw[:1] == b"{":
        return parse_json(raw)
    return parse_form(raw)


def parse_flag(text: str) -> bool | None:
    """Return a boolean word as Python and JavaScript clients write it, None for another text."""
    if text in _TRUE:
        return True
    return False if text in _FALSE else None


class Fields(Mapping[str, str]):
    """Typed access to the fields of one request; each refusal names the field and its value."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def text(self, name: str, default: str = "") -> str:
        """Return a text without surrounding blanks, or the default where it is missing or empty."""
        return self._values.get(name, "").strip() or default

    def required(self, name: str) -> str:
        """Return a text that must be there."""
        value = self.text(name)
        if not value:
            raise invalid_argument(name, "", code="missing_field")
        return value

    def flag(self, name: str) -> bool:
        """Return a boolean; absent means no."""
        value = self._values.get(name, "")
        known = parse_flag(value)
        if known is None:
            raise invalid_argument(name, value)
        return known

    def words(self, name: str) -> list[str]:
        """Return a comma list or an array without its empty parts."""
        listed = [self._values[key] for key in self._values if key == name or key.startswith(f"{name}[")]
        return [word.strip() for text in listed for word in text.split(",") if word.strip()]

    def integer(self, name: str, default: int, *, smallest: int = 0, largest: int = _INT32_MAX) -> int:
        """Return a decimal integer within bounds, or the default where it is missing."""
        value = self.text(name)
        if not value:
            return default
        digits = value.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
            raise invalid_argument(name, value)
        number = int(value)
        if not smallest <= number <= largest:
            raise invalid_argument(name, value, code="out_of_range", bound=f"{smallest} to {largest}")
        return number

    def amount(self, name: str, *, decimals: int, largest: int) -> int:
        """Return a required positive decimal as an integer of its last decimal."""
        value = self.required(name)
        try:
            return parse_decimal(value, decimals=decimals, smallest=1, largest=largest)
        except AmmError as error:
            raise amount_refusal(name, value, error, decimals=decimals) from error


def amount_refusal(name: str, value: str, error: AmmError, *, decimals: int) -> Refused:
    """Return the refusal of an amount that is no number, too fine, or out of range; ``decimals`` it may have."""
    bound = ""
    if isinstance(error, TooManyDecimals):
        bound = f"at most {error.decimals_max} decimals"
    elif isinstance(error, AmountOutOfRange):
        bound = (
            "more than zero"
            if error.amount <= 0
            else f"at most {format_decimal(error.largest, decimals=decimals, trim=True)}"
        )
    elif isinstance(error, MalformedAmount):
        bound = "plain decimal digits"
    return invalid_argument(name, value, code=error.code, bound=bound)

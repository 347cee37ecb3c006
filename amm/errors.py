"""What the pool arithmetic refuses, each refusal with a stable code and its figures."""

from dataclasses import dataclass
from typing import ClassVar


class AmmError(ValueError):
    """Base of every refusal of this package; ``code`` is public and never renamed."""

    code: ClassVar[str]


@dataclass(eq=False)
class MalformedAmount(AmmError):  # noqa: N818 - named as the refusal is named everywhere
    """The text is not a plain decimal number: a sign, an exponent, a space or a stray character."""

    code: ClassVar[str] = "malformed_amount"
    text: str


@dataclass(eq=False)
class TooManyDecimals(AmmError):  # noqa: N818 - see above
    """The text has more decimals than the unit has."""

    code: ClassVar[str] = "too_many_decimals"
    text: str
    decimals_max: int


@dataclass(eq=False)
class AmountOutOfRange(AmmError):  # noqa: N818 - see above
    """The amount lies outside the bounds of its place; both bounds are allowed values."""

    code: ClassVar[str] = "amount_out_of_range"
    amount: int
    smallest: int
    largest: int


class SwapRefused(AmmError):  # noqa: N818 - see above
    """A swap the pool does not make; the leaves carry the chain's names."""


@dataclass(eq=False)
class SwapInputTooLarge(SwapRefused):
    """The net input is above 1 000 times the input reserve."""

    code: ClassVar[str] = "swap_input_too_large"
    net: int
    largest: int


@dataclass(eq=False)
class ReservesTooLow(SwapRefused):
    """The output reserve is below the minimum, or a positive input would bring nothing."""

    code: ClassVar[str] = "reserves_too_low"
    reserve_out: int


@dataclass(eq=False)
class PriceLimitExceeded(SwapRefused):
    """The price has passed the limit before the swap begins."""

    code: ClassVar[str] = "price_limit_exceeded"
    price_bits: int
    limit_bits: int


@dataclass(eq=False)
class InsufficientLiquidity(SwapRefused):
    """The payout would be more than the output reserve."""

    code: ClassVar[str] = "insufficient_liquidity"
    amount_out: int
    reserve_out: int


@dataclass(eq=False)
class WeightOutOfRange(AmmError):  # noqa: N818 - see above
    """One of the two weights would be below one percent."""

    code: ClassVar[str] = "weight_out_of_range"
    weight: int

"""What the engine asks of the pool arithmetic: the mirror, the gates that hold for a head, values at its price."""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.fixed_point import AMOUNT_LIMIT, ZERO, mul_div_floor, mul_three, signed, unsigned
from amm.kernel_cache import kernel
from amm.pool import OK, spot_bits
from amm.shares import cap
from amm.steps import mirror
from ledger.engine.layout import Gate
from ledger.engine.parameters import (
    FUNDED_CAPS,
    MIN_RESERVE,
    POSITION_CAPS,
    SPEC_VERSIONS,
    WEIGHT_MAX,
    WEIGHT_MIN,
)
from ledger.engine.state import Row, State

RAO = 10**9
SATURATED = 2**63 - 1


@kernel
def mirror_of(market: Row, pending: int) -> tuple[int, int]:
    """Return the head pool with ``pending`` alpha bought (positive) or sold on it; ``(0, 0)`` where that is refused."""
    if market["pool_height"] == 0:
        return 0, 0
    status, tao, alpha = mirror(market["head_tao"], market["head_alpha"], market["weight"], pending)
    if status != OK:
        return 0, 0
    return tao, alpha


@kernel
def index_price(market: Row) -> int:
    """Return the mean of the spot prices at the last five heads, rounded down; 0 before the first."""
    heads = market["spots"]
    if heads == 0:
        return 0
    # Parts and remainders apart: five prices near the top of the type would leave it.
    whole = (
        market["spot_0"] // heads
        + market["spot_1"] // heads
        + market["spot_2"] // heads
        + market["spot_3"] // heads
        + market["spot_4"] // heads
    )
    rest = (
        market["spot_0"] % heads
        + market["spot_1"] % heads
        + market["spot_2"] % heads
        + market["spot_3"] % heads
        + market["spot_4"] % heads
    )
    return whole + rest // heads


@kernel
def pending_of(market: Row, held: int) -> int:
    """Return the net alpha between us and the chain when the market's house account holds ``held`` alpha."""
    return market["target"] - held + market["block_pending"] + market["firm_pending"]


@kernel
def value_at(price: int, alpha: int) -> int:
    """Return alpha (0 or more) valued at a price, rao of TAO, rounded down and saturating."""
    value = mul_div_floor(alpha, price, RAO)
    return value if value >= 0 else SATURATED


@kernel
def value_at_head(market: Row, alpha: int) -> int:
    """Return alpha (0 or more) valued at the exact price of the head pool, rao of TAO, rounded down and saturating."""
    high, low = spot_bits(market["head_tao"], market["head_alpha"], market["weight"])
    top, value, _ = mul_three(high, low, unsigned(alpha))
    return signed(value) if top == ZERO and value < AMOUNT_LIMIT else SATURATED


@kernel
def window_cap(market: Row) -> int:
    """Return the cap of a window that opens on the market's head pool, rao."""
    return max(cap(market["k_ppm"], market["rate"], market["head_tao"]), 0)


@kernel
def spec_is_known(version: int) -> bool:
    """Tell whether the chain's arithmetic of this version was reviewed."""
    return version in SPEC_VERSIONS


@kernel
def head_gates(state: State, market: Row) -> int:
    """Return the gates that hold until the next head, without funding and mirror."""
    gates = 0
    if market["calm"] > 0:
        gates |= Gate.JUMP.value
    if not WEIGHT_MIN <= market["weight"] <= WEIGHT_MAX:
        gates |= Gate.WEIGHT.value
    if not spec_is_known(state.scalars[0]["spec"]):
        gates |= Gate.SPEC.value
    if market["closed"] or market["pool_height"] != state.scalars[0]["head"]:
        gates |= Gate.CLOSED.value
    if market["head_tao"] < MIN_RESERVE or market["head_alpha"] < MIN_RESERVE:
        gates |= Gate.RESERVE.value
    return gates


@kernel
def is_funded(market: Row, cap_rao: int, caps_rao: int, house_tao: int) -> bool:
    """Tell whether the target is worth four caps of the market, and the house TAO four caps of all markets."""
    return value_at(market["spot"], market["target"]) >= FUNDED_CAPS * cap_rao and house_tao >= FUNDED_CAPS * caps_rao


@kernel
def is_beyond_position(market: Row, need: int) -> bool:
    """Tell whether the house position, valued at spot, is beyond its limit."""
    return value_at(market["spot"], abs(need)) > POSITION_CAPS * market["cap"]

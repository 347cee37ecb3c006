"""How much is emitted and how it is split: block emission, subnet shares, injection terms, alpha split, moving price.

Pure arithmetic of ``economics`` sections 2 and 3; every division rounds down, so what is lost is simply not emitted
(TAO) or stays unassigned in ``alpha_out`` (alpha).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chain.runtime.fixed_point import (
    ONE_Q32,
    ONE_Q64,
    U64_MAX,
    div_q32,
    div_q64,
    mul_q32,
    mul_q64,
    ratio_u16_q32,
    ratio_u64_q32,
)

SUPPLY_MAX: Final = 21_000_000 * 10**9
"""Rao of TAO, and of each subnet's alpha, that will ever exist."""
OWNER_CUT: Final = 11_796
"""Parts of 65 535 of a subnet's emission that go to its owner: 18 %."""
TAO_WEIGHT: Final = 971_718_665_099_567_868
"""Parts of 2^64 - 1: how much a rao of root stake counts against a rao of alpha."""
MOVING_ALPHA_Q32: Final = 12_885
EMA_HALVING: Final = 201_600

_BLOCK_EMISSION: Final = 10**9


def block_emission(issuance: int) -> int:
    """Return what one block emits, rao, at this issuance: 1 whole unit, halved whenever half of the rest is out."""
    if issuance >= SUPPLY_MAX:
        return 0
    rest = ONE_Q32 - (issuance << 32) // SUPPLY_MAX
    if rest <= 0:
        return 0
    halvings = ((1 << 64) // rest).bit_length() - 33
    return (ONE_Q32 >> halvings) * _BLOCK_EMISSION >> 32


def price_shares(moving_price_q32: Sequence[int], burned_q32: Sequence[int]) -> list[int]:
    """Return each subnet's share of the block as Q64: its moving price, less its miners' withheld part."""
    widened = [price << 32 for price in moving_price_q32]
    total = sum(widened)
    shares = [div_q64(price, total) for price in widened]
    kept = [
        mul_q64(share, ONE_Q64 - (min(burned, ONE_Q32) << 32)) for share, burned in zip(shares, burned_q32, strict=True)
    ]
    kept_total = sum(kept)
    return [div_q64(value, kept_total) for value in kept] if kept_total > 0 else shares


def tao_emissions(shares_q64: Sequence[int], enabled: Sequence[bool], emission: int) -> list[int]:
    """Return each subnet's TAO as Q32; a disabled subnet gets none, and the others share its part."""
    if not all(enabled):
        total = sum(share for share, on in zip(shares_q64, enabled, strict=True) if on)
        shares_q64 = [div_q64(share, total) if on else 0 for share, on in zip(shares_q64, enabled, strict=True)]
    return [mul_q64(emission << 64, share) >> 32 for share in shares_q64]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a subnet gets in one block, Q32 rao: for the pool, for its participants, and TAO that buys alpha."""

    tao_in: int
    alpha_in: int
    alpha_out: int
    excess: int


def subnet_terms(*, tao_q32: int, alpha_emission: int, price_q32: int, root_proportion_q32: int) -> Terms:
    """Return a subnet's terms: alpha goes in at the pool's price, but never above root's part of the alpha emission."""
    alpha_out = alpha_emission << 32
    alpha_in, tao_in = div_q32(tao_q32, price_q32), tao_q32
    cap = mul_q32(root_proportion_q32, alpha_out)
    if alpha_in > cap:
        alpha_in = cap
        tao_in = mul_q32(alpha_in, price_q32)
    return Terms(tao_in, alpha_in, alpha_out, max(tao_q32 - tao_in, 0))


def root_proportion(*, root_tao: int, alpha_issuance: int, tao_weight: int = TAO_WEIGHT) -> int:
    """Return root's part of a subnet as Q32: weighted root TAO against it and all alpha."""
    weighted = mul_q32(root_tao << 32, ratio_u64_q32(tao_weight))
    return div_q32(weighted, weighted + (alpha_issuance << 32))


@dataclass(frozen=True, slots=True)
class Split:
    """The parts of a subnet's alpha emission, Q32 rao."""

    owner_cut: int
    server: int
    validator: int
    root: int


def split_alpha_out(
    alpha_out_q32: int, *, root_proportion_q32: int, owner_cut: int = OWNER_CUT, owner_cut_enabled: bool = True
) -> Split:
    """Return owner's cut, then half to the miners, half of root's part to root, the rest to validators."""
    cut = mul_q32(alpha_out_q32, ratio_u16_q32(owner_cut)) if owner_cut_enabled else 0
    rest = alpha_out_q32 - cut
    half = ONE_Q32 // 2
    root = mul_q32(mul_q32(root_proportion_q32, rest), half)
    server = mul_q32(rest, half)
    return Split(cut, server, rest - server - root, root)


def moving_price(
    *,
    moving_q32: int,
    price_q64: int,
    blocks_since_start: int,
    halving: int = EMA_HALVING,
    alpha_q32: int = MOVING_ALPHA_Q32,
) -> int:
    """Return the next moving price as Q32: a slow average of the spot price, which counts as 1 at most."""
    weight = mul_q64(alpha_q32 << 32, div_q64(blocks_since_start << 64, (blocks_since_start + halving) << 64))
    return (mul_q64(weight, min(price_q64, ONE_Q64)) + mul_q64(ONE_Q64 - weight, moving_q32 << 32)) >> 32


def blocks_until_epoch(*, last_epoch_block: int, tempo: int, block: int) -> int:
    """Return how many blocks are left; 2^64 - 1 for a subnet that has no epochs."""
    return max(last_epoch_block + tempo - block, 0) if tempo else U64_MAX


def hotkey_take(*, take: int, dividend_q32: int) -> tuple[int, int]:
    """Return what a hotkey's owner and its nominators get of a dividend, rao, both rounded down."""
    taken = mul_q32(ratio_u16_q32(take), dividend_q32)
    return taken >> 32, (dividend_q32 - taken) >> 32


def dividend_distribution(
    *,
    pending_validator: int,
    pending_root: int,
    tao_weight_q32: int,
    stakes: Sequence[tuple[int, int]],
    dividends: Sequence[int],
) -> tuple[list[int], list[int]]:
    """Return alpha and root dividends of each hotkey, Q32 rao.

    ``stakes`` are (alpha, root) in rao. Each dividend is parted by what the two kinds of stake weigh; then each kind
    shares its pot.
    """
    alpha_parts, root_parts = list[int](), list[int]()
    for (alpha, root), dividend in zip(stakes, dividends, strict=True):
        weighted = mul_q32(root << 32, tao_weight_q32)
        root_part = mul_q32(dividend << 32, div_q32(weighted, (alpha << 32) + weighted))
        root_parts.append(root_part)
        alpha_parts.append((dividend << 32) - root_part)
    return _share(alpha_parts, pending_validator), _share(root_parts, pending_root)


def _share(parts: Sequence[int], pot: int) -> list[int]:
    total = sum(parts)
    return [mul_q32(div_q32(part, total), pot << 32) for part in parts]

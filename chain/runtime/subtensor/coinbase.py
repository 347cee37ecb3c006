"""What every block does before any extrinsic: mint TAO into the pools, emit alpha, and follow the prices.

The order within a block is observable and follows ``economics`` section 3: terms of all subnets first, then injection
subnet by subnet in ascending order (new weight, purchase with the excess on the old reserves, then the reserves grow),
then the split of the alpha, the moving prices, and the epochs that are due.
"""

from typing import Final

from amm import reference as amm
from amm.errors import WeightOutOfRange
from chain.keys import subnet_account
from chain.runtime import balances, items
from chain.runtime.context import Context
from chain.runtime.errors import DispatchFailed
from chain.runtime.fixed_point import ONE_Q32, add_u64, sub_u64, to_rao_q32
from chain.runtime.state import Overlay, State
from chain.runtime.subtensor import children, emission, epochs, pools, root_claims, subnets
from chain.runtime.subtensor.emission import SUPPLY_MAX, Terms
from chain.runtime.subtensor.pools import ROOT_NETUID

_RECORDED: Final = "SubtensorModule.TotalIssuance"
_TOTAL_STAKE: Final = "SubtensorModule.TotalStake"
_MOVING: Final = "SubtensorModule.SubnetMovingPrice"
_TAO_PER_BLOCK: Final = "SubtensorModule.SubnetTaoInEmission"
_ALPHA_PER_BLOCK: Final = "SubtensorModule.SubnetAlphaInEmission"
_OUT_PER_BLOCK: Final = "SubtensorModule.SubnetAlphaOutEmission"
_PROTOCOL_ALPHA: Final = "SubtensorModule.SubnetProtocolAlpha"


def run_coinbase(context: Context) -> None:
    """Emit one block's TAO and alpha, run the epochs that are due, follow the prices and claim for root."""
    overlay = context.overlay
    eligible = subnets.eligible(overlay)
    _emit_tao(context, eligible)
    _emit_alpha(overlay, eligible)
    epochs.run_due_epochs(context)
    _update_moving_prices(overlay, eligible, context.number)
    for netuid in overlay.get(f"{items.PRIVATE}.Epochs"):
        children.activate_pending(overlay, netuid, context.number)
    root_claims.run_auto_claims(context)


def block_emission_of(overlay: Overlay | State) -> int:
    """Return the TAO that this block may mint, in rao."""
    minted = emission.block_emission(overlay.get(_RECORDED))
    return min(minted, max(SUPPLY_MAX - balances.issuance_rao(overlay), 0))


def _emit_tao(context: Context, eligible: list[int]) -> None:
    """Mint the block's TAO into the pools; what no subnet takes is never minted."""
    overlay = context.overlay
    credit = block_emission_of(overlay)
    if overlay.get("SubtensorModule.BlockEmission") != credit:
        overlay.put("SubtensorModule.BlockEmission", credit)
    moving = [max(overlay.get(_MOVING, netuid)["bits"], 0) for netuid in eligible]
    burned = [overlay.get(f"{items.PRIVATE}.MinerBurned", netuid) for netuid in eligible]
    enabled = [overlay.get(f"{items.PRIVATE}.EmissionEnabled", netuid) for netuid in eligible]
    shares = emission.price_shares(moving, burned)
    tao_q32 = emission.tao_emissions(shares, enabled, credit)
    terms = [_terms_of(overlay, netuid, tao) for netuid, tao in zip(eligible, tao_q32, strict=True)]
    left = credit
    for netuid, term in zip(eligible, terms, strict=True):
        left -= _inject(context, netuid, term, left)


def _terms_of(overlay: Overlay, netuid: int, tao_q32: int) -> Terms:
    issuance = pools.alpha_issuance(overlay, netuid)
    return emission.subnet_terms(
        tao_q32=tao_q32,
        alpha_emission=emission.block_emission(issuance),
        price_q32=pools.price_q64(overlay, netuid) >> 32,
        root_proportion_q32=emission.root_proportion(root_tao=_root_tao(overlay), alpha_issuance=issuance),
    )


def _inject(context: Context, netuid: int, terms: Terms, credit: int) -> int:
    """Let one subnet's pool grow at an unchanged price and return the TAO minted for it, excess included."""
    overlay = context.overlay
    tao_in, alpha_in, excess = to_rao_q32(terms.tao_in), to_rao_q32(terms.alpha_in), to_rao_q32(terms.excess)
    try:
        weight = amm.inject(pools.pool_of(overlay, netuid), tao=tao_in, alpha=alpha_in).weight
    except WeightOutOfRange:
        tao_in = alpha_in = 0
    else:
        pools.set_weight(overlay, netuid, weight)
    minted = 0
    if 0 < excess <= credit:
        _mint(context, netuid, excess)
        minted += excess
        _buy_for_protocol(overlay, netuid, excess)
    pools.add_reserves(overlay, netuid, alpha=alpha_in)
    if 0 < tao_in <= credit - minted:
        _mint(context, netuid, tao_in)
        minted += tao_in
        pools.add_reserves(overlay, netuid, tao=tao_in)
        overlay.put(_TOTAL_STAKE, add_u64(overlay.get(_TOTAL_STAKE), tao_in))
    overlay.put(_TAO_PER_BLOCK, netuid, add_u64(tao_in, excess))
    overlay.put(_ALPHA_PER_BLOCK, netuid, alpha_in)
    overlay.put(_OUT_PER_BLOCK, netuid, to_rao_q32(terms.alpha_out))
    return minted


def _mint(context: Context, netuid: int, tao: int) -> None:
    overlay = context.overlay
    balances.change_free(context, subnet_account(netuid), tao)
    balances.change_issuance(overlay, tao)
    overlay.put(_RECORDED, overlay.get(_RECORDED) + tao)


def _buy_for_protocol(overlay: Overlay, netuid: int, tao: int) -> None:
    """Buy alpha that nobody holds; where the pool refuses, the TAO stays in the subnet's account."""
    try:
        bought = pools.buy(overlay, netuid, tao, drop_fees=True).amount_out
    except DispatchFailed:
        return
    overlay.put(_PROTOCOL_ALPHA, netuid, add_u64(overlay.get(_PROTOCOL_ALPHA, netuid), bought))


def _emit_alpha(overlay: Overlay, eligible: list[int]) -> None:
    """Emit each subnet's alpha into the buckets that its next epoch empties."""
    prices = sum(max(overlay.get(_MOVING, netuid)["bits"], 0) for netuid in eligible)
    for netuid in eligible:
        alpha = overlay.get(_OUT_PER_BLOCK, netuid)
        pools.change_alpha_out(overlay, netuid, alpha)
        proportion = emission.root_proportion(
            root_tao=_root_tao(overlay), alpha_issuance=pools.alpha_issuance(overlay, netuid)
        )
        split = emission.split_alpha_out(alpha << 32, root_proportion_q32=proportion)
        root = to_rao_q32(split.root)
        _add_to(overlay, epochs.PENDING_OWNER, netuid, to_rao_q32(split.owner_cut))
        _add_to(overlay, epochs.PENDING_SERVER, netuid, to_rao_q32(split.server))
        _add_to(overlay, epochs.PENDING_VALIDATOR, netuid, to_rao_q32(split.validator))
        if prices > ONE_Q32:
            _add_to(overlay, epochs.PENDING_ROOT, netuid, root)
        else:
            pools.change_alpha_out(overlay, netuid, -root)


def _add_to(overlay: Overlay, item: str, netuid: int, amount: int) -> None:
    if amount:
        overlay.put(item, netuid, add_u64(overlay.get(item, netuid), amount))


def _update_moving_prices(overlay: Overlay, eligible: list[int], block: int) -> None:
    for netuid in eligible:
        started = overlay.get("SubtensorModule.FirstEmissionBlockNumber", netuid)
        old = overlay.get(_MOVING, netuid)["bits"]
        new = emission.moving_price(
            moving_q32=old,
            price_q64=pools.price_q64(overlay, netuid),
            blocks_since_start=sub_u64(block, sub_u64(started, 1)),
        )
        if new != old:
            overlay.put(_MOVING, netuid, {"bits": new})


def _root_tao(overlay: Overlay) -> int:
    tao: int = overlay.get("SubtensorModule.SubnetTAO", ROOT_NETUID)
    return tao

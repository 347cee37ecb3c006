"""The subnets that a development chain begins with: different enough that every rule of the pools is met."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chain.keys import subnet_account
from chain.runtime import items
from chain.runtime.genesis_accounts import endow
from chain.runtime.state import Overlay
from chain.runtime.subtensor import mechanisms, pools, positions, subnets
from chain.runtime.subtensor.pools import DYNAMIC, ROOT_NETUID

TAO: Final = 10**9
_MODULE: Final = "SubtensorModule"
_UIDS_MAX: Final = 256
_ROOT_UIDS_MAX: Final = 64
_START_BURN: Final = TAO


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetPlan:
    """One subnet at genesis; reserves and outstanding alpha in rao, the weight of TAO in parts of 10^18.

    ``weights_interval`` is how many blocks a validator waits between two settings of its weights; with
    ``commit_reveal`` it has to commit to them first. ``mechanisms`` is the number of incentive tables.
    """

    netuid: int
    name: str
    symbol: str
    tao: int
    alpha: int
    staked: int
    weight: int = 10**18 // 2
    tempo: int = 20
    weights_interval: int = 10
    yuma3: bool = True
    liquid_alpha: bool = False
    commit_reveal: bool = False
    mechanisms: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """A position at genesis: whose, under which hotkey, and how many parts of a thousand of the subnet's stake."""

    hotkey: bytes
    coldkey: bytes
    parts: int


DEV_SUBNETS: Final = (
    SubnetPlan(
        netuid=1,
        name="apex",
        symbol="\N{GREEK SMALL LETTER ALPHA}",
        tao=100_000 * TAO,
        alpha=2_000_000 * TAO,
        staked=1_500_000 * TAO,
    ),
    SubnetPlan(
        netuid=2,
        name="omron",
        symbol="\N{GREEK SMALL LETTER BETA}",
        tao=12_000 * TAO,
        alpha=600_000 * TAO,
        staked=800_000 * TAO,
        yuma3=False,
    ),
    SubnetPlan(
        netuid=3,
        name="thin",
        symbol="\N{GREEK SMALL LETTER GAMMA}",
        tao=50 * TAO,
        alpha=10_000 * TAO,
        staked=40_000 * TAO,
    ),
    SubnetPlan(
        netuid=4,
        name="targon",
        symbol="\N{GREEK SMALL LETTER DELTA}",
        tao=6_000 * TAO,
        alpha=150_000 * TAO,
        staked=300_000 * TAO,
        weight=42 * 10**16,
        liquid_alpha=True,
    ),
    SubnetPlan(
        netuid=5,
        name="chutes",
        symbol="\N{GREEK SMALL LETTER EPSILON}",
        tao=30_000 * TAO,
        alpha=400_000 * TAO,
        staked=900_000 * TAO,
        weight=57 * 10**16,
        mechanisms=2,
    ),
    SubnetPlan(
        netuid=6,
        name="scarce",
        symbol="\N{GREEK SMALL LETTER ZETA}",
        tao=9_000 * TAO,
        alpha=6_000 * TAO,
        staked=20_000 * TAO,
        commit_reveal=True,
    ),
)


def add_root(overlay: Overlay, *, validators: Sequence[tuple[bytes, bytes]], stake_each: int) -> None:
    """Create the root network with these ``(hotkey, coldkey)`` as validators; their stake is TAO one to one."""
    total = stake_each * len(validators)
    _add_network(overlay, ROOT_NETUID, symbol="\N{GREEK CAPITAL LETTER TAU}", tempo=100, uids_max=_ROOT_UIDS_MAX)
    overlay.put(f"{_MODULE}.SubnetMechanism", ROOT_NETUID, 0)
    overlay.put(f"{_MODULE}.SubnetTAO", ROOT_NETUID, total)
    overlay.put(f"{_MODULE}.SubnetAlphaOut", ROOT_NETUID, total)
    _fund_pot(overlay, ROOT_NETUID, total)
    for hotkey, coldkey in validators:
        positions.increase(overlay, hotkey, coldkey, ROOT_NETUID, stake_each)


def add_subnet(
    overlay: Overlay,
    plan: SubnetPlan,
    *,
    owner: tuple[bytes, bytes],
    validators: Sequence[bytes],
    miners: Sequence[bytes],
    stakes: Sequence[Stake],
) -> None:
    """Create a dynamic subnet that trades from block 1; its owner is ``(coldkey, hotkey)``, uid 0."""
    netuid, (coldkey, hotkey) = plan.netuid, owner
    _add_network(overlay, netuid, symbol=plan.symbol, tempo=plan.tempo, uids_max=_UIDS_MAX)
    overlay.put(f"{_MODULE}.SubnetMechanism", netuid, DYNAMIC)
    overlay.put(f"{_MODULE}.FirstEmissionBlockNumber", netuid, 1)
    overlay.put(f"{_MODULE}.SubnetOwner", netuid, coldkey)
    overlay.put(f"{_MODULE}.SubnetOwnerHotkey", netuid, hotkey)
    overlay.put(f"{_MODULE}.SubnetIdentitiesV3", netuid, _identity(plan.name))
    _set_rules(overlay, plan)
    overlay.put(f"{_MODULE}.LastEpochBlock", netuid, 0)
    overlay.put(f"{items.PRIVATE}.EmissionEnabled", netuid, True)
    overlay.put(f"{_MODULE}.SubnetTAO", netuid, plan.tao)
    overlay.put(f"{_MODULE}.SubnetAlphaIn", netuid, plan.alpha)
    overlay.put(f"{_MODULE}.SubnetAlphaOut", netuid, plan.staked)
    pools.set_weight(overlay, netuid, plan.weight)
    _fund_pot(overlay, netuid, plan.tao)
    price = min(pools.price_q64(overlay, netuid) >> 32, 1 << 32)
    overlay.put(f"{_MODULE}.SubnetMovingPrice", netuid, {"bits": price})
    for stake in stakes:
        positions.increase(overlay, stake.hotkey, stake.coldkey, netuid, plan.staked * stake.parts // 1_000)
    _register(overlay, netuid, [hotkey, *validators, *miners], validators=set(validators))


def _set_rules(overlay: Overlay, plan: SubnetPlan) -> None:
    values = {
        "CommitRevealWeightsEnabled": plan.commit_reveal,
        "WeightsSetRateLimit": plan.weights_interval,
        "MinAllowedWeights": 1,
        "MaxAllowedValidators": 64,
        "Yuma3On": plan.yuma3,
        "LiquidAlphaOn": plan.liquid_alpha,
        "MechanismCountCurrent": plan.mechanisms,
    }
    for name, value in values.items():
        overlay.put(f"{_MODULE}.{name}", plan.netuid, value)


def _add_network(overlay: Overlay, netuid: int, *, symbol: str, tempo: int, uids_max: int) -> None:
    subnets.insert(overlay, netuid)
    values = {
        "NetworksAdded": True,
        "TokenSymbol": symbol.encode(),
        "Tempo": tempo,
        "MaxAllowedUids": uids_max,
        "Burn": _START_BURN,
        "NetworkRegisteredAt": 0,
        "SubtokenEnabled": True,
        "TransferToggle": True,
        "NetworkRegistrationAllowed": True,
        "BlocksSinceLastStep": 0,
    }
    for name, value in values.items():
        overlay.put(f"{_MODULE}.{name}", netuid, value)


def _fund_pot(overlay: Overlay, netuid: int, reserve: int) -> None:
    """Give the subnet's account its reserve, and what keeps it alive when the reserve is nearly gone."""
    endow(overlay, subnet_account(netuid), reserve + TAO)
    overlay.put(f"{_MODULE}.TotalStake", overlay.get(f"{_MODULE}.TotalStake") + reserve)


def _register(overlay: Overlay, netuid: int, hotkeys: Sequence[bytes], *, validators: set[bytes]) -> None:
    count = len(hotkeys)
    for uid, hotkey in enumerate(hotkeys):
        overlay.put(f"{_MODULE}.Keys", netuid, uid, hotkey)
        overlay.put(f"{_MODULE}.Uids", netuid, hotkey, uid)
        overlay.put(f"{_MODULE}.IsNetworkMember", hotkey, netuid, True)
        overlay.put(f"{_MODULE}.BlockAtRegistration", netuid, uid, 0)
    vectors = {
        "Active": [True] * count,
        "ValidatorPermit": [hotkey in validators for hotkey in hotkeys],
        **{name: [0] * count for name in ("Consensus", "Dividends", "Emission", "ValidatorTrust")},
    }
    for name, vector in vectors.items():
        overlay.put(f"{_MODULE}.{name}", netuid, vector)
    for index in mechanisms.indices(overlay, netuid):
        overlay.put(f"{_MODULE}.LastUpdate", index, [0] * count)
        overlay.put(f"{_MODULE}.Incentive", index, [0] * count)
    overlay.put(f"{_MODULE}.SubnetworkN", netuid, count)


def _identity(name: str) -> dict[str, bytes]:
    fields = ("github_repo", "subnet_contact", "subnet_url", "discord", "description", "logo_url", "additional")
    return {"subnet_name": name.encode(), **dict.fromkeys(fields, b"")}

"""Assets, pairs and their spellings, as clients of the Kraken interface know them (``kraken_api`` section 4).

Asset id = altname = upper-case letters and digits; pair key = altname = BASE + QUOTE; wsname = BASE/QUOTE. Then every
known client agrees on the symbol.
"""

from dataclasses import dataclass, replace
from typing import Final

from ledger.engine.layout import TAO_ASSET, Stage

QUOTE: Final = "TAO"
TAO_DECIMALS: Final = 9
ALPHA_DECIMALS: Final = 9
PAIR_DECIMALS: Final = 8
# Alpha has nine decimals on the chain, but clients recompute checksums from floats: eight survive up to 90 million.
LOT_DECIMALS: Final = 8
COST_DECIMALS: Final = 9
DISPLAY_DECIMALS: Final = 5
# Rao of price and of volume behind one unit of the last decimal that the interface shows.
PRICE_TICK_RAO: Final = 10 ** (TAO_DECIMALS - PAIR_DECIMALS)
LOT_RAO: Final = 10 ** (ALPHA_DECIMALS - LOT_DECIMALS)
ORDER_MIN_RAO: Final = 10**8
COST_MIN_RAO: Final = 500_000
PAIRS_ASKED_MAX: Final = 200

_PAIR_STATUS: Final = {
    Stage.ANNOUNCED: "work_in_progress",
    Stage.DEPOSITS: "work_in_progress",
    Stage.POST_ONLY: "post_only",
    Stage.LIMIT_ONLY: "limit_only",
    Stage.ONLINE: "online",
    Stage.REDUCE_ONLY: "reduce_only",
    Stage.CANCEL_ONLY: "cancel_only",
    Stage.DELISTING: "cancel_only",
    Stage.DELISTED: "delisted",
}
_ASSET_STATUS: Final = {
    Stage.ANNOUNCED: "disabled",
    Stage.DEPOSITS: "deposit_only",
    Stage.DELISTING: "withdrawal_only",
    Stage.DELISTED: "withdrawal_only",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One asset; ``number`` is the engine's (0 for TAO, netuid + 1 for alpha)."""

    id: str
    number: int
    decimals: int = TAO_DECIMALS
    status: str = "enabled"

    @property
    def netuid(self) -> int | None:
        """Return the subnet of an alpha, None for TAO."""
        return None if self.number == TAO_ASSET else self.number - 1


@dataclass(frozen=True, slots=True)
class Pair:
    """One market as clients see it; amounts in rao, ``title`` is the subnet's own name."""

    netuid: int
    registered_at: int
    stage: Stage
    title: str = ""
    order_min_rao: int = ORDER_MIN_RAO
    cost_min_rao: int = COST_MIN_RAO

    @property
    def base(self) -> str:
        """Return the asset id of the alpha."""
        return asset_id(self.netuid)

    @property
    def key(self) -> str:
        """Return the AssetPairs key, which is the altname too."""
        return f"{self.base}{QUOTE}"

    @property
    def wsname(self) -> str:
        """Return the symbol with a slash."""
        return f"{self.base}/{QUOTE}"

    @property
    def status(self) -> str:
        """Return the pair's status word; clients trade only ``online``."""
        return _PAIR_STATUS[self.stage]


TAO: Final = Asset("TAO", TAO_ASSET)


def asset_id(netuid: int) -> str:
    """Return the ticker of a subnet's alpha."""
    return f"SN{netuid}"


class Names:
    """The directory of listed pairs and their assets; delisted pairs stay in it with their status."""

    def __init__(self) -> None:
        self._pairs: dict[int, Pair] = {}
        self._by_text: dict[str, Pair] = {}
        self._assets: dict[str, Asset] = {TAO.id: TAO}
        self._by_number: dict[int, Asset] = {TAO.number: TAO}

    def put(self, pair: Pair) -> None:
        """Add a pair, or replace the one of the same netuid."""
        self._pairs[pair.netuid] = pair
        self._by_text[pair.key] = pair
        self._by_text[pair.wsname] = pair
        asset = Asset(pair.base, pair.netuid + 1, status=_ASSET_STATUS.get(pair.stage, "enabled"))
        self._assets[asset.id] = asset
        self._by_number[asset.number] = asset

    def set_stage(self, netuid: int, stage: Stage) -> None:
        """Move a listed pair to another stage."""
        self.put(replace(self._pairs[netuid], stage=stage))

    @property
    def pairs(self) -> list[Pair]:
        """Return every pair by ascending netuid."""
        return [self._pairs[netuid] for netuid in sorted(self._pairs)]

    @property
    def assets(self) -> list[Asset]:
        """Return TAO, then every alpha by ascending netuid."""
        return [self._by_number[number] for number in sorted(self._by_number)]

    def pair_of(self, netuid: int) -> Pair:
        """Return the pair of a listed subnet."""
        return self._pairs[netuid]

    def find_pair(self, text: str) -> Pair | None:
        """Return the pair that a key, altname or wsname names, in any case of letters."""
        return self._by_text.get(text) or self._by_text.get(text.strip().upper())

    def find_asset(self, text: str) -> Asset | None:
        """Return the asset of an id, in any case of letters."""
        return self._assets.get(text) or self._assets.get(text.strip().upper())

    def asset_numbered(self, number: int) -> Asset | None:
        """Return the asset of an engine number, None while it is not listed."""
        return self._by_number.get(number)


def result_key(pair: Pair, asked: str) -> str:
    """Return the key of a result: the pair's key, but the slash form where the request used it."""
    return pair.wsname if "/" in asked else pair.key

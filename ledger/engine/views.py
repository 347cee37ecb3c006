"""What others read of an engine's state: typed rows for the gateway and the link, never the arrays themselves.

Amounts are rao; an asset number is 0 for TAO and netuid + 1 for alpha; ``None`` stands for "does not exist".
"""

from typing import Any

from ledger.engine.balances import custody_free, custody_reserved, position, uncovered_amount
from ledger.engine.directory import Directory
from ledger.engine.gates import gates_at
from ledger.engine.growth import widen_out
from ledger.engine.judge import hash_of_head
from ledger.engine.layout import (
    CLASS_SHIFT,
    FIRST_SHIFT,
    TAO_ASSET,
    AccountClass,
    Gate,
    Job,
    JobState,
    KeyRole,
    Stage,
)
from ledger.engine.machine import Engine
from ledger.engine.parameters import WITHDRAWAL_FEE_ALPHA, WITHDRAWAL_FEE_TAO
from ledger.engine.state import State, find_address, find_balance
from ledger.engine.view_fees import fee_view, tier_views
from ledger.engine.view_orders import book_view, held_for, live_quotes, open_orders, order_view, quote_view
from ledger.engine.view_quote import plan_view, room_for_plan
from ledger.engine.view_rows import (
    AccountView,
    AddressView,
    AnyJob,
    ApiKeyView,
    BalanceView,
    BookView,
    CustodyView,
    FeeView,
    HaltView,
    HeadView,
    ItemView,
    KeyView,
    LevelView,
    MarketView,
    OrderView,
    PartView,
    PlanView,
    QuoteView,
    SettlementJob,
    SolvencyView,
    StakeView,
    SweepJob,
    TierView,
    WithdrawalJob,
)
from ledger.errors import InvariantBroken

__all__ = [
    "AccountView",
    "AddressView",
    "AnyJob",
    "ApiKeyView",
    "BalanceView",
    "BookView",
    "CustodyView",
    "FeeView",
    "HaltView",
    "HeadView",
    "ItemView",
    "KeyView",
    "LevelView",
    "MarketView",
    "OrderView",
    "PartView",
    "PlanView",
    "QuoteView",
    "SettlementJob",
    "SolvencyView",
    "StakeView",
    "SweepJob",
    "TierView",
    "Views",
    "WithdrawalJob",
]


class Views:
    """The reads of one engine. Cheap: each looks at the rows it tells of, and copies them into plain values."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def _state(self) -> State:
        return self.engine.state

    @property
    def _texts(self) -> Directory:
        return self.engine.directory

    def head(self) -> HeadView:
        """Return the last imported head."""
        scalars = self._state.scalars[0]
        return HeadView(
            number=int(scalars["head"]),
            hash=hash_of_head(self._state),
            ts_ms=int(scalars["block_ts"]),
            spec=int(scalars["spec"]),
            imported_ms=int(scalars["imported"]),
        )

    def halts(self) -> HaltView:
        """Return what is halted."""
        scalars = self._state.scalars[0]
        markets = self._state.markets[: scalars["markets"]]
        withdrawals = sorted(int(netuid) + 1 for netuid in markets["netuid"][markets["withdrawals_halted"] != 0])
        return HaltView(
            money=bool(scalars["money_halted"]),
            signer=bool(scalars["signer_halted"]),
            instant=bool(scalars["instant_halted"]),
            withdrawals=((TAO_ASSET,) if scalars["withdrawals_halted"] else ()) + tuple(withdrawals),
            instant_markets=tuple(sorted(int(netuid) for netuid in markets["netuid"][markets["instant_halted"] != 0])),
        )

    def account(self, number: int) -> AccountView | None:
        """Return an account by its number."""
        if not 1 <= number <= len(self._texts.names):
            return None
        key = self._texts.deposit_keys.get(number, 0)
        return AccountView(account=number, name=self._texts.names[number - 1], deposit_key=key)

    def find_account(self, name: str) -> AccountView | None:
        """Return an account by its name."""
        return self.account(self._texts.accounts.get(name, 0))

    def accounts(self) -> list[AccountView]:
        """Return all accounts, ascending."""
        found = (self.account(number) for number in range(1, len(self._texts.names) + 1))
        return [account for account in found if account is not None]

    def api_keys(self) -> list[ApiKeyView]:
        """Return all API keys in the order they were added."""
        return [
            ApiKeyView(account=key.account, permissions=key.permissions, nonce_window=key.nonce_window, body=key.body)
            for key in self._texts.api_keys
        ]

    def balance_rows(self, account: int) -> list[BalanceView]:
        """Return the balances of an account, by asset: TAO and the alpha of every listed market that it ever had."""
        assets = [TAO_ASSET, *(netuid + 1 for netuid in sorted(self._texts.markets))]
        state = self._state
        known = (asset for asset in assets if find_balance(state, account, asset) >= 0)
        return [self.balance(account, asset) for asset in known]

    def balance(self, account: int, asset: int) -> BalanceView:
        """Return one balance; zeros where there is no row."""
        state = self._state
        netuid = asset - 1 if asset != TAO_ASSET else None
        slot = int(find_balance(state, account, asset))
        free = int(state.balances[slot]["free"]) if slot >= 0 else 0
        held = int(state.balances[slot]["held"]) if slot >= 0 else 0
        withdrawable, registered_at = free, 0
        if netuid is not None and (market := self._market_row(netuid)) is not None:
            uncovered = int(uncovered_amount(state, account, netuid, int(market["final_cut"])))
            withdrawable = max(free - uncovered, 0)
            registered_at = int(market["registered_at"])
        return BalanceView(
            asset=asset,
            netuid=netuid,
            registered_at=registered_at,
            free=free,
            held=held,
            withdrawable=withdrawable,
        )

    def _market_row(self, netuid: int) -> Any:
        if not 0 <= netuid < len(self._state.market_slots):
            return None
        slot = int(self._state.market_slots[netuid]) - 1
        return self._state.markets[slot] if slot >= 0 else None

    def market(self, netuid: int, ts_ms: int) -> MarketView | None:
        """Return a market as it stands at time ``ts_ms``."""
        row = self._market_row(netuid)
        if row is None:
            return None
        held = int(position(self._state, netuid))
        gates = Gate(int(gates_at(self._state, row, ts_ms)))
        same = {
            name: int(row[name])
            for name in (
                "netuid", "registered_at", "hotkey", "head_tao", "head_alpha", "weight", "pool_height", "mirror_tao",
                "mirror_alpha", "cap", "used", "target", "taker_ppm", "maker_ppm", "k_ppm", "min_settle",
                "tolerance_ppm", "open_cut", "final_cut",
            )
        }  # fmt: skip
        return MarketView(
            **same,
            stage=Stage(int(row["stage"])),
            fee_rate=int(row["rate"]),
            spot_rao=int(row["spot"]),
            position=held,
            need=int(row["target"]) - held,
            instant_open=not gates,
            gates=gates,
            backed=bool(row["backed"]),
            body=self._texts.markets[netuid],
        )

    def markets(self, ts_ms: int) -> list[MarketView]:
        """Return all markets, by netuid."""
        found = (self.market(netuid, ts_ms) for netuid in sorted(self._texts.markets))
        return [market for market in found if market is not None]

    def order(self, order_id: int) -> OrderView | None:
        """Return a live order."""
        return order_view(self._state, order_id)

    def open_orders(self, account: int) -> list[OrderView]:
        """Return the live orders of an account, oldest first."""
        return open_orders(self._state, account)

    def held_for(self, order_id: int) -> int:
        """Return what is held for a live order, rao of the asset it gives away."""
        return held_for(self._state, order_id)

    def quote(self, quote_id: int) -> QuoteView | None:
        """Return a firm quote that lives."""
        return quote_view(self._state, quote_id)

    def quotes(self, account: int) -> list[QuoteView]:
        """Return the firm quotes of an account that live, oldest first."""
        return live_quotes(self._state, account)

    def book(self, netuid: int, count: int = 1_000) -> BookView | None:
        """Return the resting orders of a market by price, at most ``count`` levels a side."""
        return book_view(self._state, netuid, count) if self._market_row(netuid) is not None else None

    def plan(
        self,
        netuid: int,
        *,
        ts_ms: int,
        sell: bool,
        alpha: int = 0,
        cost: int = 0,
        limit: int = 0,
        slippage_ppm: int = 0,
        taker_ppm: int = 0,
    ) -> PlanView | None:
        """Return what a taker would be filled with at a time, None without a pool; nothing changes."""
        row = self._market_row(netuid)
        if row is None or int(row["mirror_alpha"]) <= 0:
            return None
        needed = room_for_plan(self._state, netuid)
        if needed > len(self._state.out):
            self.engine.state = widen_out(self._state, events=needed)
        return plan_view(
            self._state,
            netuid,
            ts_ms=ts_ms,
            sell=sell,
            alpha=alpha,
            cost=cost,
            limit=limit,
            slippage_ppm=slippage_ppm,
            taker_ppm=taker_ppm,
        )

    def tiers(self) -> list[TierView]:
        """Return the fee tiers by ascending volume, at least one."""
        return tier_views(self._state)

    def fees(self, account: int, ts_ms: int) -> FeeView:
        """Return what share of a market's fees an account pays at a time, and the volume that it pays it for."""
        return fee_view(self._state, account, ts_ms)

    def jobs(self) -> list[AnyJob]:
        """Return all jobs that are not closed, by id."""
        count = int(self._state.scalars[0]["jobs"])
        return [self._job(row) for row in self._state.jobs[:count].copy()]

    def _job(self, row: Any) -> AnyJob:
        job_id = int(row["job_id"])
        common: dict[str, Any] = {
            "job_id": job_id,
            "state": JobState(int(row["state"])),
            "requested_at": int(row["height"]),
            "signed": self._texts.signed.get(job_id, b""),
            **{name: int(row[name]) for name in ("key", "nonce", "birth", "period")},
        }
        netuid = int(row["netuid"]) if row["alpha"] else None
        if int(row["job"]) == Job.SETTLEMENT:
            return SettlementJob(**common, items=self._items(job_id))
        if int(row["job"]) == Job.SWEEP:
            return SweepJob(
                **common,
                deposit_key=int(row["from_key"]),
                netuid=netuid,
                hotkey=int(row["hotkey"]),
                amount=int(row["amount"]),
            )
        address = self.address(int(row["address_id"]))
        if address is None:
            raise InvariantBroken("a withdrawal names an address that exists", job_id)
        return WithdrawalJob(
            **common,
            account=int(row["account"]),
            netuid=netuid,
            hotkey=int(row["hotkey"]),
            amount=int(row["amount"]),
            fee=int(row["fee"]),
            address=address,
        )

    def _items(self, job_id: int) -> tuple[ItemView, ...]:
        markets = self._state.markets[: self._state.scalars[0]["markets"]]
        items = [
            ItemView(
                item=int(row["item"]),
                netuid=int(row["netuid"]),
                sell=bool(row["item_sell"]),
                amount=int(row["item_amount"]),
                limit=int(row["item_limit"]),
                house_part=int(row["item_house"]),
                hotkey=int(row["item_hotkey"]),
                done=bool(row["item_done"]),
            )
            for row in markets[markets["item_job"] == job_id]
        ]
        return tuple(sorted(items, key=lambda item: item.item))

    def keys(self) -> list[KeyView]:
        """Return all chain keys, by number."""
        return [self._key(number) for number in range(1, len(self._texts.key_publics) + 1)]

    def _key(self, number: int) -> KeyView:
        row = self._state.keys[number - 1]
        return KeyView(
            key=number,
            role=KeyRole(int(row["role"])),
            account=int(row["account"]),
            public=self._texts.key_publics[number - 1],
        )

    def find_key(self, public: bytes) -> KeyView | None:
        """Return a chain key by its public key."""
        number = self._texts.keys.get(public)
        return None if number is None else self._key(number)

    def hotkeys(self) -> list[bytes]:
        """Return the public keys of all hotkeys; number n is item n - 1."""
        return list(self._texts.hotkey_publics)

    def addresses(self, account: int) -> list[AddressView]:
        """Return the address book of an account, by id."""
        found = (self.address(number) for number in self._texts.books.get(account, []))
        return [address for address in found if address is not None]

    def address(self, address_id: int) -> AddressView | None:
        """Return one entry of any address book."""
        slot = int(find_address(self._state, address_id))
        if slot < 0:
            return None
        row = self._state.addresses[slot]
        return AddressView(
            address_id=address_id,
            account=int(row["account"]),
            netuid=int(row["netuid"]) if row["alpha"] else None,
            usable_from_ms=int(row["usable_from"]),
            hotkey=int(row["hotkey"]),
            body=self._texts.addresses[address_id],
        )

    def custody(self, key: int) -> CustodyView:
        """Return what the ledger says a key holds on the chain."""
        state = self._state
        ledger = state.ledger[: state.scalars[0]["ledger"]]
        first = (int(AccountClass.CUSTODY_STAKE) << CLASS_SHIFT) | (key << FIRST_SHIFT)
        mine = ledger[(ledger["code"] >= first) & (ledger["code"] < first + (1 << FIRST_SHIFT))]
        stakes = sorted(
            (int(row["code"]) - first, int(row["asset"]) - 1, -int(row["amount"])) for row in mine if row["amount"]
        )
        return CustodyView(
            key=key,
            free=int(custody_free(state, key)),
            reserved=int(custody_reserved(state, key)),
            stakes=tuple(
                StakeView(key=key, hotkey=hotkey, netuid=netuid, amount=amount) for hotkey, netuid, amount in stakes
            ),
        )

    def accounts_total(self, asset: int) -> SolvencyView:
        """Return all of one asset by class."""
        row = self._state.totals[asset]
        return SolvencyView(
            asset=asset,
            custody=-int(row["custody"]),
            customers_free=int(row["customers_free"]),
            customers_held=int(row["customers_held"]),
            earn=int(row["earn"]),
            rewards_idle=int(row["rewards"]),
            withdrawing=int(row["withdrawing"]),
            suspense=int(row["suspense"]),
            house=int(row["house"]),
        )

    def withdrawal_fee(self, netuid: int | None) -> int:
        """Return the fee of a withdrawal, rao of the asset."""
        return WITHDRAWAL_FEE_TAO if netuid is None else WITHDRAWAL_FEE_ALPHA

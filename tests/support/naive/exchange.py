"""What the naive engine remembers, and how a rule says something: by an event, or by a refusal."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from amm.errors import SwapRefused
from amm.exchange_reference import mirror
from amm.reference import Pool, price_bits, spot_rao
from ledger.engine.layout import (
    EVENT,
    NO_NETUID,
    CommandKind,
    EventKind,
    Flag,
    Gate,
    Halt,
    Job,
    JobState,
    KeyRole,
    OrderState,
)
from ledger.engine.parameters import HORIZON_MS, SPEC_VERSIONS
from ledger.errors import Refusal
from tests.support.naive import drift
from tests.support.naive.books import Books

Record = dict[str, Any]
"""A command or an event by its physical fields; in an event ``payload`` is the text itself, or None."""

INT64_MAX = 2**63 - 1
RAO = 10**9
CLIENT = ("id_hi", "id_lo", "digest")


class Refused(Exception):  # noqa: N818 - named as it is named in the ledger
    """A command that changes nothing: its code, the offending figure and what would have been right."""

    def __init__(self, code: Refusal, value: int = 0, bound: int = 0) -> None:
        super().__init__(code.name)
        self.code = code
        self.value = value
        self.bound = bound


@dataclass
class Item:
    """A market's swap in the open settlement."""

    number: int
    sell: bool
    amount: int
    limit: int
    hotkey: int
    cut: int
    house: int = 0
    done: bool = False


@dataclass
class Order:
    """A live order, a firm quote or a guard; amounts as ``ORDER`` of the compiled tables has them."""

    order_id: int
    account: int
    netuid: int
    flags: int = 0
    traits: int = 0
    state: int = int(OrderState.WORKING)
    limit: int = 0
    trigger: int = 0
    slippage_ppm: int = 0
    amount: int = 0
    total: int = 0
    alpha: int = 0
    tao: int = 0
    fee: int = 0
    held: int = 0
    taker_ppm: int = 0
    maker_ppm: int = 0
    expires: int = 0
    flight: int = 0
    cancel: int = 0
    priority: int = 0
    userref: int = 0

    @property
    def sell(self) -> bool:
        """Tell whether it gives alpha away."""
        return bool(self.flags & Flag.SELL)

    @property
    def quote(self) -> bool:
        """Tell whether its amount counts TAO."""
        return bool(self.flags & Flag.IN_QUOTE)

    @property
    def limited(self) -> bool:
        """Tell whether the customer named its limit; a market order's is the slippage."""
        return bool(self.flags & Flag.LIMIT)

    @property
    def passing(self) -> bool:
        """Tell whether it never rests: market, IOC and FOK."""
        return not self.limited or bool(self.flags & (Flag.IOC | Flag.FOK))

    @property
    def open(self) -> int:
        """Return what is left to trade: alpha, or with IN_QUOTE the TAO to spend before fees."""
        return self.amount - (self.tao if self.quote else self.alpha)

    @property
    def asset(self) -> int:
        """Return the asset that it gives away."""
        return self.netuid + 1 if self.sell else 0

    @property
    def beyond(self) -> int:
        """Return the reason it is closed with where its limit is reached."""
        return int(Refusal.LIMIT_REACHED if self.limited else Refusal.SLIPPAGE_REACHED)


@dataclass
class Market:
    """One market; ``pool`` is the chain's at the last head that showed it, ``mirror`` that pool with the need on it."""

    netuid: int
    registered_at: int
    stage: int
    hotkey: int
    target: int = 0
    min_settle: int = 10_000_000
    k_ppm: int = 500_000
    taker_ppm: int = 2_600
    maker_ppm: int = 1_600
    tolerance_ppm: int = 10_000
    backed: bool = True
    pool: Pool | None = None
    pool_height: int = 0
    closed: bool = False
    calm: int = 0
    base: Pool | None = None
    mirror: Pool | None = None
    stepped: bool = False
    """Whether fills have moved the mirror since it was built: for the laws alone."""
    drift: int = 0
    """How far rounding may have taken the mirror from the ideal curve, rao of TAO: for the laws alone."""
    used: int = 0
    opened: int = 0
    """What of the window was used when it opened, by quotes that live: for the laws alone."""
    cap: int = 0
    gates: int = int(Gate.CLOSED)
    need: int = 0
    need_since: int = 0
    open_cut: int = 1
    final_cut: int = 0
    bought_cut: int = 0
    instant_halted: bool = False
    withdrawals_halted: bool = False
    item: Item | None = None
    block_pending: int = 0
    firm_pending: int = 0
    firm_used: int = 0
    last: int = 0
    traded: int = 0
    spots: list[int] = field(default_factory=list)
    dissolved: int = 0
    payout: int = 0
    claims: int = 0
    claimed: int = 0
    next_claim: int = 0

    @property
    def share_out(self) -> tuple[int, ...]:
        """Return how far the share-out of a dissolved subnet is."""
        return self.dissolved, self.payout, self.claims, self.claimed, self.next_claim

    def step_to(self, after: Pool) -> None:
        """Move the mirror by a step on its curve."""
        assert self.mirror is not None, "there is a mirror to step on"
        self.drift = drift.carried(self.drift, self.mirror, after, drift.of_step(self.mirror, after))
        self.mirror, self.stepped = after, True

    @property
    def index(self) -> int:
        """Return the index price: the mean of the spot prices at the last five heads, rounded down."""
        return sum(self.spots) // len(self.spots) if self.spots else 0

    @property
    def spot(self) -> int:
        """Return the head's price in rao of TAO per whole alpha; 0 before the first head."""
        return min(spot_rao(self.pool), INT64_MAX) if self.pool else 0

    def value(self, alpha: int) -> int:
        """Return alpha valued at the head's price, rao of TAO, rounded down."""
        return min(alpha * self.spot // RAO, INT64_MAX)

    def value_at_p0(self, alpha: int) -> int:
        """Return alpha valued at the exact price of the head pool (``execution`` section 7), rounded down."""
        return alpha * price_bits(self.pool) >> 64 if self.pool else 0


@dataclass
class OpenJob:
    """An extrinsic that was asked for and has no outcome yet."""

    job_id: int
    job: Job
    height: int
    state: JobState = JobState.REQUESTED
    key: int = 0
    nonce: int = 0
    birth: int = 0
    period: int = 0
    account: int = 0
    netuid: int = NO_NETUID
    alpha: bool = False
    from_key: int = 0
    hotkey: int = 0
    amount: int = 0
    fee: int = 0
    address_id: int = 0
    items: int = 0
    items_done: int = 0


@dataclass
class Address:
    """One entry of an address book."""

    account: int
    netuid: int
    alpha: bool
    usable_from: int
    hotkey: int
    body: bytes


@dataclass
class Funding:
    """Money of the operator that was announced and has not arrived."""

    netuid: int
    alpha: bool
    amount: int


@dataclass
class FirstAnswer:
    """What a client id was answered first."""

    digest: int
    code: int
    reference: int
    value: int
    bound: int


@dataclass
class Texts:
    """Payloads that commands left behind."""

    names: list[str] = field(default_factory=list)
    deposit_keys: dict[int, int] = field(default_factory=dict)
    api_keys: list[tuple[int, int, int, bytes]] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    hotkeys: list[bytes] = field(default_factory=list)
    markets: dict[int, bytes] = field(default_factory=dict)
    signed: dict[int, bytes] = field(default_factory=dict)


@dataclass
class Exchange:
    """Everything: books, markets, jobs, texts, the head, and the events of the batch that is being decided."""

    books: Books = field(default_factory=Books)
    texts: Texts = field(default_factory=Texts)
    markets: dict[int, Market] = field(default_factory=dict)
    jobs: dict[int, OpenJob] = field(default_factory=dict)
    addresses: dict[int, Address] = field(default_factory=dict)
    keys: list[tuple[KeyRole, int]] = field(default_factory=list)
    fundings: list[Funding] = field(default_factory=list)
    uncovered: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    drifted: dict[tuple[int, int, int], tuple[int, int]] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    volumes: dict[int, dict[int, int]] = field(default_factory=dict)
    tiers: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    answers: dict[int, dict[tuple[int, int, int], FirstAnswer]] = field(default_factory=dict)
    generation: int = 0
    seq: int = 0
    ts: int = 0
    now: int = 0
    head: int = 0
    first_head: int = 0
    head_hash: tuple[int, int, int, int] = (0, 0, 0, 0)
    block_ts: int = 0
    interval: int = 0
    imported: int = 0
    spec: int = 0
    money_halted: bool = False
    signer_halted: bool = False
    instant_halted: bool = False
    withdrawals_halted: bool = False
    settlement: int = 0
    stops_left: int = 0
    ending: bool = False
    """While overdue jobs are released at the end of a head: what was in flight lands after all of them."""
    checked: int = 0
    differences: int = 0
    events: list[Record] = field(default_factory=list)
    limits: dict[int, int] = field(default_factory=dict)
    """Limits of all orders ever, for the laws alone."""

    # what rules ask

    @property
    def accounts(self) -> int:
        """Return the highest account number."""
        return len(self.texts.names)

    @property
    def hotkeys(self) -> int:
        """Return the highest hotkey number."""
        return len(self.texts.hotkeys)

    def key_of(self, role: KeyRole) -> int:
        """Return the number of the first key of a role, 0 for none."""
        return next((number for number, (of, _) in enumerate(self.keys, 1) if of == role), 0)

    def ascending(self) -> list[Market]:
        """Return the markets by netuid."""
        return [self.markets[netuid] for netuid in sorted(self.markets)]

    def market(self, netuid: int) -> Market:
        """Return a listed market or refuse."""
        if netuid not in self.markets:
            raise Refused(Refusal.UNKNOWN_MARKET, netuid)
        return self.markets[netuid]

    def require_account(self, account: int) -> None:
        """Refuse an account that was not opened."""
        if not 1 <= account <= self.accounts:
            raise Refused(Refusal.UNKNOWN_ACCOUNT, account, self.accounts)

    def spec_is_known(self) -> bool:
        """Tell whether the chain's arithmetic was reviewed."""
        return self.spec in SPEC_VERSIONS

    def need(self, market: Market) -> int:
        """Return T - H."""
        return market.target - self.books.position(market.netuid)

    def pending(self, market: Market) -> int:
        """Return the net alpha between us and the chain (``execution`` section 1)."""
        return self.need(market) + market.block_pending + market.firm_pending

    def quotes(self, *, sell: bool, market: Market | None = None) -> list[Order]:
        """Return the firm quotes of one side that live, of one market or of all."""
        return [
            order
            for order in self.orders.values()
            if order.state == OrderState.QUOTE
            and order.sell == sell
            and (market is None or order.netuid == market.netuid)
        ]

    @property
    def firm_tao(self) -> int:
        """Return the TAO that firm quotes promise to sellers, less their fees."""
        return sum(order.tao - order.fee for order in self.quotes(sell=True))

    def firm_alpha(self, market: Market) -> int:
        """Return the alpha that firm quotes of a market promise to buyers."""
        return sum(order.amount for order in self.quotes(sell=False, market=market))

    def rebuild(self, market: Market) -> None:
        """Build the mirror anew: the head pool with what is pending on it."""
        market.mirror, market.stepped = self.mirror_of(market, self.pending(market)), False
        market.drift = drift.of_mirror(market.pool, market.mirror) if market.pool and market.mirror else 0

    def in_state(self, market: Market, *states: OrderState) -> list[Order]:
        """Return a market's orders of some states, by id."""
        return [
            order for _, order in sorted(self.orders.items()) if order.netuid == market.netuid and order.state in states
        ]

    def shelf(self, market: Market, state: OrderState, *, sell: bool) -> list[Order]:
        """Return one side of a book or queue: best price first, then by priority."""
        side = [order for order in self.in_state(market, state) if order.sell == sell]
        return sorted(side, key=lambda order: (order.limit if sell else -order.limit, order.priority))

    def mirror_of(self, market: Market, pending: int) -> Pool | None:
        """Return the head pool with ``pending`` alpha bought or sold on it, None where the curve refuses that."""
        if market.pool is None:
            return None
        try:
            return mirror(market.pool, pending)
        except SwapRefused:
            return None

    # what rules say

    def emit(self, kind: EventKind, **fields: Any) -> Record:
        """Append an event with the next seq; returns it, so that the rule can add to it."""
        event: Record = dict.fromkeys(EVENT.names or (), 0)
        event |= {"kind": kind, "payload": None}
        assert set(fields) <= set(event), f"{kind.name}: no such fields in {fields}"
        self.seq += 1
        self.ts = self.now
        event |= {"seq": self.seq, **fields}
        self.events.append(event)
        return event

    def answer(self, command: Record, event: Record) -> int:
        """Make an event the answer to its command and keep it under the client id; returns the reference."""
        event |= {name: command[name] for name in CLIENT}
        reference = reference_of(event)
        self.remember(command, FirstAnswer(command["digest"], 0, reference, 0, 0))
        return reference

    def remember(self, command: Record, first: FirstAnswer) -> None:
        """Keep a first answer: in the generation of now, forgetting what is older than the one before it."""
        if (command["id_hi"], command["id_lo"]) == (0, 0):
            return
        generation = self.now // HORIZON_MS
        self.generation = generation
        self.answers = {of: kept for of, kept in self.answers.items() if of >= generation - 1}
        self.answers.setdefault(generation, {})[answer_key(command)] = first

    def known(self, command: Record) -> FirstAnswer | None:
        """Return the first answer to a client id."""
        key = answer_key(command)
        return next((kept[key] for kept in self.answers.values() if key in kept), None)

    def halt(self, netuid: int, bits: int, *, on: bool) -> None:
        """Switch halts; those of one market where a netuid is given."""
        market = self.markets.get(netuid)
        everywhere = netuid == NO_NETUID
        if bits & Halt.MONEY:
            self.money_halted = on
        if bits & Halt.SIGNER:
            self.signer_halted = on
        if bits & Halt.WITHDRAWALS:
            if everywhere:
                self.withdrawals_halted = on
            elif market:
                market.withdrawals_halted = on
        if bits & Halt.INSTANT:
            if everywhere:
                self.instant_halted = on
            elif market:
                market.instant_halted = on


def answer_key(command: Record) -> tuple[int, int, int]:
    """Return the scope of a client id: the account, or 0 where the command makes one."""
    account = 0 if command["kind"] == CommandKind.OPEN_ACCOUNT else command["account"]
    return account, command["id_hi"], command["id_lo"]


def reference_of(event: Record) -> int:
    """Return what an event made: the number of an account, key or hotkey, else its seq."""
    numbered = {
        EventKind.ACCOUNT_OPENED: "account",
        EventKind.CHAIN_KEY_ADDED: "key",
        EventKind.HOTKEY_ADDED: "other",
    }
    return int(event[numbered.get(event["kind"], "seq")])


def payload_of(command: Record, payloads: Sequence[bytes]) -> bytes | None:
    """Return the text that a command points to; None for none."""
    return payloads[command["payload"] - 1] if command["payload"] else None

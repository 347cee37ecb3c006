"""The oracle of the exchange engine: slow and obvious, dicts and Python ints, no state but what the rules name.

It implements ``execution`` as far as the engine is built, independently of the compiled one; pool arithmetic is the
big-integer reference. Both are driven with the same commands and must say the same, event by event and field by field.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ledger.engine.api import Request
from ledger.engine.layout import (
    CLASS_SHIFT,
    COMMAND,
    FIRST_SHIFT,
    NO_NETUID,
    SHELVES,
    AccountClass,
    CommandKind,
    EventKind,
    Flag,
    Halt,
    OrderState,
    Shelf,
    Trait,
)
from ledger.engine.parameters import STOPS_PER_COMMAND
from ledger.engine.tables import ORDER, TIERS
from ledger.errors import Refusal
from tests.support.naive import funds, heads, jobs, orders, quotes, setup, stops, sweep, tiers, timers
from tests.support.naive.exchange import Exchange, FirstAnswer, Market, Order, Record, Refused, payload_of
from tests.support.naive.judge import is_repeated, judge
from tests.support.naive.trades import VOLUME_DAYS

ASSET_BITS = 17
JOB_COLUMNS = (
    *("job_id", "job", "state", "height", "key", "nonce", "birth", "period", "account", "netuid", "alpha"),
    *("from_key", "hotkey", "amount", "fee", "address_id"),
)
CLASSES = {
    "rewards_idle": AccountClass.REWARDS_IDLE,
    "withdrawing": AccountClass.WITHDRAWING,
    "suspense": AccountClass.SUSPENSE,
    "trading": AccountClass.HOUSE_TRADING,
    "fees": AccountClass.HOUSE_FEES,
    "earn": AccountClass.HOUSE_EARN,
    "chain_fees": AccountClass.HOUSE_CHAIN_FEES,
    "rounding": AccountClass.HOUSE_ROUNDING,
    "capital": AccountClass.HOUSE_CAPITAL,
    "custody_free": AccountClass.CUSTODY_FREE,
    "custody_reserved": AccountClass.CUSTODY_RESERVED,
    "custody_stake": AccountClass.CUSTODY_STAKE,
}
RULES: dict[CommandKind, Callable[[Exchange, Record, Any], int]] = {
    CommandKind.OPEN_ACCOUNT: setup.open_account,
    CommandKind.ADD_API_KEY: setup.add_api_key,
    CommandKind.ADD_CHAIN_KEY: setup.add_chain_key,
    CommandKind.ADD_HOTKEY: setup.add_hotkey,
    CommandKind.LIST_MARKET: setup.list_market,
    CommandKind.SET_STAGE: setup.set_stage,
    CommandKind.SET_MARKET: setup.set_market,
    CommandKind.SET_HALT: setup.set_halt,
    CommandKind.ADD_ADDRESS: setup.add_address,
    CommandKind.ANNOUNCE_FUNDING: setup.announce_funding,
    CommandKind.RESOLVE_SUSPENSE: funds.resolve_suspense,
    CommandKind.SET_TIER: tiers.set_tier,
    CommandKind.PLACE_ORDER: orders.place,
    CommandKind.CANCEL_ORDER: orders.cancel,
    CommandKind.CANCEL_ALL: orders.cancel_all,
    CommandKind.AMEND_ORDER: orders.amend,
    CommandKind.CANCEL_AFTER: timers.cancel_after,
    CommandKind.ISSUE_QUOTE: quotes.issue,
    CommandKind.TAKE_QUOTE: quotes.take,
    CommandKind.RELEASE_QUOTE: quotes.release,
    CommandKind.REQUEST_WITHDRAWAL: funds.withdraw,
    CommandKind.REQUEST_SWEEP: jobs.sweep,
    CommandKind.ACCEPT_SIGNED: jobs.accept_signed,
    CommandKind.RELEASE_JOB: jobs.release_job,
}
TEXTS = frozenset(
    {
        CommandKind.OPEN_ACCOUNT,
        CommandKind.ADD_API_KEY,
        CommandKind.ADD_CHAIN_KEY,
        CommandKind.ADD_HOTKEY,
        CommandKind.LIST_MARKET,
        CommandKind.ADD_ADDRESS,
        CommandKind.ACCEPT_SIGNED,
    }
)
"""Commands that must carry a text."""

WITHOUT_CLIENT_ID = frozenset({CommandKind.ACCEPT_SIGNED, CommandKind.RELEASE_JOB, CommandKind.REFUSE_HEAD})


@dataclass
class NaiveAnswer:
    """What became of one request."""

    events: list[Record] = field(default_factory=list)
    code: int = 0
    reference: int = 0
    value: int = 0
    bound: int = 0
    duplicate: bool = False


def to_records(request: Request) -> list[Record]:
    """Return a request's commands as dicts."""
    names = COMMAND.names or ()
    return [{name: int(command[name]) for name in names} for command in request.commands]


class NaiveEngine:
    """Decides requests one after another; ``export`` has the form of the compiled engine's."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.early: list[Record] = []
        """Events of the timers of the last batch, which stand before all answers."""

    def decide(self, ts_ms: int, requests: Sequence[Request]) -> list[NaiveAnswer]:
        """Decide requests in order at a time that never runs backwards."""
        exchange = self.exchange
        exchange.now = max(ts_ms, exchange.ts)
        exchange.events = self.early = []
        timers.run(exchange)
        answers = []
        for request in requests:
            exchange.events = []
            records = to_records(request)
            group = len(records) > 1 or CommandKind.HEAD_BEGIN <= records[0]["kind"] <= CommandKind.REFUSE_HEAD
            answer = self._import(request, records) if group else self._command(request, records[0])
            answer.events = exchange.events
            answers.append(answer)
        return answers

    def _command(self, request: Request, command: Record) -> NaiveAnswer:
        exchange = self.exchange
        named = command["kind"] not in WITHOUT_CLIENT_ID and (command["id_hi"], command["id_lo"]) != (0, 0)
        if named:
            first = exchange.known(command)
            if first and first.digest == command["digest"]:
                return NaiveAnswer([], first.code, first.reference, first.value, first.bound, duplicate=True)
            if first:
                command |= {"id_hi": 0, "id_lo": 0}
                return self._refuse(command, Refused(Refusal.ID_REUSED, command["digest"], first.digest))
        try:
            return NaiveAnswer(reference=self._apply(request, command))
        except Refused as refused:
            return self._refuse(command, refused)

    def _apply(self, request: Request, command: Record) -> int:
        kind = command["kind"]
        rule = RULES.get(kind)
        if command["payload"] > len(request.payloads):
            raise Refused(Refusal.PAYLOAD_MALFORMED)
        text = payload_of(command, request.payloads)
        if text is not None or kind in TEXTS:
            setup.check_text(self.exchange, command, text or b"")
        if rule is None:
            raise Refused(Refusal.UNKNOWN_KIND, kind)
        before = self.exchange.seq
        reference = rule(self.exchange, command, text)
        self._follow_up(command, before)
        return reference

    def _follow_up(self, command: Record, before: int) -> None:
        """Let resting orders meet a mirror that an operator moved, and stops the trades of a command."""
        exchange, kind = self.exchange, command["kind"]
        market = exchange.markets.get(command["netuid"])
        moves = kind == CommandKind.SET_MARKET or (
            kind == CommandKind.RESOLVE_SUSPENSE and command["flags"] & Flag.ALPHA and command["account"] == 0
        )
        if moves and market:
            sweep.resting(exchange, market)
        exchange.stops_left = STOPS_PER_COMMAND
        for traded in exchange.ascending():
            armed = any(
                event["kind"] == EventKind.STOP_ARMED and event["netuid"] == traded.netuid for event in exchange.events
            )
            if traded.traded > before or armed:
                stops.run(exchange, traded)

    def _refuse(self, command: Record, refused: Refused) -> NaiveAnswer:
        exchange, kind = self.exchange, command["kind"]
        event = exchange.emit(
            EventKind.COMMAND_REJECTED,
            code=int(refused.code),
            account=command["account"],
            netuid=command["netuid"],
            other=kind,
            amount=refused.value,
            limit=refused.bound,
        )
        only_checked = kind == CommandKind.PLACE_ORDER and command["flags"] & Flag.VALIDATE_ONLY
        if kind not in WITHOUT_CLIENT_ID and not only_checked:
            event |= {name: command[name] for name in ("id_hi", "id_lo", "digest")}
            first = FirstAnswer(command["digest"], int(refused.code), 0, refused.value, refused.bound)
            exchange.remember(command, first)
        return NaiveAnswer(code=int(refused.code), value=refused.value, bound=refused.bound)

    def _import(self, request: Request, records: list[Record]) -> NaiveAnswer:
        exchange, number = self.exchange, records[0]["other"]
        if is_repeated(exchange, records[0]):
            return NaiveAnswer(duplicate=True)
        if exchange.money_halted:
            refused = dict.fromkeys(COMMAND.names or (), 0) | {"kind": CommandKind.REFUSE_HEAD}
            return self._refuse(refused, Refused(Refusal.MONEY_HALTED))
        try:
            judge(exchange, request, records)
        except Refused as refused:
            code, value, bound = int(refused.code), refused.value, refused.bound
            exchange.emit(EventKind.HEAD_REFUSED, code=code, other=number, amount=value, limit=bound)
            exchange.emit(EventKind.HALT_CHANGED, netuid=NO_NETUID, code=Halt.MONEY, flags=int(Flag.ARM))
            exchange.halt(NO_NETUID, Halt.MONEY, on=True)
            return NaiveAnswer(code=code, value=value, bound=bound)
        before = exchange.seq
        for record in records:
            heads.RULES[record["kind"]](exchange, record, payload_of(record, request.payloads))
        exchange.stops_left = STOPS_PER_COMMAND
        for market in exchange.ascending():
            if market.traded > before:
                stops.run(exchange, market)
        return NaiveAnswer()

    def export(self) -> dict[str, Any]:
        """Return the whole state in the compiled engine's canonical form."""
        exchange = self.exchange
        slots = {netuid: slot for slot, netuid in enumerate(exchange.markets, 1)}
        return {
            "scalars": export_scalars(exchange, slots),
            "balances": export_balances(exchange),
            "ledger": export_ledger(exchange),
            "markets": sorted(export_market(exchange, market, slots) for market in exchange.markets.values()),
            "jobs": [[int(getattr(job, name)) for name in JOB_COLUMNS] for _, job in sorted(exchange.jobs.items())],
            "addresses": [
                [number, of.account, of.netuid, int(of.alpha), of.usable_from, of.hotkey]
                for number, of in sorted(exchange.addresses.items())
            ],
            "keys": [[int(role), account] for role, account in exchange.keys],
            "orders": export_orders(exchange, slots),
            "volumes": export_volumes(exchange),
            "tiers": [list(exchange.tiers.get(tier, (0, 0, 0))) for tier in range(TIERS)],
            "fundings": [[of.netuid, int(of.alpha), of.amount] for of in exchange.fundings],
            "answers": [
                row
                for parity in (0, 1)
                for row in sorted(
                    [*key, *asdict(first).values()]
                    for generation, kept in exchange.answers.items()
                    if generation % 2 == parity
                    for key, first in kept.items()
                )
            ],
            "texts": export_texts(exchange),
        }


def export_scalars(exchange: Exchange, slots: dict[int, int]) -> dict[str, int]:
    """Return what there is once."""
    same = ("seq", "ts", "accounts", "hotkeys", "head", "block_ts", "interval", "imported", "spec", "first_head")
    halts = ("money_halted", "signer_halted", "instant_halted", "withdrawals_halted")
    settlement = exchange.jobs.get(exchange.settlement)
    kept = {0: 0, 1: 0}
    for generation, answers in exchange.answers.items():
        kept[generation % 2] += len(answers)
    keys = [role for role, _ in exchange.keys]
    return {
        **{name: int(getattr(exchange, name)) for name in (*same, *halts)},
        **{f"hash_{i}": word for i, word in enumerate(exchange.head_hash)},
        "keys": len(keys),
        "hot_key": next((i for i, role in enumerate(keys, 1) if role == 1), 0),
        "trading_key": next((i for i, role in enumerate(keys, 1) if role == 2), 0),
        "settlement": exchange.settlement,
        "items": settlement.items if settlement else 0,
        "items_done": settlement.items_done if settlement else 0,
        "generation": exchange.generation,
        "answers_even": kept[0],
        "answers_odd": kept[1],
        "first_market": slots[min(slots)] if slots else 0,
        "markets": len(exchange.markets),
        "jobs": len(exchange.jobs),
        "addresses": len(exchange.addresses),
        "fundings": len(exchange.fundings),
        "live_orders": len(exchange.orders),
        "firm_tao": exchange.firm_tao,
    }


def shelf_of(exchange: Exchange, order: Order, slots: dict[int, int]) -> int:
    """Return the place of the shelf on which an order stands, plus 1; 0 for none."""
    if order.state == OrderState.RESTING:
        shelf = Shelf.ASKS if order.sell else Shelf.BIDS
    elif order.state == OrderState.QUEUED:
        shelf = Shelf.QUEUED_SALES if order.sell else Shelf.QUEUED_BUYS
    elif order.state == OrderState.IN_FLIGHT:
        shelf = Shelf.FLIGHT
    elif order.state == OrderState.ARMED:
        on_index = bool(order.traits & Trait.ON_INDEX)
        rising, falling = (
            (Shelf.INDEX_RISING, Shelf.INDEX_FALLING) if on_index else (Shelf.LAST_RISING, Shelf.LAST_FALLING)
        )
        shelf = rising if stops.rises(order) else falling
    else:
        return 0
    return 2 + SHELVES * (slots[order.netuid] - 1) + shelf


def export_orders(exchange: Exchange, slots: dict[int, int]) -> list[list[int]]:
    """Return all rows of the slab of live orders."""
    rows = []
    for order in exchange.orders.values():
        row = asdict(order)
        row["market"] = 0 if order.state == OrderState.GUARD else slots[order.netuid] - 1
        row["shelf"] = shelf_of(exchange, order, slots)
        rows.append([int(row[name]) for name in ORDER.names or ()])
    return sorted(rows)


def export_volumes(exchange: Exchange) -> list[list[int]]:
    """Return what accounts traded per day of the last 30, each day in its own column, and the newest day."""
    rows = []
    for account, days in sorted(exchange.volumes.items()):
        newest = max(days)
        columns = [0] * VOLUME_DAYS
        for day, units in days.items():
            if newest - VOLUME_DAYS < day <= newest:
                columns[day % VOLUME_DAYS] = units
        rows.append([account, *columns, newest])
    return rows


def export_balances(exchange: Exchange) -> list[list[int]]:
    """Return the customers' rows: key, free, held, uncovered, cut."""
    books = exchange.books
    owners = {(first, asset) for (name, first, _), asset in books.amounts if name in {"free", "held"}}
    rows = []
    for account, asset in owners:
        uncovered, cut = exchange.uncovered.get((account, asset), (0, 0))
        free, held = books.free(account, asset), books.get("held", asset, account)
        if free or held or uncovered:
            rows.append([(account << ASSET_BITS) | asset, free, held, uncovered, cut])
    return sorted(rows)


def export_ledger(exchange: Exchange) -> list[list[int]]:
    """Return all other accounts: code, asset, amount, day of drift, drift."""
    rows = []
    for ((name, first, second), asset), amount in exchange.books.amounts.items():
        if name in CLASSES:
            day, drift = exchange.drifted.get((first, second, asset - 1), (0, 0)) if name == "custody_stake" else (0, 0)
            if amount or drift:
                rows.append([CLASSES[name] << CLASS_SHIFT | first << FIRST_SHIFT | second, asset, amount, day, drift])
    return sorted(rows)


def export_market(exchange: Exchange, market: Market, slots: dict[int, int]) -> list[int]:
    """Return one market's row in the order of the compiled table."""
    pool, base, mirror, item = market.pool, market.base if market.calm else None, market.mirror, market.item
    later = [netuid for netuid in exchange.markets if netuid > market.netuid]
    row = [market.netuid, market.registered_at, slots[min(later)] if later else 0, market.stage, market.hotkey]
    row += [market.target, market.min_settle, market.k_ppm, market.taker_ppm, market.maker_ppm, market.tolerance_ppm]
    row += [int(market.backed)]
    row += [pool.tao, pool.alpha, pool.weight, pool.fee_rate] if pool else [0] * 4
    row += [int(market.closed), market.pool_height, market.spot, market.calm]
    row += [base.tao, base.alpha, base.weight] if base else [0] * 3
    row += [mirror.tao, mirror.alpha] if mirror else [0] * 2
    row += [market.used, market.cap, market.gates, market.need, market.need_since, market.open_cut, market.final_cut]
    row += [int(market.bought_cut > market.final_cut), int(market.instant_halted), int(market.withdrawals_halted)]
    if item is None:
        row += [0] * 9
    else:
        amounts = [item.amount, item.limit, item.house]
        row += [exchange.settlement, item.number, int(item.sell), *amounts, item.hotkey, item.cut, int(item.done)]
    row += [
        market.block_pending,
        market.firm_pending,
        market.firm_used,
        exchange.firm_alpha(market),
        market.last,
        market.traded,
        len(market.spots),
    ]
    row += [*market.spots, 0, 0, 0, 0, 0][:5]
    row += [len(exchange.in_state(market, *(state for state in OrderState if state < OrderState.QUOTE)))]
    return [*row, *market.share_out]


def export_texts(exchange: Exchange) -> dict[str, Any]:
    """Return all texts."""
    texts = exchange.texts
    return {
        "names": texts.names,
        "deposit_keys": sorted(texts.deposit_keys.items()),
        "api_keys": [[*figures, body.hex()] for *figures, body in texts.api_keys],
        "keys": [public.hex() for public in texts.keys],
        "hotkeys": [public.hex() for public in texts.hotkeys],
        "markets": [[netuid, body.hex()] for netuid, body in sorted(texts.markets.items())],
        "addresses": [[number, of.body.hex()] for number, of in sorted(exchange.addresses.items())],
        "signed": [[job, body.hex()] for job, body in sorted(texts.signed.items())],
    }

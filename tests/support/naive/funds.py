"""Deposits, suspense and withdrawals (``execution`` section 8)."""

from ledger.engine.layout import MAX_AMOUNT, NO_NETUID, TAO_ASSET, EventKind, Flag, Job, KeyRole
from ledger.engine.listing import Verb
from ledger.engine.parameters import (
    MIN_DEPOSIT_ALPHA_VALUE,
    MIN_DEPOSIT_TAO,
    MIN_WITHDRAWAL_ALPHA_VALUE,
    MIN_WITHDRAWAL_TAO,
    WITHDRAWAL_FEE_ALPHA,
    WITHDRAWAL_FEE_TAO,
)
from ledger.errors import Refusal
from tests.support.naive.exchange import Exchange, OpenJob, Record, Refused
from tests.support.naive.setup import mirror_fields
from tests.support.naive.takers import stage_allows


def asset_of(record: Record) -> int:
    """Return the asset a record's amount is of."""
    return record["netuid"] + 1 if record["flags"] & Flag.ALPHA else TAO_ASSET


def house_account(netuid: int) -> tuple[str, int]:
    """Return the house account that operator money goes to: a market's, or the capital."""
    return ("capital", 0) if netuid == NO_NETUID else ("trading", netuid)


def why_suspended(exchange: Exchange, record: Record) -> int:
    """Return why a deposit at a customer's key cannot be credited, or 0."""
    if not record["flags"] & Flag.ALPHA:
        return Refusal.BELOW_MINIMUM if record["amount"] < MIN_DEPOSIT_TAO else 0
    market = exchange.markets.get(record["netuid"])
    if market is None:
        return Refusal.UNKNOWN_MARKET
    if not stage_allows(market.stage, Verb.DEPOSIT):
        return Refusal.MARKET_STAGE
    return Refusal.BELOW_MINIMUM if market.value(record["amount"]) < MIN_DEPOSIT_ALPHA_VALUE else 0


def deposit(exchange: Exchange, record: Record, text: bytes | None) -> None:
    """Credit a customer, fund the house, or put aside what has no owner."""
    role, account = exchange.keys[record["key"] - 1]
    alpha, asset, amount = bool(record["flags"] & Flag.ALPHA), asset_of(record), record["amount"]
    fields = {name: record[name] for name in ("key", "other", "amount", "aux")} | {
        "flags": record["flags"] & Flag.ALPHA
    }
    received = (*exchange.books.custody(record["key"], record["other"], asset), -amount)
    if role != KeyRole.DEPOSIT:
        for funding in exchange.fundings:
            fits = funding.amount == amount and funding.alpha == alpha
            if fits and (not alpha or funding.netuid == record["netuid"]):
                exchange.fundings.remove(funding)
                exchange.emit(EventKind.HOUSE_FUNDED, netuid=funding.netuid, **fields)
                exchange.books.post(received, (*house_account(funding.netuid), 0, asset, amount))
                return
        reason = int(Refusal.UNKNOWN_OWNER)
    else:
        reason = int(why_suspended(exchange, record))
    fields |= {"account": account, "tao": exchange.head, "payload": text, "netuid": record["netuid"]}
    if reason:
        exchange.emit(EventKind.DEPOSIT_SUSPENDED, code=reason, **fields)
        exchange.books.post(received, ("suspense", 0, 0, asset, amount))
    else:
        exchange.emit(EventKind.DEPOSIT_CREDITED, **fields)
        exchange.books.post(received, ("free", account, 0, asset, amount))


def withdraw(exchange: Exchange, command: Record, _text: bytes | None) -> int:
    """Hold an amount and its fee until the chain has paid it out."""
    account, amount = command["account"], command["amount"]
    alpha = bool(command["flags"] & Flag.ALPHA)
    netuid = command["netuid"] if alpha else NO_NETUID
    asset = netuid + 1 if alpha else TAO_ASSET
    exchange.require_account(account)
    if exchange.money_halted:
        raise Refused(Refusal.MONEY_HALTED)
    smallest, value, fee, uncovered, hotkey = MIN_WITHDRAWAL_TAO, amount, WITHDRAWAL_FEE_TAO, 0, 0
    if alpha:
        market = exchange.market(netuid)
        if not stage_allows(market.stage, Verb.WITHDRAW):
            raise Refused(Refusal.MARKET_STAGE, market.stage)
        if market.dissolved:
            raise Refused(Refusal.MARKET_DISSOLVED, netuid)
        smallest, fee, hotkey = MIN_WITHDRAWAL_ALPHA_VALUE, WITHDRAWAL_FEE_ALPHA, market.hotkey
        value = market.value(amount)
        bought, cut = exchange.uncovered.get((account, asset), (0, 0))
        uncovered = bought if cut > market.final_cut else 0
    if market.withdrawals_halted if alpha else exchange.withdrawals_halted:
        raise Refused(Refusal.WITHDRAWALS_HALTED, netuid)
    if not 1 <= amount <= MAX_AMOUNT:
        raise Refused(Refusal.AMOUNT_OUT_OF_RANGE, amount, MAX_AMOUNT)
    if value < smallest:
        raise Refused(Refusal.BELOW_MINIMUM, value, smallest)
    address = exchange.addresses.get(command["order_id"])
    if address is None or address.account != account:
        raise Refused(Refusal.UNKNOWN_ADDRESS, command["order_id"])
    if address.netuid != netuid:
        raise Refused(Refusal.ADDRESS_ASSET, netuid, address.netuid)
    if exchange.now < address.usable_from:
        raise Refused(Refusal.ADDRESS_COOLING, exchange.now, address.usable_from)
    if 0 <= command["aux"] < fee:
        raise Refused(Refusal.FEE_ABOVE_MAXIMUM, fee, command["aux"])
    free = exchange.books.free(account, asset)
    if amount + fee > free:
        raise Refused(Refusal.INSUFFICIENT_FUNDS, amount + fee, free)
    if amount + fee > free - uncovered:
        raise Refused(Refusal.NOT_COVERED, amount + fee, max(free - uncovered, 0))
    event = exchange.emit(
        EventKind.WITHDRAWAL_HELD,
        account=account,
        netuid=netuid,
        flags=command["flags"] & Flag.ALPHA,
        amount=amount,
        fee=fee,
        aux=command["order_id"],
    )
    event["order_id"] = event["seq"]
    exchange.jobs[event["seq"]] = OpenJob(
        event["seq"],
        Job.WITHDRAWAL,
        exchange.head,
        account=account,
        netuid=netuid,
        alpha=alpha,
        hotkey=hotkey,
        amount=amount,
        fee=fee,
        address_id=command["order_id"],
    )
    exchange.books.post(("free", account, 0, asset, -(amount + fee)), ("withdrawing", 0, 0, asset, amount + fee))
    return exchange.answer(command, event)


def resolve_suspense(exchange: Exchange, command: Record, _text: bytes | None) -> int:
    """Move something out of suspense to a customer or the house, or let the house pay for what is missing."""
    amount, account, netuid = command["amount"], command["account"], command["netuid"]
    alpha, asset = bool(command["flags"] & Flag.ALPHA), asset_of(command)
    if 0 in {command["other"], command["key"]} or command["other"] == command["key"]:
        raise Refused(Refusal.SAME_OPERATOR, command["other"], command["key"])
    if amount == 0 or abs(amount) > MAX_AMOUNT or (amount < 0 and account != 0):
        raise Refused(Refusal.AMOUNT_OUT_OF_RANGE, amount, MAX_AMOUNT)
    if account != 0:
        exchange.require_account(account)
    if alpha or (account == 0 and netuid != NO_NETUID):
        dissolved = exchange.market(netuid).dissolved
        if alpha and dissolved:
            raise Refused(Refusal.MARKET_DISSOLVED, netuid)
    suspended = exchange.books.suspense(asset)
    if not (0 < amount <= suspended or suspended <= amount < 0):
        raise Refused(Refusal.SUSPENSE_SHORT, amount, suspended)
    target = ("free", account) if account else house_account(netuid)
    exchange.books.post(("suspense", 0, 0, asset, -amount), (*target, 0, asset, amount))
    fields = {name: command[name] for name in ("netuid", "amount", "account", "other", "key")}
    if alpha and account == 0:
        market = exchange.markets[netuid]
        exchange.rebuild(market)
        fields |= mirror_fields(market)
    event = exchange.emit(EventKind.SUSPENSE_RESOLVED, flags=command["flags"] & Flag.ALPHA, **fields)
    return exchange.answer(command, event)

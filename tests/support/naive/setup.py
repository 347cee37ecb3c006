"""Accounts, keys, markets, parameters, halts and announced funding: what operators ask for."""

import json
from typing import Any

from amm.exchange_reference import PPM
from ledger.engine.layout import MAX_AMOUNT, NO_NETUID, CommandKind, EventKind, Flag, Halt, KeyRole, Stage
from ledger.engine.parameters import FUNDINGS_MAX
from ledger.errors import Refusal
from tests.support.naive.exchange import Address, Exchange, Funding, Market, Record, Refused

NAME_BYTES = 64
PUBLIC_BYTES = 32
BODY_BYTES = 4_096
SIGNED_BYTES = 65_536
CLIENT_TEXT_BYTES = 256
HALTS = int(Halt.MONEY | Halt.WITHDRAWALS | Halt.INSTANT | Halt.SIGNER)


def parse_object(text: bytes) -> dict[str, Any]:
    """Return a payload that must be a json object."""
    try:
        body = json.loads(text) if 0 < len(text) <= BODY_BYTES else None
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refused(Refusal.PAYLOAD_MALFORMED)
    return body


def check_text(exchange: Exchange, command: Record, text: bytes) -> None:
    """Refuse a payload that is not what its command needs, or that is taken."""
    kind = command["kind"]
    if kind == CommandKind.OPEN_ACCOUNT:
        check_name(exchange, text)
    elif kind in {CommandKind.ADD_CHAIN_KEY, CommandKind.ADD_HOTKEY}:
        if len(text) != PUBLIC_BYTES:
            raise Refused(Refusal.PUBLIC_KEY_MALFORMED)
        if text in (exchange.texts.keys if kind == CommandKind.ADD_CHAIN_KEY else exchange.texts.hotkeys):
            raise Refused(Refusal.PUBLIC_KEY_TAKEN)
    elif kind == CommandKind.ADD_API_KEY:
        body = parse_object(text)
        if not all(isinstance(body.get(name), str) and body[name] for name in ("key", "sealed")):
            raise Refused(Refusal.PAYLOAD_MALFORMED)
        if body["key"] in [json.loads(known)["key"] for *_, known in exchange.texts.api_keys]:
            raise Refused(Refusal.PUBLIC_KEY_TAKEN)
    elif kind == CommandKind.LIST_MARKET:
        parse_object(text)
    elif kind == CommandKind.ADD_ADDRESS:
        check_address(exchange, command, text)
    elif kind == CommandKind.ACCEPT_SIGNED:
        if not 0 < len(text) <= SIGNED_BYTES:
            raise Refused(Refusal.PAYLOAD_MALFORMED)
    elif len(text) > CLIENT_TEXT_BYTES:
        raise Refused(Refusal.PAYLOAD_MALFORMED)


def check_name(exchange: Exchange, text: bytes) -> None:
    """Refuse a name that is no name, or that another account has."""
    try:
        name = text.decode()
    except UnicodeDecodeError:
        raise Refused(Refusal.NAME_MALFORMED) from None
    if not 0 < len(text) <= NAME_BYTES or not name.isprintable():
        raise Refused(Refusal.NAME_MALFORMED)
    if name in exchange.texts.names:
        raise Refused(Refusal.NAME_TAKEN)


def check_address(exchange: Exchange, command: Record, text: bytes) -> None:
    """Refuse an address without a name or account, or whose name the customer uses for the same asset."""
    body = parse_object(text)
    name, public = body.get("name"), body.get("public")
    if not isinstance(name, str) or not 0 < len(name) <= NAME_BYTES:
        raise Refused(Refusal.PAYLOAD_MALFORMED)
    hexadecimal = isinstance(public, str) and len(public) == 2 * PUBLIC_BYTES and set(public) <= set("0123456789abcdef")
    if not hexadecimal:
        raise Refused(Refusal.PUBLIC_KEY_MALFORMED)
    netuid = command["netuid"] if command["flags"] & Flag.ALPHA else NO_NETUID
    for known in exchange.addresses.values():
        if (known.account, known.netuid, json.loads(known.body)["name"]) == (command["account"], netuid, name):
            raise Refused(Refusal.NAME_TAKEN)


def open_account(exchange: Exchange, command: Record, text: bytes) -> int:
    """Open the next account."""
    exchange.texts.names.append(text.decode())
    event = exchange.emit(EventKind.ACCOUNT_OPENED, account=exchange.accounts, payload=text)
    return exchange.answer(command, event)


def add_api_key(exchange: Exchange, command: Record, text: bytes) -> int:
    """Add an API key to an account."""
    exchange.require_account(command["account"])
    figures = {name: command[name] for name in ("account", "aux", "limit")}
    exchange.texts.api_keys.append((command["account"], command["aux"], command["limit"], text))
    return exchange.answer(command, exchange.emit(EventKind.API_KEY_ADDED, **figures, payload=text))


def add_chain_key(exchange: Exchange, command: Record, text: bytes) -> int:
    """Add the next of our chain keys; one is hot, one is for trading, the others belong to customers."""
    number, role, account = len(exchange.keys) + 1, command["code"], command["account"]
    if command["key"] != number:
        raise Refused(Refusal.NUMBER_OUT_OF_ORDER, command["key"], number)
    if role not in set(KeyRole):
        raise Refused(Refusal.ROLE_MALFORMED, role, KeyRole.DEPOSIT)
    if role != KeyRole.DEPOSIT:
        if exchange.key_of(KeyRole(role)):
            raise Refused(Refusal.ROLE_TAKEN, role, exchange.key_of(KeyRole(role)))
        if account != 0:
            raise Refused(Refusal.ROLE_MALFORMED, role, KeyRole.DEPOSIT)
    else:
        exchange.require_account(account)
        exchange.texts.deposit_keys[account] = number
    exchange.keys.append((KeyRole(role), account))
    exchange.texts.keys.append(text)
    event = exchange.emit(EventKind.CHAIN_KEY_ADDED, key=number, code=role, account=account, payload=text)
    return exchange.answer(command, event)


def add_hotkey(exchange: Exchange, command: Record, text: bytes) -> int:
    """Add the next hotkey."""
    number = exchange.hotkeys + 1
    if command["other"] != number:
        raise Refused(Refusal.NUMBER_OUT_OF_ORDER, command["other"], number)
    exchange.texts.hotkeys.append(text)
    return exchange.answer(command, exchange.emit(EventKind.HOTKEY_ADDED, other=number, payload=text))


def require_stage(stage: int) -> None:
    """Refuse what is no stage."""
    if stage not in set(Stage):
        raise Refused(Refusal.STAGE_MALFORMED, stage, Stage.DELISTED)


def list_market(exchange: Exchange, command: Record, text: bytes) -> int:
    """List a subnet's market."""
    netuid, hotkey = command["netuid"], command["other"]
    if netuid == NO_NETUID:
        raise Refused(Refusal.UNKNOWN_MARKET, netuid, NO_NETUID - 1)
    if netuid in exchange.markets:
        raise Refused(Refusal.MARKET_EXISTS, netuid)
    require_stage(command["code"])
    if not 1 <= hotkey <= exchange.hotkeys:
        raise Refused(Refusal.UNKNOWN_HOTKEY, hotkey, exchange.hotkeys)
    figures = {name: command[name] for name in ("netuid", "code", "other", "order_id")}
    exchange.markets[netuid] = Market(netuid, command["order_id"], command["code"], hotkey)
    exchange.texts.markets[netuid] = text
    return exchange.answer(command, exchange.emit(EventKind.MARKET_LISTED, **figures, payload=text))


def set_stage(exchange: Exchange, command: Record, _text: bytes | None) -> int:
    """Move a market to another stage."""
    market = exchange.market(command["netuid"])
    if market.dissolved:
        raise Refused(Refusal.MARKET_DISSOLVED, market.netuid)
    require_stage(command["code"])
    event = exchange.emit(EventKind.STAGE_CHANGED, netuid=market.netuid, code=command["code"], aux=market.stage)
    market.stage = command["code"]
    return exchange.answer(command, event)


def set_market(exchange: Exchange, command: Record, _text: bytes | None) -> int:
    """Set a market's parameters; the mirror follows the target at once, the cap with the next window."""
    market = exchange.market(command["netuid"])
    for amount in (command["amount"], command["tao"]):
        if not 0 <= amount <= MAX_AMOUNT:
            raise Refused(Refusal.AMOUNT_OUT_OF_RANGE, amount, MAX_AMOUNT)
    for ppm in (command["limit"], command["aux"], command["hold"], command["other"]):
        if not 0 <= ppm < PPM:
            raise Refused(Refusal.PARAMETER_OUT_OF_RANGE, ppm, PPM - 1)
    if command["other"] > command["aux"]:
        raise Refused(Refusal.PARAMETER_OUT_OF_RANGE, command["other"], command["aux"])
    if command["key"] not in {0, 1}:
        raise Refused(Refusal.PARAMETER_OUT_OF_RANGE, command["key"], 1)
    figures = {name: command[name] for name in ("netuid", "amount", "tao", "limit", "aux", "hold", "other", "key")}
    market.target, market.min_settle, market.k_ppm = command["amount"], command["tao"], command["limit"]
    market.taker_ppm, market.maker_ppm = command["aux"], command["other"]
    market.tolerance_ppm, market.backed = command["hold"], bool(command["key"])
    exchange.rebuild(market)
    event = exchange.emit(EventKind.MARKET_CONFIGURED, **figures, **mirror_fields(market))
    return exchange.answer(command, event)


def mirror_fields(market: Market) -> dict[str, int]:
    """Return the mirror as events carry it; zeros where there is none."""
    mirror = market.mirror
    return {"pool_tao": mirror.tao if mirror else 0, "pool_alpha": mirror.alpha if mirror else 0}


def set_halt(exchange: Exchange, command: Record, _text: bytes | None) -> int:
    """Halt or clear, by an operator."""
    bits, netuid = command["code"], command["netuid"]
    if bits == 0 or bits & ~HALTS:
        raise Refused(Refusal.PARAMETER_OUT_OF_RANGE, bits, HALTS)
    if bits & (Halt.WITHDRAWALS | Halt.INSTANT) and netuid != NO_NETUID:
        exchange.market(netuid)
    on = command["flags"] & Flag.ARM
    exchange.halt(netuid, bits, on=bool(on))
    event = exchange.emit(EventKind.HALT_CHANGED, netuid=netuid, code=bits, flags=on | Flag.BY_OPERATOR)
    return exchange.answer(command, event)


def add_address(exchange: Exchange, command: Record, text: bytes) -> int:
    """Enter an address into a customer's book."""
    alpha = bool(command["flags"] & Flag.ALPHA)
    exchange.require_account(command["account"])
    if alpha:
        exchange.market(command["netuid"])
    if command["other"] > exchange.hotkeys:
        raise Refused(Refusal.UNKNOWN_HOTKEY, command["other"], exchange.hotkeys)
    event = exchange.emit(
        EventKind.ADDRESS_ADDED,
        **{name: command[name] for name in ("account", "aux", "other")},
        netuid=command["netuid"] if alpha else NO_NETUID,
        flags=command["flags"] & Flag.ALPHA,
        payload=text,
    )
    address = Address(event["account"], event["netuid"], alpha, event["aux"], event["other"], text)
    exchange.addresses[event["seq"]] = address
    return exchange.answer(command, event)


def announce_funding(exchange: Exchange, command: Record, _text: bytes | None) -> int:
    """Announce the operator's money, so that it is not taken for a stranger's."""
    alpha, netuid, amount = bool(command["flags"] & Flag.ALPHA), command["netuid"], command["amount"]
    if alpha or netuid != NO_NETUID:
        exchange.market(netuid)
    if not 1 <= amount <= MAX_AMOUNT:
        raise Refused(Refusal.AMOUNT_OUT_OF_RANGE, amount, MAX_AMOUNT)
    if len(exchange.fundings) >= FUNDINGS_MAX:
        raise Refused(Refusal.TOO_MANY, len(exchange.fundings), FUNDINGS_MAX)
    exchange.fundings.append(Funding(netuid, alpha, amount))
    flags = command["flags"] & Flag.ALPHA
    return exchange.answer(
        command, exchange.emit(EventKind.FUNDING_ANNOUNCED, netuid=netuid, flags=flags, amount=amount)
    )

"""What an operator does before the first customer: house funds on the chain, markets, accounts with keys and deposits.

Every step may be repeated: chain calls carry fixed nonces of one development key that does nothing else, and what the
ledger has already is left alone. A start after a crash in the middle goes on where it was.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from amm.units import RAO_PER_TAO
from app.custody.signer import SigningService
from app.demo.wallet import Wallet, transfer, transfer_stake
from app.gateway.auth import TRADER
from app.gateway.vault import Vault
from app.link.connection import NodeConnection
from app.link.deposits import ChainKeys
from app.link.keybook import KeyBook
from app.link.reader import BlockReader
from app.link.setup import ensure_staking_proxy
from app.link.submitter import Submit
from chain.keys import KeyPair, ss58_decode
from ledger.engine.api import Answer
from ledger.engine.layout import CommandKind, Stage
from ledger.engine.records import body_digest, client_id, command, request
from ledger.engine.views import Views
from ledger.errors import TEXTS, Refusal

LISTED: Final = (1, 2, 4, 5)
"""The subnets that are listed: pools deep enough to trade on."""

OPERATOR: Final = "//Alice"
IDLE_HOTKEY: Final = "//Charlie//hotkey"
"""Under which the operator holds alpha at genesis, and all our alpha is staked."""

HOT_TAO: Final = 2_000 * RAO_PER_TAO
TRADING_TAO: Final = 50 * RAO_PER_TAO
HOUSE_ALPHA: Final = {1: 8_000 * RAO_PER_TAO, 2: 2_500 * RAO_PER_TAO, 4: 1_200 * RAO_PER_TAO, 5: 1_500 * RAO_PER_TAO}
"""House inventory of each market, alpha rao: many times what one window may move."""

TESTER: Final = "tester"
CUSTOMERS: Final = ("alice", TESTER)
TESTER_TAO: Final = 1_200 * RAO_PER_TAO
TESTER_ALPHA: Final = 550 * RAO_PER_TAO
KEYS_EACH: Final = 2
POLL_S: Final = 0.02
TIMEOUT_S: Final = 120.0


class SetupRefused(Exception):  # noqa: N818 - what happened
    """The ledger refused a step of the set-up."""


@dataclass(frozen=True, slots=True)
class Customer:
    """An account of the demo with its API keys ``(key, secret)``."""

    name: str
    account: int
    keys: tuple[tuple[str, str], ...]
    deposit_address: str

    def told(self) -> dict[str, Any]:
        """Return what a program needs to act as this customer."""
        return {
            "name": self.name,
            "keys": [{"key": key, "secret": secret} for key, secret in self.keys],
            "deposit_address": self.deposit_address,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The parts of an exchange that its set-up works with, whatever process they are in; ``reads`` are a replica's."""

    reads: Views
    submit: Submit
    chain_keys: ChainKeys
    signer: SigningService
    node_url: str


async def prepare_house(house: House) -> None:
    """Fund the house on the chain and list the markets, before the first block is imported."""
    if house.reads.head().number:
        return
    hot, trading = await house.chain_keys.ensure_custody()
    hotkey = KeyPair.from_uri(IDLE_HOTKEY).public
    async with NodeConnection(house.node_url) as node:
        operator = Wallet(node, OPERATOR)
        await operator.send_all(_house_calls(hot.public, trading.public, hotkey), first_nonce=0)
        book = KeyBook.of(house.reads)
        await ensure_staking_proxy(node, house.signer, book.keys[hot.key], book.keys[trading.key])
        reader = BlockReader(node)
        _, at = await reader.finalised()
        positions = {netuid: (hot.public, hotkey, netuid) for netuid in LISTED}
        stakes = await reader.stakes(list(positions.values()), at)
        registered = {netuid: await reader.registered_at(netuid, at) for netuid in LISTED}
    if not house.reads.hotkeys():
        await _do(house, CommandKind.ADD_HOTKEY, "hotkey", text=hotkey, hotkey=1)
    for netuid in LISTED:
        if house.reads.market(netuid, 0) is None:
            await _list_market(house, netuid, registered_at=registered[netuid], target=stakes[positions[netuid]])


async def open_customers(house: House, vault: Vault) -> list[Customer]:
    """Return the demo's customers, opening accounts and drawing keys at the first start."""
    return [await _open_customer(house, vault, name) for name in CUSTOMERS]


async def fund_tester(house: House, tester: Customer) -> None:
    """Have the operator deposit TAO and alpha for the tester on the chain, and wait until all of it is credited."""
    hotkey = KeyPair.from_uri(IDLE_HOTKEY).public
    recipient = ss58_decode(tester.deposit_address)
    calls = [transfer(recipient, TESTER_TAO)]
    calls += [transfer_stake(recipient, hotkey=hotkey, netuid=netuid, amount=TESTER_ALPHA) for netuid in LISTED]
    async with NodeConnection(house.node_url) as node:
        await Wallet(node, OPERATOR).send_all(calls, first_nonce=len(_house_calls(b"", b"", b"")))

    def is_credited() -> bool:
        reads = house.reads
        return all(_ever_had(reads.balance(tester.account, asset)) for asset in (0, *(n + 1 for n in LISTED)))

    await until(is_credited, "the tester's deposits are credited")


async def until(is_true: Callable[[], bool], what: str, *, timeout_s: float = TIMEOUT_S) -> None:
    """Return when a condition holds; raises ``TimeoutError`` naming it."""
    try:
        async with asyncio.timeout(timeout_s):
            while not is_true():  # noqa: ASYNC110 - conditions of several parts, looked at in a short while only
                await asyncio.sleep(POLL_S)
    except TimeoutError as error:
        raise TimeoutError(f"not in {timeout_s:.0f} s: {what}") from error


def _ever_had(balance: Any) -> bool:
    return bool(balance.free or balance.held)


def _house_calls(hot: bytes, trading: bytes, hotkey: bytes) -> list[Any]:
    stakes = [transfer_stake(hot, hotkey=hotkey, netuid=netuid, amount=HOUSE_ALPHA[netuid]) for netuid in LISTED]
    return [transfer(hot, HOT_TAO), transfer(trading, TRADING_TAO), *stakes]


async def _list_market(house: House, netuid: int, *, registered_at: int, target: int) -> None:
    body = msgspec.json.encode({"name": f"Subnet {netuid}"})
    await _do(
        house,
        CommandKind.LIST_MARKET,
        f"list/{netuid}",
        text=body,
        netuid=netuid,
        stage=Stage.ONLINE,
        hotkey=1,
        registered_at=registered_at,
    )
    await _do(
        house,
        CommandKind.SET_MARKET,
        f"market/{netuid}",
        netuid=netuid,
        target=target,
        min_settle=10_000_000,
        k_ppm=500_000,
        taker_ppm=2_600,
        maker_ppm=1_600,
        tolerance_ppm=10_000,
        backed=1,
    )


async def _open_customer(house: House, vault: Vault, name: str) -> Customer:
    reads = house.reads
    if reads.find_account(name) is None:
        await _do(house, CommandKind.OPEN_ACCOUNT, f"account/{name}", text=name.encode())
    view = reads.find_account(name)
    if view is None:
        raise SetupRefused(f"no account {name}")
    bodies = [key.body for key in reads.api_keys() if key.account == view.account]
    for number in range(len(bodies), KEYS_EACH):
        new = vault.new_key(f"{name}-{number + 1}")
        await _do(
            house,
            CommandKind.ADD_API_KEY,
            f"key/{name}/{number}",
            text=new.payload,
            account=view.account,
            permissions=int(TRADER),
        )
    keys = []
    for key in reads.api_keys():
        if key.account == view.account:
            body = msgspec.json.decode(key.body)
            keys.append((body["key"], b64encode(vault.open(body["sealed"])).decode()))
    address = await house.chain_keys.assign_deposit_key(view.account)
    return Customer(name, view.account, tuple(keys), address)


async def _do(house: House, kind: CommandKind, step: str, *, text: bytes = b"", **meanings: int) -> Answer:
    """Submit one set-up command under a fixed client id; raises ``SetupRefused``."""
    high, low = client_id(f"demo/{step}")
    if text:
        meanings["payload"] = 1
    record = command(
        kind,
        client_id_hi=high,
        client_id_lo=low,
        body_digest=body_digest(text + repr(sorted(meanings.items())).encode()),
        **meanings,
    )
    answer = await house.submit(request(record, payloads=[text] if text else []))
    if answer.code:
        refusal = Refusal(answer.code)
        raise SetupRefused(f"{step}: {refusal.name.lower()}: {TEXTS[refusal].meaning}")
    return answer

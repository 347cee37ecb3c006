"""Opens an exchange that is ready to trade: the commands of its operators, and chain heads made by hand.

No chain runs here. Pools are deep and the house owns plenty on purpose: every market order of a load test fills at
once, and what is measured is the work behind a fill, not a refusal. All rules hold as ever, the limits of windows,
funding and backing among them.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence

from app.gateway.auth import TRADER
from app.gateway.vault import NewKey
from ledger.engine.api import Answer, Request
from ledger.engine.layout import NO_NETUID, CommandKind, KeyRole, Records, Stage
from ledger.engine.parameters import SPEC_VERSIONS
from ledger.engine.records import command, hash_words, head_group, request

TAO = 10**9
BLOCK_MS = 12_000
MARKETS = 128
POOL_TAO, POOL_ALPHA, WEIGHT, FEE_RATE = 1_000_000 * TAO, 50_000_000 * TAO, 5 * 10**17, 33
TAKER_PPM, MAKER_PPM = 2_600, 1_600
TARGET_ALPHA = 200_000 * TAO
HOUSE_TAO = 200_000 * TAO
DEPOSIT_TAO = 1_000 * TAO
HOT, TRADING, FIRST_DEPOSIT_KEY = 1, 2, 3
HOTKEY = 1

Submit = Callable[[Request], Awaitable[Answer]]


class Refused(Exception):  # noqa: N818 - says what is the matter
    """A command of the opening, or an order of the load, was refused: the figures would be worthless."""


class Opening:
    """One exchange on its way to trading, driven through ``submit``.

    ``accounts`` and ``markets`` are how many; ``weight`` is the TAO weight of every pool, parts of 10**18.
    """

    def __init__(self, submit: Submit, *, accounts: int, markets: int = MARKETS, weight: int = WEIGHT) -> None:
        self._submit = submit
        self._weight = weight
        self._accounts = accounts
        self._markets = markets
        self._height = 0

    async def open(self, api_keys: Sequence[NewKey] = ()) -> None:
        """Set everything up and import two heads; ``api_keys``: one for each account, or none."""
        await self._all(self._operators(api_keys))
        await self.import_head(
            after=[
                command(CommandKind.ACCOUNT_SEEN, key=HOT, free=HOUSE_TAO),
                *(
                    command(CommandKind.STAKE_SEEN, key=HOT, hotkey=HOTKEY, netuid=netuid, stake=TARGET_ALPHA)
                    for netuid in self._netuids
                ),
            ]
        )
        await self.import_head(before=[self._deposit(account) for account in range(1, self._accounts + 1)])

    async def follow_blocks(self) -> None:
        """Import a block every 12 s, for ever, as a chain's blocks come; without them prices are stale after 30 s."""
        while True:
            await asyncio.sleep(BLOCK_MS / 1_000)
            await self.import_head()

    async def import_head(self, *, before: Sequence[Records] = (), after: Sequence[Records] = ()) -> None:
        """Import the next block, whose pools are as ever: a new window opens in every market."""
        number = self._height + 1
        begin = command(
            CommandKind.HEAD_BEGIN,
            number=number,
            spec_version=SPEC_VERSIONS[0],
            block_ts=number * BLOCK_MS,
            **hash_words(_block_hash(number)),
            **hash_words(_block_hash(self._height), "parent"),
        )
        pools = [
            command(
                CommandKind.POOL_SEEN,
                netuid=netuid,
                tao_reserve=POOL_TAO,
                alpha_reserve=POOL_ALPHA,
                weight=self._weight,
                fee_rate=FEE_RATE,
            )
            for netuid in self._netuids
        ]
        await self._all([head_group([begin, *before, *pools, *after])])
        self._height = number

    @property
    def _netuids(self) -> range:
        return range(1, self._markets + 1)

    def _operators(self, api_keys: Sequence[NewKey]) -> list[Request]:
        """Return the commands that open accounts, name keys and list markets."""
        accounts = range(1, self._accounts + 1)
        return [
            *(_with_text(CommandKind.OPEN_ACCOUNT, b"client %d" % account) for account in accounts),
            _with_text(CommandKind.ADD_CHAIN_KEY, _digest(b"hot"), key=HOT, role=KeyRole.HOT),
            _with_text(CommandKind.ADD_CHAIN_KEY, _digest(b"trading"), key=TRADING, role=KeyRole.TRADING),
            *(
                _with_text(
                    CommandKind.ADD_CHAIN_KEY,
                    deposit_key(account),
                    key=FIRST_DEPOSIT_KEY + account - 1,
                    role=KeyRole.DEPOSIT,
                    account=account,
                )
                for account in accounts
            ),
            _with_text(CommandKind.ADD_HOTKEY, _digest(b"hotkey"), hotkey=HOTKEY),
            *(
                _with_text(CommandKind.ADD_API_KEY, fresh.payload, account=account, aux=int(TRADER), nonce_window=0)
                for account, fresh in enumerate(api_keys, 1)
            ),
            *(listing for netuid in self._netuids for listing in _listing(netuid)),
        ]

    def _deposit(self, account: int) -> Records:
        return command(
            CommandKind.DEPOSIT_SEEN,
            key=FIRST_DEPOSIT_KEY + account - 1,
            netuid=NO_NETUID,
            amount=DEPOSIT_TAO,
            event_index=account,
        )

    async def _all(self, requests: Sequence[Request]) -> None:
        """Submit requests in order, and raise ``Refused`` at the first that is not accepted."""
        for answer in await asyncio.gather(*(self._submit(one) for one in requests)):
            if answer.code:
                raise Refused(f"code {answer.code}: {answer.value} where {answer.bound} would do")


def deposit_key(account: int) -> bytes:
    """Return the public key that deposits of an account go to."""
    return _digest(b"deposit %d" % account)


def _listing(netuid: int) -> tuple[Request, Request]:
    """Return the listing of a market and its parameters; the window may use half of what the fee protects."""
    parameters = command(
        CommandKind.SET_MARKET,
        netuid=netuid,
        target=TARGET_ALPHA,
        min_settle=10_000_000,
        k_ppm=500_000,
        taker_ppm=TAKER_PPM,
        tolerance_ppm=10_000,
        maker_ppm=MAKER_PPM,
        backed=1,
    )
    listing = _with_text(
        CommandKind.LIST_MARKET,
        b'{"name": "subnet"}',
        netuid=netuid,
        stage=Stage.ONLINE,
        hotkey=HOTKEY,
        registered_at=1,
    )
    return listing, request(parameters)


def _with_text(kind: CommandKind, text: bytes, **meanings: int) -> Request:
    return request(command(kind, payload=1, **meanings), payloads=[text])


def _digest(name: bytes) -> bytes:
    return hashlib.blake2b(name, digest_size=32).digest()


def _block_hash(number: int) -> bytes:
    return _digest(b"block %d" % number)

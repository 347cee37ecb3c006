"""The naive exchange behind HTTP: FastAPI, SQLAlchemy's async ORM on asyncpg, one transaction per order.

The same tables, locks and prices as ``naive_sql.py``, written as the tutorials of both libraries teach it: a session
per request, models, ``with_for_update``, pydantic at the door. Fair: uvloop and httptools, a pool of connections,
prepared statements kept by asyncpg, no access log, the signature checked by the very function our gateway uses, and the
nonce used up in the same transaction as the order, which saves a commit.
"""

import argparse
import base64
from collections.abc import AsyncIterator
from typing import Annotated, Literal
from urllib.parse import parse_qsl

import uvicorn
import uvloop
from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel, Field
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, MetaData, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.gateway.auth import is_signed
from app.gateway.server import GatewayServer
from app.gateway.vault import NewKey, Vault
from load_tests.baselines import constant_product
from load_tests.child import serve_until_told

SCHEMA = "crud"
CONNECTIONS = 16
TAO_ASSET = 0
RAO_PER_WHOLE = 10**9
LOT_DECIMALS, LOT_RAO = 8, 10


class Base(DeclarativeBase):
    """All tables, in a schema of their own."""

    metadata = MetaData(schema=SCHEMA)


class ApiKey(Base):
    """A key of an account, with the last nonce it used."""

    __tablename__ = "api_keys"
    key: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[int] = mapped_column(BigInteger)
    secret: Mapped[bytes]
    nonce: Mapped[int] = mapped_column(BigInteger, default=0)


class Account(Base):
    """A customer."""

    __tablename__ = "accounts"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(unique=True)


class Balance(Base):
    """What an account owns of an asset, rao."""

    __tablename__ = "balances"
    __table_args__ = (CheckConstraint("free >= 0"),)
    account: Mapped[int] = mapped_column(BigInteger, ForeignKey(Account.id), primary_key=True)
    asset: Mapped[int] = mapped_column(primary_key=True)
    free: Mapped[int] = mapped_column(BigInteger, default=0)


class Pool(Base):
    """A market's pool, and what the house made on it, rao."""

    __tablename__ = "pools"
    netuid: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tao: Mapped[int] = mapped_column(BigInteger)
    alpha: Mapped[int] = mapped_column(BigInteger)
    fee_rate: Mapped[int]
    taker_ppm: Mapped[int]
    house_tao: Mapped[int] = mapped_column(BigInteger, default=0)
    house_alpha: Mapped[int] = mapped_column(BigInteger, default=0)
    house_fees: Mapped[int] = mapped_column(BigInteger, default=0)


class Order(Base):
    """An order of an account."""

    __tablename__ = "orders"
    __table_args__ = (Index("orders_by_account", "account", "id"),)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account: Mapped[int] = mapped_column(BigInteger, ForeignKey(Account.id))
    netuid: Mapped[int] = mapped_column(ForeignKey(Pool.netuid))
    is_sell: Mapped[bool]
    volume: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str]


class Fill(Base):
    """The execution of an order."""

    __tablename__ = "fills"
    __table_args__ = (Index("fills_by_order", "order_id"), Index("fills_by_market", "netuid", "id"))
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(Order.id))
    account: Mapped[int] = mapped_column(BigInteger)
    netuid: Mapped[int]
    volume: Mapped[int] = mapped_column(BigInteger)
    tao: Mapped[int] = mapped_column(BigInteger)
    fee: Mapped[int] = mapped_column(BigInteger)


class Posting(Base):
    """One signed line of a fill's double entry."""

    __tablename__ = "postings"
    fill_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(Fill.id), primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    asset: Mapped[int] = mapped_column(primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)


class OrderForm(BaseModel):
    """The fields of AddOrder."""

    nonce: int
    ordertype: Literal["market"]
    type: Literal["buy", "sell"]
    volume: Annotated[str, Field(pattern=r"^\d{1,8}(\.\d{1,8})?$")]
    pair: Annotated[str, Field(pattern=r"^SN\d{1,4}TAO$")]

    @property
    def volume_rao(self) -> int:
        """Return the volume in rao of alpha."""
        whole, _, fraction = self.volume.partition(".")
        return int(whole) * RAO_PER_WHOLE + int(fraction.ljust(LOT_DECIMALS, "0")) * LOT_RAO

    @property
    def netuid(self) -> int:
        """Return the market."""
        return int(self.pair.removeprefix("SN").removesuffix("TAO"))


class Description(BaseModel):
    """What an order says of itself."""

    order: str


class Placed(BaseModel):
    """The result of AddOrder."""

    descr: Description
    txid: list[str]


class Envelope(BaseModel):
    """The answer of every call."""

    error: list[str]
    result: Placed


def create_app(engine: AsyncEngine) -> FastAPI:
    """Return the application."""
    sessions = async_sessionmaker(engine, expire_on_commit=False, autoflush=False)
    app = FastAPI()

    async def open_session() -> AsyncIterator[AsyncSession]:
        async with sessions() as session:
            yield session

    Session = Annotated[AsyncSession, Depends(open_session)]  # noqa: N806 - a type

    @app.post("/0/private/AddOrder")
    async def add_order(request: Request, session: Session) -> Envelope:
        raw = await request.body()
        form = OrderForm.model_validate(dict(parse_qsl(raw.decode())))
        async with session.begin():
            account = await _authenticate(request, raw, form.nonce, session)
            order = await _fill(session, account, form)
        described = f"{form.type} {form.volume} {form.pair} @ market"
        return Envelope(error=[], result=Placed(descr=Description(order=described), txid=[f"O{order.id}"]))

    return app


async def _authenticate(request: Request, raw: bytes, nonce: int, session: AsyncSession) -> int:
    """Return the account that signed; its nonce is used up with the transaction."""
    key = await session.get(ApiKey, request.headers.get("api-key", ""), with_for_update=True)
    signature = request.headers.get("api-sign", "")
    if key is None or not is_signed(request.url.path, str(nonce), raw, secret=key.secret, signature=signature):
        raise HTTPException(403, "EAPI:Invalid key or signature")
    if nonce <= key.nonce:
        raise HTTPException(403, "EAPI:Invalid nonce")
    key.nonce = nonce
    return key.account


async def _fill(session: AsyncSession, account: int, form: OrderForm) -> Order:
    """Fill a market order against the pool, all or nothing."""
    is_sell, volume, asset = form.type == "sell", form.volume_rao, form.netuid + 1
    wanted = (
        select(Balance)
        .where(Balance.account == account, Balance.asset.in_([TAO_ASSET, asset]))
        .order_by(Balance.asset)
        .with_for_update()
    )
    owned = {balance.asset: balance for balance in await session.scalars(wanted)}
    if asset not in owned:
        owned[asset] = Balance(account=account, asset=asset, free=0)
        session.add(owned[asset])
    pool = await session.get(Pool, form.netuid, with_for_update=True)
    if pool is None:
        raise HTTPException(404, "EQuery:Unknown asset pair")
    price = constant_product.sell if is_sell else constant_product.buy
    trade = price(pool.tao, pool.alpha, volume, fee_rate=pool.fee_rate, taker_ppm=pool.taker_ppm)
    alpha, tao = (-volume, trade.tao) if is_sell else (volume, -trade.tao)
    if owned[asset].free + alpha < 0 or owned[TAO_ASSET].free + tao - trade.fee < 0:
        raise HTTPException(409, "EOrder:Insufficient funds")
    owned[asset].free += alpha
    owned[TAO_ASSET].free += tao - trade.fee
    pool.tao, pool.alpha = trade.pool_tao, trade.pool_alpha
    pool.house_tao -= tao
    pool.house_alpha -= alpha
    pool.house_fees += trade.fee
    order = Order(account=account, netuid=form.netuid, is_sell=is_sell, volume=volume, status="filled")
    session.add(order)
    await session.flush()
    fill = Fill(order_id=order.id, account=account, netuid=form.netuid, volume=volume, tao=trade.tao, fee=trade.fee)
    session.add(fill)
    await session.flush()
    customer, house = f"customer:{account}", f"house:{form.netuid}"
    lines = (
        (customer, TAO_ASSET, tao - trade.fee),
        (house, TAO_ASSET, -tao),
        ("house:fees", TAO_ASSET, trade.fee),
        (customer, asset, alpha),
        (house, asset, -alpha),
    )
    session.add_all(Posting(fill_id=fill.id, account=name, asset=own, amount=amount) for name, own, amount in lines)
    return order


async def set_up(
    engine: AsyncEngine,
    keys: list[NewKey],
    *,
    markets: int,
    deposit: int,
    reserves: tuple[int, int],
    terms: (tuple[int, int]),
) -> None:
    """Make the tables; one account with ``deposit`` rao for each key; ``terms``: pool fee rate and trading fee, ppm."""
    async with engine.begin() as connection:
        await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(engine) as session, session.begin():
        numbered = list(enumerate(keys, 1))
        session.add_all(Account(id=number, name=f"client {number}") for number, _ in numbered)
        session.add_all(
            Pool(netuid=netuid, tao=reserves[0], alpha=reserves[1], fee_rate=terms[0], taker_ppm=terms[1])
            for netuid in range(1, markets + 1)
        )
        await session.flush()
        session.add_all(Balance(account=number, asset=TAO_ASSET, free=deposit) for number, _ in numbered)
        session.add_all(
            ApiKey(key=fresh.key, account=number, secret=base64.b64decode(fresh.secret)) for number, fresh in numbered
        )


async def serve(
    url: str, *, accounts: int, markets: int, deposit: int, reserves: tuple[int, int], terms: tuple[int, int]
) -> None:
    """Serve until the input ends. Words: ``fills`` returns how many are stored."""
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=CONNECTIONS, max_overflow=0
    )
    vault = Vault(bytes(32))
    keys = [vault.new_key() for _ in range(accounts)]
    await set_up(engine, keys, markets=markets, deposit=deposit, reserves=reserves, terms=terms)

    async def count_fills() -> int:
        async with AsyncSession(engine) as session:
            return await session.scalar(select(func.count()).select_from(Fill)) or 0

    config = uvicorn.Config(
        create_app(engine), host="127.0.0.1", port=0, log_config=None, access_log=False, timeout_keep_alive=75
    )
    told = {"keys": [(fresh.key, fresh.secret) for fresh in keys]}
    try:
        await serve_until_told(GatewayServer(config), told, {"fills": count_fills})
    finally:
        await engine.dispose()


def main() -> None:
    """Run the child."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    for name in ("accounts", "markets", "deposit", "tao", "alpha", "fee-rate", "taker-ppm"):
        parser.add_argument(f"--{name}", type=int, required=True)
    chosen = parser.parse_args()
    uvloop.run(
        serve(
            chosen.url,
            accounts=chosen.accounts,
            markets=chosen.markets,
            deposit=chosen.deposit,
            reserves=(chosen.tao, chosen.alpha),
            terms=(chosen.fee_rate, chosen.taker_ppm),
        )
    )


if __name__ == "__main__":
    main()

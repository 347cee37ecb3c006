"""Exact quotes, which bind nobody, and firm quotes, which bind the house for a while."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from amm.shares import cost_within
from amm.units import format_decimal
from app.gateway.auth import Caller, Permission
from app.gateway.bodies import client_address
from app.gateway.folds.quotes import Quote, quote_of_row
from app.gateway.folds.trades import trade_price
from app.gateway.kraken.envelope import price_text, rfc3339
from app.gateway.kraken.errors import Refused
from app.gateway.kraken.fees import taker_ppm
from app.gateway.kraken.refusals import closing_reason
from app.gateway.parts import Parts
from app.gateway.problems import Problem
from app.gateway.v1.amounts import Decimal, Wanted, amounts_of, limit_of, pair_named
from app.gateway.v1.signed import account_history, idempotency_key, problem_of, read_signed, signed_caller, submit
from ledger.engine.layout import CommandKind, Flag, Mode
from ledger.engine.records import body_digest, client_id, command
from ledger.errors import Refusal

LIFE_DEFAULT_MS: Final = 5_000


class PartModel(BaseModel):
    """One part of a quote: with another customer (``cross``) or on the curve (``instant``)."""

    mode: str
    volume: str
    cost: str
    fee: str


class QuoteModel(BaseModel):
    """What an order would get as of ``seq``; it binds nobody.

    ``cost`` is before the trading ``fee``, the pool's own fee inside; ``max_paid`` and ``min_received`` contain both.
    ``mode``: cross, instant, or block with the ``reason`` that it would wait; then the figures are the curve's now.
    """

    symbol: str
    side: str
    seq: int
    head: int
    head_hash: str
    mode: str
    reason: str | None
    is_whole: bool
    volume: str
    cost: str
    fee: str
    price: str
    max_paid: str | None
    min_received: str | None
    window_used: str
    reserve_tao: str
    reserve_alpha: str
    parts: list[PartModel]


class NewFirmQuote(Wanted):
    """A firm quote to issue; ``nonce`` as in every signed call, ``life_ms`` at most one block interval."""

    nonce: str
    life_ms: Annotated[str, Field(pattern=r"^[0-9]{1,6}$")] = str(LIFE_DEFAULT_MS)


class Acting(BaseModel):
    """The body of a call that takes a firm quote."""

    model_config = ConfigDict(extra="forbid")

    nonce: str


class FirmQuoteModel(BaseModel):
    """One firm quote; ``state`` is live, taken or ended; ``fill`` names the fill once taken."""

    id: int
    symbol: str
    side: str
    state: str
    reason: str | None
    volume: str
    cost: str
    fee: str
    max_paid: str | None
    min_received: str | None
    issued_at: str
    expires_at: str
    fill: int | None


def quotes_router(parts: Parts) -> APIRouter:
    """Return the routes over these parts."""
    router = APIRouter(prefix="/v1", tags=["quotes"])

    @router.get("/quote")
    async def quote(
        http: Request,
        symbol: Annotated[str, Query(max_length=32)],
        side: Literal["buy", "sell"],
        volume: Annotated[Decimal | None, Query()] = None,
        total: Annotated[Decimal | None, Query()] = None,
        limit_price: Annotated[Decimal | None, Query()] = None,
    ) -> QuoteModel:
        """Return exactly what such an order would be filled with now, at the fees of the first tier."""
        if not parts.limits.public_call(client_address(http), parts.now_ms()):
            raise Problem(429, "too_many_requests", "Too many calls from this address", retry_after_s=1)
        wanted = Wanted(symbol=symbol, side=side, volume=volume, total=total, limit_price=limit_price)
        return exact_quote(parts, wanted)

    @router.post("/firm-quotes", status_code=201)
    async def issue(http: Request) -> FirmQuoteModel:
        """Issue a firm quote: the funds are held, and the amounts bind the house until it expires.

        Signed; safe to retry with the same Idempotency-Key.
        """
        wanted, caller = await read_signed(http, parts, Permission.MODIFY_ORDERS, NewFirmQuote)
        pair = pair_named(parts, wanted.symbol)
        alpha, tao = amounts_of(wanted)
        try:
            limit = limit_of(wanted, pair)
        except Refused as refused:
            raise problem_of(refused) from refused
        flags = (Flag.SELL if wanted.side == "sell" else 0) | (Flag.IN_QUOTE if tao else 0)
        figures = (pair.netuid, int(flags), alpha, tao, limit, wanted.life_ms)
        high, low = client_id(f"q:{idempotency_key(http, caller)}")
        record = command(
            CommandKind.ISSUE_QUOTE,
            flags=int(flags),
            account=caller.api_key.account,
            netuid=pair.netuid,
            alpha_rao=alpha,
            tao_rao=tao,
            limit=limit,
            life_ms=int(wanted.life_ms),
            id_hi=high,
            id_lo=low,
            digest=body_digest(repr(figures).encode()),
        )
        answer = await submit(parts, record)
        return _firm_model(parts, await find_quote(parts, caller, answer.reference))

    @router.get("/firm-quotes/{quote_id}")
    async def read(quote_id: int, http: Request) -> FirmQuoteModel:
        """Return a firm quote of the account."""
        caller = await signed_caller(http, parts, Permission.QUERY_OPEN_ORDERS)
        return _firm_model(parts, await find_quote(parts, caller, quote_id))

    @router.post("/firm-quotes/{quote_id}/take")
    async def take(quote_id: int, http: Request) -> FirmQuoteModel:
        """Take a firm quote: it is filled to the rao. Safe to retry with the same Idempotency-Key."""
        _, caller = await read_signed(http, parts, Permission.MODIFY_ORDERS, Acting)
        return await _act(parts, http, caller, CommandKind.TAKE_QUOTE, quote_id)

    @router.delete("/firm-quotes/{quote_id}")
    async def release(quote_id: int, http: Request) -> FirmQuoteModel:
        """Release a firm quote: its funds are free again."""
        caller = await signed_caller(http, parts, Permission.CANCEL_ORDERS)
        return await _act(parts, http, caller, CommandKind.RELEASE_QUOTE, quote_id)

    return router


def exact_quote(parts: Parts, wanted: Wanted) -> QuoteModel:
    """Return what a market order (a limit order, with a limit price) would be filled with now."""
    pair = pair_named(parts, wanted.symbol)
    alpha, total = amounts_of(wanted)
    try:
        limit = limit_of(wanted, pair)
    except Refused as refused:
        raise problem_of(refused) from refused
    replica = parts.replica
    now_ms = max(parts.now_ms(), replica.ts_ms)
    market = replica.market(pair.netuid, now_ms)
    ppm = taker_ppm(market.taker_ppm, replica.reads.tiers()[0]) if market is not None else 0
    sell = wanted.side == "sell"
    plan = replica.reads.plan(
        pair.netuid,
        ts_ms=now_ms,
        sell=sell,
        alpha=alpha,
        cost=int(cost_within(total, ppm)) if total else 0,
        limit=limit,
        slippage_ppm=parts.settings.slippage_ppm,
        taker_ppm=ppm,
    )
    if plan is None or market is None:
        raise Problem(409, "pool_closed", "The market has no pool to quote from", value=wanted.symbol)
    head, mirror = replica.heads.current, (market.mirror_tao, market.mirror_alpha)
    modes = sorted({part.mode for part in plan.parts})
    mode = "block" if plan.reason else "+".join(mode.name.lower() for mode in modes) or "none"
    return QuoteModel(
        symbol=pair.wsname,
        side=wanted.side,
        seq=replica.seq,
        head=head.number,
        head_hash=f"0x{head.hash.hex()}",
        mode=mode,
        reason=closing_reason(plan.reason),
        is_whole=plan.is_whole,
        volume=format_decimal(plan.alpha),
        cost=format_decimal(plan.tao),
        fee=format_decimal(plan.fee),
        price=price_text(trade_price(plan.tao, plan.alpha)),
        max_paid=None if sell else format_decimal(plan.tao + plan.fee),
        min_received=format_decimal(plan.tao - plan.fee) if sell else None,
        window_used=format_decimal(plan.window),
        reserve_tao=format_decimal(mirror[0]),
        reserve_alpha=format_decimal(mirror[1]),
        parts=[
            PartModel(
                mode=Mode(part.mode).name.lower(),
                volume=format_decimal(part.alpha),
                cost=format_decimal(part.tao),
                fee=format_decimal(part.fee),
            )
            for part in plan.parts
        ],
    )


async def _act(parts: Parts, http: Request, caller: Caller, kind: CommandKind, quote_id: int) -> FirmQuoteModel:
    await find_quote(parts, caller, quote_id)
    high, low = client_id(f"{kind.name}:{idempotency_key(http, caller)}")
    fields: dict[str, Any] = {"account": caller.api_key.account, "quote_id": quote_id, "digest": quote_id}
    await submit(parts, command(kind, id_hi=high, id_lo=low, **fields))
    return _firm_model(parts, await find_quote(parts, caller, quote_id))


async def find_quote(parts: Parts, caller: Caller, quote_id: int) -> Quote:
    """Return a firm quote of the caller's account, an older one from history, or raise ``Problem``."""
    account = caller.api_key.account
    quote = parts.replica.quotes.find(account, quote_id)
    if quote is None:
        row = await (await account_history(parts, account, "trades")).quote(account, quote_id)
        quote = quote_of_row(row) if row is not None else None
    if quote is None:
        raise Problem(404, Refusal.UNKNOWN_QUOTE.name.lower(), "No such quote of this account", value=str(quote_id))
    return quote


def _firm_model(parts: Parts, quote: Quote) -> FirmQuoteModel:
    return FirmQuoteModel(
        id=quote.seq,
        symbol=parts.replica.names.pair_of(quote.netuid).wsname,
        side="sell" if quote.is_sell else "buy",
        state=quote.state,
        reason=closing_reason(quote.reason),
        volume=format_decimal(quote.alpha),
        cost=format_decimal(quote.tao),
        fee=format_decimal(quote.fee),
        max_paid=None if quote.is_sell else format_decimal(quote.tao + quote.fee),
        min_received=format_decimal(quote.tao - quote.fee) if quote.is_sell else None,
        issued_at=rfc3339(quote.issued_ms),
        expires_at=rfc3339(quote.expires_ms),
        fill=quote.fill or None,
    )

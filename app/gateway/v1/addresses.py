"""The address book of withdrawals: entries are added here, and can be used after their cooling-off."""

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from app.gateway.auth import Caller, Permission
from app.gateway.folds.customers import Address, AddressBody
from app.gateway.kraken.names import Asset
from app.gateway.parts import Parts
from app.gateway.problems import Problem
from app.gateway.v1.signed import read_signed, submit
from chain.errors import AddressInvalid
from chain.ss58 import ss58_decode, ss58_encode
from ledger.engine.layout import NO_NETUID, CommandKind, Flag, KeyRole
from ledger.engine.records import body_digest, client_id, command

NAME_MAX: Final = 64


class NewAddress(BaseModel):
    """What to add: ``nonce`` as in every signed call; ``key`` is the customer's name of the address."""

    model_config = ConfigDict(extra="forbid")

    nonce: str
    asset: Annotated[str, Field(min_length=1, max_length=16)]
    key: Annotated[str, Field(min_length=1, max_length=NAME_MAX)]
    address: Annotated[str, Field(min_length=1, max_length=64)]


class AddressModel(BaseModel):
    """One entry as it stands."""

    id: int
    asset: str
    key: str
    address: str
    usable_from_ms: int


def addresses_router(parts: Parts) -> APIRouter:
    """Return the routes over these parts."""
    router = APIRouter(prefix="/v1", tags=["funding"])

    @router.post("/withdrawal-addresses", status_code=201)
    async def add_address(http: Request) -> AddressModel:
        """Register a withdrawal address.

        Signed like every private call, over a JSON body; the key needs the right to manage addresses. Safe to retry
        with a new nonce: the same name and address answer with the same entry, another address under a used name is
        refused.
        """
        fresh, caller = await read_signed(http, parts, Permission.MANAGE_ADDRESSES, NewAddress)
        asset = parts.replica.names.find_asset(fresh.asset)
        if asset is None:
            raise Problem(404, "unknown_asset", "No such asset", value=fresh.asset)
        if fresh.key != fresh.key.strip() or not fresh.key.isprintable():
            bound = "printable, without blanks at its ends"
            raise Problem(422, "malformed_request", "Not a name for an address", value=fresh.key, bound=bound)
        public = _public(fresh.address)
        ours = parts.replica.reads.find_key(public)
        if ours is not None and ours.role is not KeyRole.DEPOSIT:
            # The chain would take the fee of paying ourselves, again and again.
            raise Problem(422, "address_not_allowed", "The address is the exchange's own", value=fresh.address)
        known = parts.replica.customers.find_address(caller.api_key.account, asset.number, fresh.key)
        if known is None:
            known = await _add(parts, caller, asset, fresh.key, public)
        elif known.public != public:
            raise Problem(409, "address_name_taken", "The name belongs to another address", value=fresh.key)
        return AddressModel(
            id=known.address_id,
            asset=asset.id,
            key=known.name,
            address=ss58_encode(known.public),
            usable_from_ms=known.usable_from_ms,
        )

    return router


def _public(address: str) -> bytes:
    try:
        return ss58_decode(address)
    except AddressInvalid as error:
        raise Problem(
            422, "address_invalid", f"Not an SS58 address: {error}", value=address, bound="SS58, format 42"
        ) from error


async def _add(parts: Parts, caller: Caller, asset: Asset, name: str, public: bytes) -> Address:
    account = caller.api_key.account
    now_ms = max(parts.now_ms(), parts.replica.ts_ms)
    payload = msgspec.json.encode(AddressBody(name, public.hex()))
    high, low = client_id(f"a:{caller.api_key.key}:{caller.nonce}")
    fields: dict[str, Any] = {
        "account": account,
        "netuid": NO_NETUID if asset.netuid is None else asset.netuid,
        "aux": now_ms + parts.settings.address_cooling_ms if parts.settings.address_cooling_ms else 0,
        "payload": 1,
        "id_hi": high,
        "id_lo": low,
        "digest": body_digest(payload),
    }
    flags = 0 if asset.netuid is None else int(Flag.ALPHA)
    record = command(CommandKind.ADD_ADDRESS, flags=flags, **fields)
    answer = await submit(parts, record, [payload])
    added = parts.replica.customers.address_numbered(answer.reference)
    if added is None:
        raise Problem(503, "replica_behind", "The gateway lags behind", retry_after_s=1)
    return added

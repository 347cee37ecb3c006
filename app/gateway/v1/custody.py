"""What the ledger says each of our chain keys holds, at its head: to be compared with the chain by anybody."""

from fastapi import APIRouter
from pydantic import BaseModel

from app.gateway.parts import Parts
from app.gateway.replica import Replica


class CustodyHead(BaseModel):
    """The imported head at which the figures hold."""

    number: int
    hash: str


class StakeModel(BaseModel):
    """One stake position; alpha in rao."""

    hotkey: str
    netuid: int
    amount_rao: str


class KeyModel(BaseModel):
    """One chain key with its balances in rao; ``public`` is the 32-byte account in hex."""

    key: int
    role: str
    public: str
    free_rao: str
    reserved_rao: str
    stakes: list[StakeModel]


class CustodyModel(BaseModel):
    """All of custody as of ``seq``; it moves only when a head is imported."""

    seq: int
    head: CustodyHead
    keys: list[KeyModel]


def custody_router(parts: Parts) -> APIRouter:
    """Return the route over these parts."""
    router = APIRouter(prefix="/v1", tags=["operations"])

    @router.get("/custody")
    async def custody() -> CustodyModel:
        """Return every chain key of ours with its balances and stake positions, in rao, at the ledger's head."""
        return custody_at_head(parts.replica)

    return router


def custody_at_head(replica: Replica) -> CustodyModel:
    """Return custody as the ledger has it."""
    reads = replica.reads
    head, hotkeys = reads.head(), reads.hotkeys()
    keys = []
    for key in reads.keys():  # noqa: SIM118 - a list of views
        view = reads.custody(key.key)
        stakes = [
            StakeModel(hotkey=f"0x{hotkeys[stake.hotkey - 1].hex()}", netuid=stake.netuid, amount_rao=str(stake.amount))
            for stake in view.stakes
        ]
        keys.append(
            KeyModel(
                key=key.key,
                role=key.role.name.lower(),
                public=f"0x{key.public.hex()}",
                free_rao=str(view.free),
                reserved_rao=str(view.reserved),
                stakes=stakes,
            )
        )
    return CustodyModel(seq=replica.seq, head=CustodyHead(number=head.number, hash=f"0x{head.hash.hex()}"), keys=keys)

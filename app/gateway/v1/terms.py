"""What clients may build on: figures of this exchange that no other call tells."""

from fastapi import APIRouter
from pydantic import BaseModel

from app.gateway.feeds.socket import IN_FLIGHT_MAX
from app.gateway.kraken.batches import ADD_MAX, CANCEL_MAX
from app.gateway.parts import Parts
from ledger.engine.parameters import HORIZON_MS


class TermsModel(BaseModel):
    """Terms of this exchange.

    ``idempotency_horizon_ms``: a command sent again under its ``cl_ord_id`` or ``Idempotency-Key`` gets its first
    answer and nothing is done again, for at least so long, ms. ``batch_orders_max`` and ``batch_cancels_max``: in one
    request. ``socket_requests_max``: of one ``/v2`` socket that wait for their answers; more are read later.
    ``frame_bytes_max`` and ``body_bytes_max``: of one message and one request.
    """

    idempotency_horizon_ms: int
    batch_orders_max: int
    batch_cancels_max: int
    socket_requests_max: int
    frame_bytes_max: int
    body_bytes_max: int


def terms_router(parts: Parts) -> APIRouter:
    """Return the route over these parts."""
    router = APIRouter(prefix="/v1", tags=["operations"])

    @router.get("/terms")
    async def terms() -> TermsModel:
        """Return how long a repeated command is known, and how much one request or socket may hold."""
        return TermsModel(
            idempotency_horizon_ms=HORIZON_MS,
            batch_orders_max=ADD_MAX,
            batch_cancels_max=CANCEL_MAX,
            socket_requests_max=IN_FLIGHT_MAX,
            frame_bytes_max=parts.settings.frame_bytes_max,
            body_bytes_max=parts.settings.body_bytes_max,
        )

    return router

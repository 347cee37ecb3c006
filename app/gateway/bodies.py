"""Reading what a client sends, never more than was agreed."""

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

DISCARD_MAX: Final = 32 * 2**20


@dataclass(eq=False)
class BodyTooLarge(Exception):  # noqa: N818 - named as style.md names the family
    """The body is larger than ``limit`` bytes; ``stated`` is what its header said, 0 if it said nothing."""

    limit: int
    stated: int = 0

    def __str__(self) -> str:
        """Return what was stated, or that it was more."""
        return str(self.stated) if self.stated else f"more than {self.limit}"


async def read_body(request: Request, limit: int) -> bytes:
    """Return the raw body, the very bytes that were signed; raises ``BodyTooLarge``.

    What is too much is thrown away as it comes, up to a bound: a client that still sends would otherwise lose the
    answer with its connection.
    """
    stated = request.headers.get("content-length", "")
    size_stated = int(stated[:20]) if stated.isdecimal() else 0
    if size_stated > DISCARD_MAX:
        raise BodyTooLarge(limit, size_stated)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= limit:
            parts.append(part)
        elif size > DISCARD_MAX:
            break
        else:
            parts.clear()
    if size > limit:
        raise BodyTooLarge(limit, size_stated)
    return b"".join(parts)


def client_address(request: Request) -> str:
    """Return the address a request came from."""
    return request.client.host if request.client is not None else ""

"""Reading what a client sends, never more than was agreed."""

from dataclasses import dataclass

from starlette.requests import Request


@dataclass(eq=False)
class BodyTooLarge(Exception):  # noqa: N818 - named as style.md names the family
    """The body is larger than ``limit`` bytes; ``stated`` is what its header said, 0 if it said nothing."""

    limit: int
    stated: int = 0

    def __str__(self) -> str:
        """Return what was stated, or that it was more."""
        return str(self.stated) if self.stated else f"more than {self.limit}"


async def read_body(request: Request, limit: int) -> bytes:
    """Return the raw body, the very bytes that were signed; raises ``BodyTooLarge`` before reading on."""
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated[:20]) > limit:
        raise BodyTooLarge(limit, int(stated[:20]))
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise BodyTooLarge(limit)
        parts.append(part)
    return b"".join(parts)


def client_address(request: Request) -> str:
    """Return the address a request came from."""
    return request.client.host if request.client is not None else ""

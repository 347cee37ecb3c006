"""Problem details of RFC 9457: how ``/v1`` says no."""

from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import JSONResponse

PROBLEM_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:taobourse:problem:"


@dataclass(eq=False)
class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """One refusal: HTTP ``status``, stable ``code``, what it is about, and the figures beside it."""

    status: int
    code: str
    title: str
    value: str = ""
    bound: str = ""
    retry_after_s: int = 0

    def response(self) -> JSONResponse:
        """Return the answer."""
        body: dict[str, Any] = {
            "type": TYPE_PREFIX + self.code,
            "title": self.title,
            "status": self.status,
            "code": self.code,
        }
        body |= {name: text for name, text in (("value", self.value), ("bound", self.bound)) if text}
        headers = {"retry-after": str(self.retry_after_s)} if self.retry_after_s else None
        return JSONResponse(body, self.status, headers, PROBLEM_TYPE)

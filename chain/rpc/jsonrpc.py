"""JSON-RPC 2.0 framing: a frame in, calls out, one frame back; knows nothing of sockets or of any method."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import msgspec

from chain.errors import ChainError

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
UNKNOWN_METHOD: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
CLIENT_ERROR: Final = 4003
LIMIT_REACHED: Final = 4029

BATCH_MAX: Final = 1_000
"""Calls in one batch; a longer one is refused whole."""

ANSWER_BYTES_MAX: Final = 32 * 1024 * 1024
"""Once the answers of a batch take more than this, its other calls are refused and not carried out."""

_ID_TEXT_MAX = 256

Call: TypeAlias = Callable[[str, list[Any]], Awaitable[Any]]


@dataclass(eq=False)
class RpcError(ChainError):
    """An answer that is an error object: ``rpc_code``, a message and, where it helps, data."""

    rpc_code: int
    message: str
    data: Any = None
    code: str = "rpc_error"

    def __str__(self) -> str:
        """Return number and message."""
        return f"{self.rpc_code} {self.message}"

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object."""
        found = {"code": self.rpc_code, "message": self.message}
        return found if self.data is None else {**found, "data": self.data}


def invalid_params(message: str) -> RpcError:
    """Return the error for arguments of the wrong number, shape or range."""
    return RpcError(INVALID_PARAMS, f"Invalid params: {message}")


async def answer_frame(frame: str | bytes, call: Call) -> bytes | None:
    """Answer one frame, a request or a batch; ``None`` where nothing is expected back.

    ``call`` raises ``RpcError`` for an error answer; any other exception is our fault and passes through.
    """
    try:
        message = msgspec.json.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return encode_message(_failure(None, RpcError(PARSE_ERROR, "Parse error")))
    if not isinstance(message, list):
        return await _answer_one(message, call)
    if not message:
        return encode_message(_failure(None, RpcError(INVALID_REQUEST, "Invalid request: empty batch")))
    if len(message) > BATCH_MAX:
        return encode_message(_failure(None, RpcError(LIMIT_REACHED, f"A batch has at most {BATCH_MAX} calls")))
    answers, size = [], 0
    for item in message:
        answer = await _answer_one(item, call if size <= ANSWER_BYTES_MAX else _refuse)
        if answer is not None:
            answers.append(answer)
            size += len(answer)
    return b"[" + b",".join(answers) + b"]" if answers else None


def encode_notification(method: str, subscription: str, result: Any) -> bytes:
    """Return the frame that tells a subscriber about ``result``."""
    return encode_message(
        {"jsonrpc": "2.0", "method": method, "params": {"subscription": subscription, "result": result}}
    )


def encode_message(message: Any) -> bytes:
    """Return the text frame of a message, as bytes in UTF-8."""
    return msgspec.json.encode(message)


async def _answer_one(message: Any, call: Call) -> bytes | None:
    try:
        request_id, method, params = _read_request(message)
    except RpcError as error:
        return encode_message(_failure(message.get("id") if isinstance(message, dict) else None, error))
    try:
        answer = {"jsonrpc": "2.0", "result": await call(method, params), "id": request_id}
    except RpcError as error:
        answer = _failure(request_id, error)
    return None if request_id is _NO_ID else encode_message(answer)


async def _refuse(method: str, params: list[Any]) -> Any:
    raise RpcError(LIMIT_REACHED, f"{method} with {len(params)} parameters: the batch's answer is too large already")


_NO_ID: Final = object()
"""Marks a notification: it is carried out and not answered."""


def _read_request(message: Any) -> tuple[Any, str, list[Any]]:
    if not isinstance(message, dict):
        raise RpcError(INVALID_REQUEST, "Invalid request: not an object")
    if message.get("jsonrpc", "2.0") != "2.0" or not isinstance(message.get("method"), str):
        raise RpcError(INVALID_REQUEST, "Invalid request: no method")
    request_id = message.get("id", _NO_ID)
    if request_id is not _NO_ID and not _is_id(request_id):
        raise RpcError(INVALID_REQUEST, "Invalid request: the id is neither an integer nor a short string")
    params = message.get("params")
    if params is None:
        params = []
    if not isinstance(params, list):
        raise invalid_params("an array is expected")
    return request_id, message["method"], params


def _failure(request_id: Any, error: RpcError) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": error.to_object(), "id": request_id if _is_id(request_id) else None}


def _is_id(request_id: Any) -> bool:
    if isinstance(request_id, bool):
        return False
    return request_id is None or isinstance(request_id, int) or _is_short_text(request_id)


def _is_short_text(request_id: Any) -> bool:
    return isinstance(request_id, str) and len(request_id) <= _ID_TEXT_MAX

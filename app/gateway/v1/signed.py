"""Signed requests of ``/v1``: like the private calls of ``/0``, over a JSON body or over none.

A call without a body (GET, DELETE) carries its nonce in the header ``API-Nonce``; the signature is over path and nonce.
"""

from collections.abc import Sequence
from typing import Final, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from app.gateway.auth import Caller, Permission
from app.gateway.bodies import BodyTooLarge, client_address, read_body
from app.gateway.kraken import errors
from app.gateway.kraken.errors import Refused
from app.gateway.kraken.fields import Malformed, parse_json
from app.gateway.parts import Parts
from app.gateway.problems import Problem
from app.gateway.replica import Behind
from app.projections.reads import HistoryReads
from ledger.engine.api import Answer
from ledger.engine.layout import Records
from ledger.engine.records import request
from ledger.errors import TEXTS, Refusal
from ledger.sequencer import Unavailable

IDEMPOTENCY_KEY_MAX: Final = 64
_UNAUTHORISED: Final = frozenset({errors.INVALID_KEY, errors.INVALID_SIGNATURE, errors.INVALID_NONCE, errors.LOCKOUT})
_SHOWN_MAX: Final = 120
_MISSING: Final = frozenset({Refusal.UNKNOWN_QUOTE, Refusal.UNKNOWN_ORDER, Refusal.UNKNOWN_MARKET})

Body = TypeVar("Body", bound=BaseModel)


async def read_signed(http: Request, parts: Parts, permission: Permission, model: type[Body]) -> tuple[Body, Caller]:
    """Return the checked body of a POST and who sent it, or raise ``Problem``."""
    try:
        raw = await read_body(http, parts.settings.body_bytes_max)
        fields = parse_json(raw)
        caller = await _check(http, parts, permission, fields.get("nonce", ""), raw)
        return model.model_validate(fields), caller
    except BodyTooLarge as error:
        raise Problem(413, "body_too_large", "The body is too large", str(error), str(error.limit)) from error
    except Malformed as error:
        raise Problem(422, "malformed_request", "The body is not a JSON object", value=str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        shown = str(first["input"])[:_SHOWN_MAX]
        raise Problem(422, "malformed_request", f"{where}: {first['msg']}", value=shown) from error


async def signed_caller(http: Request, parts: Parts, permission: Permission) -> Caller:
    """Return who sent a call without a body, or raise ``Problem``."""
    return await _check(http, parts, permission, http.headers.get("api-nonce", ""), b"")


async def _check(http: Request, parts: Parts, permission: Permission, nonce: str, raw: bytes) -> Caller:
    authenticator, headers = parts.authenticator, http.headers
    try:
        key = authenticator.find_key(headers.get("api-key", ""), client_address(http), parts.now_ms())
        caller = await authenticator.check(
            key,
            path=http.url.path,
            nonce=nonce,
            raw_body=raw,
            signature=headers.get("api-sign", ""),
            permission=permission,
        )
    except Refused as refused:
        raise problem_of(refused) from refused
    if not parts.limits.rest_call(key.key, 1, parts.now_ms()):
        raise Problem(429, "rate_limit", "Too many calls of this key", retry_after_s=1)
    return caller


def problem_of(refused: Refused) -> Problem:
    """Return a refusal of ``/0`` in the words of ``/v1``."""
    if refused.error in _UNAUTHORISED:
        return Problem(401, refused.code, refused.error, value=refused.value)
    if refused.error == errors.PERMISSION_DENIED:
        return Problem(403, refused.code, refused.error, value=refused.value)
    if refused.error.startswith((errors.INVALID_ARGUMENTS, "EOrder", "EQuery")):
        title = f"{refused.name}: {refused.error}" if refused.name else refused.error
        return Problem(422, refused.code, title, value=refused.value, bound=refused.bound)
    return Problem(503, refused.code, refused.error, retry_after_s=1)


def idempotency_key(http: Request, caller: Caller) -> str:
    """Return what makes a command safe to send again: the header, or the call's own nonce without one."""
    key = http.headers.get("idempotency-key", "")
    if len(key) > IDEMPOTENCY_KEY_MAX or not key.isprintable():
        bound = f"up to {IDEMPOTENCY_KEY_MAX} printable characters"
        raise Problem(422, "malformed_request", "Not an Idempotency-Key", value=key[:_SHOWN_MAX], bound=bound)
    return f"{caller.api_key.key}:{key}" if key else f"{caller.api_key.key}:n:{caller.nonce}"


async def account_history(parts: Parts, account: int, *names: str) -> HistoryReads:
    """Return history once these projections show what an account could have seen of itself when it asked.

    Raises ``HistoryUnavailable``, which the application answers with 503.
    """
    await parts.history.reached(parts.replica.touched(account), names)
    return parts.history


async def submit(parts: Parts, record: Records, payloads: Sequence[bytes] = ()) -> Answer:
    """Return the answer to a command once this gateway's reads reflect it, or raise ``Problem``; refusals too."""
    try:
        answer = await parts.sequencer.submit(request(record, payloads=payloads))
        await parts.replica.caught_up(int(answer.events["seq"][-1]) if len(answer.events) else answer.reference)
    except Unavailable as error:
        raise Problem(503, error.code, "The exchange takes nothing now", retry_after_s=1) from error
    except Behind as error:
        raise Problem(503, "replica_behind", "The gateway lags behind", retry_after_s=1) from error
    if answer.code:
        refusal = Refusal(answer.code)
        text = TEXTS[refusal]
        status = 404 if refusal in _MISSING else 409
        bound = f"{text.right} ({answer.bound})" if answer.bound else text.right
        shown = str(answer.value) if answer.value else ""
        raise Problem(status, refusal.name.lower(), text.meaning.capitalize(), value=shown, bound=bound)
    return answer

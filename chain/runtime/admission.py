"""Whether an extrinsic may enter the pool, and whether it may stand in a block: one list of checks for both.

The order is cheap first, as ``consensus`` section 9 has it; the texts of refusals are those that clients look for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from chain.errors import DecodeError
from chain.extrinsic import Extrinsic, decode_extrinsic
from chain.runtime import balances, fees, prechecks
from chain.runtime.errors import ANCIENT_BIRTH, BAD_PROOF, EXHAUSTS, PAYMENT, STALE, UNDECODABLE, Inadmissible
from chain.runtime.parameters import PARAMS_KEY, Parameters
from chain.runtime.state import RAW, Overlay, State

_CANNOT_DECODE: Final = "Verification Error: Runtime error: Execution failed: could not decode the extrinsic"

_SHORT_BYTES: Final = 512
"""Longer extrinsics are not remembered, so the memory for it stays small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """An extrinsic that the pool may take.

    ``nonce`` equals ``account_nonce`` when it is ready, and is greater while it waits for others. ``valid_until`` is
    the first height at which its era is over, ``None`` for an immortal one. ``intent_id`` leaves the signature out.
    """

    hash: bytes
    intent_id: bytes
    signer: bytes
    nonce: int
    account_nonce: int
    tip_rao: int
    fee_rao: int
    """Fee without tip."""
    weight: int
    """Picoseconds of reference execution, the extrinsic's base included."""
    length: int
    valid_until: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The block that an extrinsic is to stand in: its height, and the hashes that signatures name."""

    height: int
    genesis_hash: bytes
    block_hash_of: Callable[[int], bytes | None]
    parameters: Parameters


def parameters_of(view: Overlay | State) -> Parameters:
    """Return the chain's parameters."""
    return Parameters.decode(view.get(RAW, PARAMS_KEY))


def frame_after(state: State, *, genesis_hash: bytes, head_hash: bytes) -> Frame:
    """Return the frame of the block after a committed state, whose own hash is ``head_hash``."""
    head: int = state.get("System.Number")
    return Frame(
        height=head + 1,
        genesis_hash=genesis_hash,
        block_hash_of=lambda number: block_hash(state, number, head=head, head_hash=head_hash),
        parameters=parameters_of(state),
    )


def block_hash(view: Overlay | State, number: int, *, head: int, head_hash: bytes) -> bytes | None:
    """Return the hash of a block up to ``head``, or ``None`` where it is not known (any more)."""
    if number == head:
        return head_hash
    if number > head or not view.contains("System.BlockHash", number):
        return None
    found: bytes = view.get("System.BlockHash", number)
    return found


def validate_extrinsic(
    state: State, data: bytes, *, genesis_hash: bytes, head_hash: bytes, verified: bool = False
) -> Validity:
    """Check an extrinsic for the block after ``state``; raises ``Inadmissible``.

    A nonce above the next one is no refusal. ``verified`` says that this node has checked the signature in this era.
    """
    frame = frame_after(state, genesis_hash=genesis_hash, head_hash=head_hash)
    if len(data) > frame.parameters.max_tx_bytes:
        raise Inadmissible(EXHAUSTS)
    extrinsic = decode(data)
    validity = check_extrinsic(state, extrinsic, frame, verified=verified)
    if validity.nonce == validity.account_nonce:
        # What waits for an earlier one may be made possible by it.
        prechecks.check(state, validity.signer, extrinsic.call, frame.height)
    return validity


def decode(data: bytes) -> Extrinsic:
    """Return the extrinsic; raises ``Inadmissible`` with code 1002.

    Short ones are remembered: the pool looks at each, then a block does. Nobody changes one in place.
    """
    try:
        return _decode_known(data) if len(data) <= _SHORT_BYTES else decode_extrinsic(data)
    except DecodeError as error:
        raise Inadmissible(str(error), code=UNDECODABLE, message=_CANNOT_DECODE) from error


_decode_known = lru_cache(maxsize=8_192)(decode_extrinsic)


def check_extrinsic(view: Overlay | State, extrinsic: Extrinsic, frame: Frame, *, verified: bool) -> Validity:
    """Check a decoded extrinsic against a state; raises ``Inadmissible``."""
    signer, parameters = extrinsic.signer, frame.parameters
    if signer is None:
        raise Inadmissible("only the block's author adds inherents", code=UNDECODABLE, message=_CANNOT_DECODE)
    length = len(extrinsic.raw)
    weight = fees.total_weight(extrinsic.call)
    if length > parameters.max_tx_bytes or weight > parameters.max_block_weight:
        raise Inadmissible(EXHAUSTS)
    account_nonce = balances.nonce_of(view, signer)
    if extrinsic.nonce < account_nonce:
        raise Inadmissible(STALE)
    birth = extrinsic.era.birth(frame.height)
    birth_hash = frame.genesis_hash if extrinsic.era.is_immortal else frame.block_hash_of(birth)
    if birth_hash is None:
        raise Inadmissible(ANCIENT_BIRTH)
    if extrinsic.nonce == account_nonce:
        prechecks.check_free(view, signer, extrinsic.call, frame.height)
    fee = fees.fee_of(parameters, extrinsic.call, length).total
    if not fees.can_pay(view, extrinsic, fee + extrinsic.tip):
        raise Inadmissible(PAYMENT)
    if not verified and not extrinsic.verify_signature(genesis_hash=frame.genesis_hash, birth_hash=birth_hash):
        raise Inadmissible(ANCIENT_BIRTH if _was_good(extrinsic, frame, birth) else BAD_PROOF)
    return Validity(
        hash=extrinsic.ext_hash,
        intent_id=extrinsic.intent_id(genesis_hash=frame.genesis_hash, birth_hash=birth_hash),
        signer=signer,
        nonce=extrinsic.nonce,
        account_nonce=account_nonce,
        tip_rao=extrinsic.tip,
        fee_rao=fee,
        weight=weight,
        length=length,
        valid_until=extrinsic.era.death(frame.height),
    )


def _was_good(extrinsic: Extrinsic, frame: Frame, birth: int) -> bool:
    """Tell whether the signature belongs to the era before this one: then it is not bad but late."""
    earlier = birth - extrinsic.era.period
    if extrinsic.era.is_immortal or earlier < 0:
        return False
    birth_hash = frame.block_hash_of(earlier)
    return birth_hash is not None and extrinsic.verify_signature(genesis_hash=frame.genesis_hash, birth_hash=birth_hash)

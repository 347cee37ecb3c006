"""Unsigned 64-bit limbs: wide products, long division and the few 128-bit operations the pool kernels are made of.

A mix of signed and unsigned integers becomes a float in compiled code, in silence. So every limb is ``np.uint64``,
every constant that meets a limb is one too, and ``unsigned`` and ``signed`` are the only doors between limbs and
amounts (``int64``).
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from amm.kernel_cache import kernel

U64 = np.uint64
Wide = tuple[np.uint64, np.uint64]

ZERO = np.uint64(0)
ONE = np.uint64(1)
LIMB_MAX = np.uint64(2**64 - 1)
TOP_BIT = np.uint64(63)
HALF_LIMB = np.uint64(32)
HALF_MASK = np.uint64(2**32 - 1)
AMOUNT_LIMIT = np.uint64(2**63)


@intrinsic
def mul_wide(typing_context: Any, a: Any, b: Any) -> Any:  # noqa: ARG001 - numba's calling convention
    """Return the 128-bit product of two uint64 as ``(high, low)``.

    Two reserves multiplied need about 110 bits, and uint64 would wrap in silence. Only the multiplication is left to
    LLVM: its 128-bit division calls a helper that the just-in-time linker does not find on every platform, so
    ``div_wide`` does that.
    """
    signature = types.UniTuple(types.uint64, 2)(types.uint64, types.uint64)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        limb, wide = ir.IntType(64), ir.IntType(128)
        left, right = (builder.zext(argument, wide) for argument in arguments)
        product = builder.mul(left, right)
        high = builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), limb)
        return context.make_tuple(builder, signature.return_type, (high, builder.trunc(product, limb)))

    return signature, build


@intrinsic
def leading_zeros(typing_context: Any, a: Any) -> Any:  # noqa: ARG001 - numba's calling convention
    """Return how many zero bits a uint64 begins with; 64 for zero."""
    signature = types.uint64(types.uint64)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001 - as above
        return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return signature, build


@kernel
def unsigned(amount: int) -> U64:
    """Return a non-negative int64 as a limb."""
    return np.uint64(amount)


@kernel
def signed(limb: U64) -> int:
    """Return a limb below 2**63 as int64."""
    return np.int64(limb)  # type: ignore[return-value]  # compiled code has no other integer


@kernel
def mul_high(a: U64, b: U64) -> U64:
    """Return the upper limb of a product: ``a * b >> 64``."""
    high: U64 = mul_wide(a, b)[0]
    return high


@kernel
def add_saturating(a: U64, b: U64) -> U64:
    """Return ``min(a + b, 2**64 - 1)``."""
    total = a + b
    if total < a:
        return LIMB_MAX
    return total


@kernel
def div_wide(high: U64, low: U64, divisor: U64) -> Wide:
    """Return quotient and remainder of a 128-bit number by a limb, where ``high < divisor``.

    Knuth's algorithm D (The Art of Computer Programming, 4.3.1) with 32-bit digits: portable, no helper of the linker.
    """
    shift = leading_zeros(divisor)
    scaled = divisor << shift
    # Two shifts, since one by 64 has no meaning.
    top = (high << shift) | ((low >> ONE) >> (TOP_BIT - shift))
    rest = low << shift
    first, second = scaled >> HALF_LIMB, scaled & HALF_MASK

    digit = top // first
    left = top - digit * first
    while digit > HALF_MASK or digit * second > ((left << HALF_LIMB) | (rest >> HALF_LIMB)):
        digit -= ONE
        left += first
        if left > HALF_MASK:
            break
    upper = digit
    top = ((top << HALF_LIMB) | (rest >> HALF_LIMB)) - upper * scaled

    digit = top // first
    left = top - digit * first
    while digit > HALF_MASK or digit * second > ((left << HALF_LIMB) | (rest & HALF_MASK)):
        digit -= ONE
        left += first
        if left > HALF_MASK:
            break
    remainder = ((top << HALF_LIMB) | (rest & HALF_MASK)) - digit * scaled
    return (upper << HALF_LIMB) | digit, remainder >> shift


@kernel
def div_fraction(numerator: U64, divisor: U64) -> Wide:
    """Return ``numerator * 2**64 // divisor`` as ``(high, low)``: a quotient with 64 fraction bits, rounded down."""
    whole = numerator // divisor
    return whole, div_wide(numerator - whole * divisor, ZERO, divisor)[0]


@kernel
def less_wide(a_high: U64, a_low: U64, b_high: U64, b_low: U64) -> bool:
    """Tell whether one 128-bit number is below another."""
    return bool(a_high < b_high or (a_high == b_high and a_low < b_low))


@kernel
def mul_three(high: U64, low: U64, factor: U64) -> tuple[U64, U64, U64]:
    """Return a 128-bit number times a limb as three limbs, highest first."""
    carry, bottom = mul_wide(low, factor)
    top, middle = mul_wide(high, factor)
    middle = middle + carry
    if middle < carry:
        top = top + ONE
    return top, middle, bottom


@kernel
def mul_fraction(a_high: U64, a_low: U64, b_high: U64, b_low: U64) -> Wide:
    """Return the product of two numbers with 64 fraction bits, rounded down and saturating at 2**128 - 1."""
    top, whole = mul_wide(a_high, b_high)
    carry, low = mul_wide(a_high, b_low)
    high = whole + carry
    overflow = top != ZERO or high < carry
    carry, part = mul_wide(a_low, b_high)
    low = low + part
    if low < part:
        carry = carry + ONE
    high = high + carry
    overflow = overflow or high < carry
    part = mul_wide(a_low, b_low)[0]
    low = low + part
    if low < part:
        high = high + ONE
        overflow = overflow or high == ZERO
    if overflow:
        return LIMB_MAX, LIMB_MAX
    return high, low


@kernel
def mul_div(a: U64, b: U64, divisor: U64) -> tuple[bool, U64, U64]:
    """Return ``(fits, quotient, remainder)`` of ``a * b`` by a limb; it fits where the quotient is below 2**63."""
    high, low = mul_wide(a, b)
    if high >= divisor:
        return False, ZERO, ZERO
    quotient, remainder = div_wide(high, low, divisor)
    return bool(quotient < AMOUNT_LIMIT), quotient, remainder


@kernel
def mul_div_floor(a: int, b: int, divisor: int) -> int:
    """Return ``a * b // divisor`` of non-negative int64, or -1 where it does not fit one or the divisor is zero."""
    if divisor <= 0:
        return -1
    fits, quotient, _ = mul_div(unsigned(a), unsigned(b), unsigned(divisor))
    return signed(quotient) if fits else -1


@kernel
def mul_div_ceil(a: int, b: int, divisor: int) -> int:
    """Return ``a * b / divisor`` of non-negative int64 rounded up, or -1 where it does not fit one."""
    if divisor <= 0:
        return -1
    fits, quotient, remainder = mul_div(unsigned(a), unsigned(b), unsigned(divisor))
    if not fits:
        return -1
    if remainder != ZERO:
        quotient = quotient + ONE
    return signed(quotient) if quotient < AMOUNT_LIMIT else -1


@kernel
def mul_div_round(a: int, b: int, divisor: int) -> int:
    """Return ``a * b / divisor`` of non-negative int64, nearest, halves up, or -1 where it does not fit one."""
    if divisor <= 0:
        return -1
    whole = unsigned(divisor)
    fits, quotient, remainder = mul_div(unsigned(a), unsigned(b), whole)
    if not fits:
        return -1
    if remainder >= whole - remainder:
        quotient = quotient + ONE
    return signed(quotient) if quotient < AMOUNT_LIMIT else -1

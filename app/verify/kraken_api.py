"""Runs ``kraken_api.json``: signatures, checksums, depth, nonces and booleans through the gateway's own code."""

import base64
import hashlib
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from amm.units import format_decimal, parse_decimal
from app.gateway import auth, nonces
from app.gateway.kraken import fields
from app.gateway.kraken.checksum import book_text, compute_checksum
from app.gateway.kraken.depth import ClosedForm, Level, build_side
from app.gateway.kraken.errors import INVALID_NONCE
from app.verify.family import Case, Family, expect

_SECTIONS = ("api_sign", "book_checksum", "depth_from_pool", "nonce", "form_booleans")


def _recognises(document: Any) -> bool:
    return isinstance(document, dict) and set(document) == set(_SECTIONS)


def _sections(document: Any) -> Iterator[tuple[str, list[Case]]]:
    for name in _SECTIONS:
        cases = document[name]
        yield name, cases if isinstance(cases, list) else [cases]


def _api_sign(case: Case) -> None:
    raw, path = case["raw_body"].encode(), case["uri_path"]
    found = fields.parse_body(raw, case["content_type"])["nonce"]
    expect(found, case["nonce"], "nonce in the body")
    digest = hashlib.sha256(found.encode() + raw).hexdigest()
    expect(digest, case["sha256_hex_of_nonce_plus_body"], "SHA-256 of nonce and body")
    secret = base64.b64decode(case["secret_base64"])
    expect(auth.sign(path, found, raw, secret), case["api_sign"], "API-Sign")
    accepted = auth.is_signed(path, found, raw, secret=secret, signature=case["api_sign"])
    expect(accepted, expected=True, what="check of the right signature")
    changed = auth.is_signed(path, found, raw + b"&", secret=secret, signature=case["api_sign"])
    expect(changed, expected=False, what="check with another body")


def _book_checksum(case: Case) -> None:
    price_decimals, lot_decimals = case["price_precision"], case["qty_precision"]
    sides = [
        [
            (parse_decimal(price, decimals=price_decimals), parse_decimal(volume, decimals=lot_decimals))
            for price, volume in case[side]
        ]
        for side in ("asks", "bids")
    ]
    decimals = {"price_decimals": price_decimals, "lot_decimals": lot_decimals}
    expect(book_text(*sides, **decimals), case["concatenated"], "text")
    expect(compute_checksum(*sides, **decimals), case["crc32"], "CRC-32")


def _depth_from_pool(case: Case) -> None:
    fee = Fraction(case["fee"])
    lot_decimals = len(case["lot"].partition(".")[2])
    curve = ClosedForm(tao=parse_decimal(case["tao_reserve"]), alpha=parse_decimal(case["alpha_reserve"]), fee=fee)
    for is_bid, side in ((False, "asks"), (True, "bids")):
        prices = [parse_decimal(price) for price, _ in case[side]]
        levels = build_side(curve, prices, is_bid=is_bid, lot_rao=10 ** (9 - lot_decimals))
        shown = [[level.price, format_decimal(level.volume, trim=False)[: lot_decimals - 9]] for level in levels]
        expect(shown, [[parse_decimal(price), volume] for price, volume in case[side]], side)
    check = case["check"]
    bought = sum(level.volume for level in _levels_below(case, check["limit_price"], curve))
    paid = curve.cost_of(bought)
    expect(format_decimal(bought)[:-1], check["buy_base"], "base of the two levels")
    expect(format_decimal(paid), check["quote_paid"], "quote paid")
    expect(format_decimal(paid * 10**9 // bought), check["average"], "average price")


def _levels_below(case: Case, limit: str, curve: ClosedForm) -> list[Level]:
    prices = [parse_decimal(price) for price, _ in case["asks"] if Fraction(price) <= Fraction(limit)]
    return build_side(curve, prices, is_bid=False, lot_rao=10)


def _nonce(case: Case) -> None:
    used = nonces.Used()
    for text, expected in case["sequence_window_0"]:
        number = nonces.parse_nonce(text)
        after = None if number is None else nonces.accept(used, number, 0)
        expect("ok" if after else INVALID_NONCE, expected, text)
        used = after or used
    for row in case["units_seen"]:
        nonce = nonces.parse_nonce("1" * row["digits"])
        expect(nonce, int("1" * row["digits"]), f"a nonce of {row['unit']}")


def _form_booleans(case: Case) -> None:
    for expected in (True, False):
        for text in case[str(expected).lower()]:
            expect(fields.parse_flag(text), expected, repr(text))


FAMILY = Family(
    name="kraken_api",
    recognises=_recognises,
    sections=_sections,
    runners={
        "api_sign": _api_sign,
        "book_checksum": _book_checksum,
        "depth_from_pool": _depth_from_pool,
        "nonce": _nonce,
        "form_booleans": _form_booleans,
    },
)

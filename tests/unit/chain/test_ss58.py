import pytest

from chain.errors import AddressInvalid
from chain.ss58 import ss58_decode, ss58_encode

ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"


@pytest.mark.parametrize("address_format", [0, 2, 42, 63, 64, 252, 255, 16_383])
def test_an_account_comes_back_from_every_format(address_format: int) -> None:
    assert ss58_decode(ss58_encode(b"\x07" * 32, address_format), address_format) == b"\x07" * 32


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (ALICE[:-1] + "Z", "checksum"),
        (ALICE[:-1], "length"),
        (ALICE + "1", "length"),
        ("1" + ALICE, "length"),
        (ALICE[:-1] + "0", "alphabet"),
        (ALICE + "\n", "alphabet"),
        ("", "length"),
        ("1" * 10_000, "length"),
        (ss58_encode(bytes(32), 0), "format"),
        (ss58_encode(bytes(32), 64), "format"),
    ],
)
def test_any_other_text_is_refused_with_its_reason(address: str, reason: str) -> None:
    with pytest.raises(AddressInvalid) as caught:
        ss58_decode(address)

    assert (caught.value.code, caught.value.reason) == ("address_invalid", reason)


@pytest.mark.parametrize("address_format", [-1, 46, 47, 16_384])
def test_an_impossible_format_is_refused(address_format: int) -> None:
    with pytest.raises(AddressInvalid):
        ss58_encode(bytes(32), address_format)


def test_an_account_has_32_bytes() -> None:
    with pytest.raises(AddressInvalid):
        ss58_encode(bytes(31))

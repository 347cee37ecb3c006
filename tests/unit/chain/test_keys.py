import random

import pytest

from chain.errors import KeyInvalid
from chain.keys import KeyPair, Scheme, module_account, subnet_account, verify

MESSAGE = b"pay"


@pytest.mark.parametrize("scheme", [Scheme.ED25519, Scheme.SR25519])
def test_a_signature_is_good_for_its_key_and_message_only(scheme: Scheme) -> None:
    pair, other = KeyPair.from_seed(b"\x07" * 32, scheme), KeyPair.from_seed(b"\x08" * 32, scheme)
    signature = pair.sign(MESSAGE)

    assert verify(scheme, pair.public, MESSAGE, signature)
    assert not verify(scheme, pair.public, MESSAGE + b"!", signature)
    assert not verify(scheme, other.public, MESSAGE, signature)
    assert not verify(scheme, pair.public, MESSAGE, other.sign(MESSAGE))


def test_a_signature_of_one_scheme_is_not_good_in_the_other() -> None:
    pair = KeyPair.from_seed(b"\x07" * 32, Scheme.ED25519)

    assert not verify(Scheme.SR25519, pair.public, MESSAGE, pair.sign(MESSAGE))
    assert not verify(Scheme.ECDSA, pair.public, MESSAGE, pair.sign(MESSAGE))
    assert not verify("rsa", pair.public, MESSAGE, pair.sign(MESSAGE))


def test_sr25519_signs_differently_each_time() -> None:
    pair = KeyPair.from_uri("//Alice")

    assert pair.sign(MESSAGE) != pair.sign(MESSAGE)


@pytest.mark.parametrize("scheme", list(Scheme))
def test_garbage_is_no_signature_and_raises_nothing(scheme: Scheme) -> None:
    noise = random.Random(7)
    public = KeyPair.from_seed(b"\x07" * 32).public
    for length in (0, 1, 32, 63, 64, 65, 128):
        for key in (b"", b"\xff" * 32, bytes(32), public, noise.randbytes(32), noise.randbytes(33)):
            assert not verify(scheme, key, noise.randbytes(5), noise.randbytes(length))


@pytest.mark.parametrize(
    ("uri", "scheme", "address"),
    [
        ("//Alice", Scheme.SR25519, "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
        ("//Alice//stash", Scheme.SR25519, "5GNJqTPyNqANBkUVMN1LPPrxXnFouWXoe2wNSmmEoLctxiZY"),
        ("//Alice", Scheme.ED25519, "5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu"),
    ],
)
def test_development_keys_are_those_that_everybody_knows(uri: str, scheme: Scheme, address: str) -> None:
    pair = KeyPair.from_uri(uri, scheme)

    assert pair.address == address
    assert verify(scheme, pair.public, MESSAGE, pair.sign(MESSAGE))


def test_a_seed_may_stand_before_the_steps() -> None:
    seed = b"\x07" * 32

    assert KeyPair.from_uri("0x" + seed.hex(), Scheme.ED25519) == KeyPair.from_seed(seed, Scheme.ED25519)
    assert KeyPair.from_uri("0x" + seed.hex() + "//a").public != KeyPair.from_uri("//a").public


def test_numbers_and_long_names_are_steps_too() -> None:
    uris = ["//0", "//1", "//" + "x" * 31, "//" + "x" * 40, "//" + "x" * 41]

    assert len({KeyPair.from_uri(uri).public for uri in uris}) == len(uris)


@pytest.mark.parametrize("uri", ["", "Alice", "/soft", "//", "//a/b", "0x12//a", "//a///b"])
def test_other_texts_are_no_key_uri(uri: str) -> None:
    with pytest.raises(KeyInvalid):
        KeyPair.from_uri(uri)


@pytest.mark.parametrize(("seed", "scheme"), [(b"short", "ed25519"), (bytes(32), "ecdsa"), (bytes(33), "sr25519")])
def test_a_pair_needs_32_bytes_and_a_scheme_that_signs(seed: bytes, scheme: str) -> None:
    with pytest.raises(KeyInvalid):
        KeyPair.from_seed(seed, scheme)


def test_a_pair_never_shows_its_secret() -> None:
    pair = KeyPair.from_seed(b"\x07" * 32)

    assert (b"\x07" * 32).hex() not in repr(pair)
    assert "secret" not in repr(pair)


def test_the_pot_of_a_subnet_is_a_module_account() -> None:
    assert subnet_account(258) == b"modlsubtensr\x02\x01".ljust(32, b"\0")
    assert module_account(b"subtensr") == b"modlsubtensr".ljust(32, b"\0")
    with pytest.raises(KeyInvalid):
        module_account(bytes(29))

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.actors.repeatable import ORDER, RepeatableKey, times_base
from app.actors.transcript import Transcript
from chain.keys import KeyPair, Scheme, verify

ALICE = RepeatableKey.of("//Alice")


@given(st.binary(max_size=600))
def test_a_signature_is_good_and_always_the_same(message: bytes) -> None:
    signature = ALICE.sign(message)

    assert signature == ALICE.sign(message)
    assert verify(Scheme.SR25519, ALICE.public, message, signature)
    assert not verify(Scheme.SR25519, ALICE.public, message + b"!", signature)


def test_two_messages_and_two_keys_have_different_one_time_points() -> None:
    other = RepeatableKey.of("//Bob")
    points = {key.sign(message)[:32] for key in (ALICE, other) for message in (b"a", b"b")}

    assert len(points) == 4


@pytest.mark.parametrize("uri", ["//Alice", "//Bob", "//Charlie//hotkey", "//Contender//7//6//95"])
def test_a_public_key_is_its_secret_times_the_base(uri: str) -> None:
    key = RepeatableKey.of(uri)

    assert times_base(int.from_bytes(key._secret[:32], "little")) == key.public == KeyPair.from_uri(uri).public


def test_small_multiples_of_the_base_are_those_of_the_standard() -> None:
    """RFC 9496, appendix A.1."""
    assert times_base(1).hex() == "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"
    assert times_base(2).hex() == "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919"
    assert times_base(5).hex() == "e882b131016b52c1d3337080187cf768423efccbb517bb495ab812c4160ff44e"
    assert times_base(ORDER + 1) == times_base(1)


def test_a_transcript_answers_as_published() -> None:
    """The known answer that comes with Merlin's reference implementation."""
    transcript = Transcript(b"test protocol")
    transcript.append(b"some label", b"some data")

    challenge = transcript.challenge(b"challenge", 32)

    assert challenge.hex() == "d5a21972d0d5fe320c0d263fac7fffb8145aa640af6e9bca177c03c7efcf0615"


def test_a_long_message_goes_through_several_permutations() -> None:
    answers = set()
    for size in (165, 166, 167, 400):
        transcript = Transcript(b"sizes")
        transcript.append(b"m", bytes(size))
        answers.add(transcript.challenge(b"c", 200))

    assert len(answers) == 4

import re

from hypothesis import given
from hypothesis import strategies as st

from app.gateway.kraken.ids import ORDER, TRADE, decode_id, encode_id

seqs = st.integers(1, 2**63 - 1)


@given(seq=seqs)
def test_an_id_leads_back_to_its_seq(seq: int) -> None:
    assert decode_id(ORDER, encode_id(ORDER, seq)) == seq


@given(seq=seqs)
def test_an_id_has_the_form_that_clients_know(seq: int) -> None:
    assert re.fullmatch(r"O[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]{6}", encode_id(ORDER, seq))


@given(seq=seqs)
def test_an_id_of_another_letter_names_nothing(seq: int) -> None:
    assert decode_id(TRADE, encode_id(ORDER, seq)) is None


@given(text=st.text(max_size=30))
def test_a_made_up_text_never_breaks_the_reader(text: str) -> None:
    seq = decode_id(ORDER, text)

    assert seq is None or encode_id(ORDER, seq) == text


def test_neighbouring_seqs_have_unlike_ids() -> None:
    first, second = encode_id(ORDER, 1_000_000), encode_id(ORDER, 1_000_001)

    assert sum(a == b for a, b in zip(first, second, strict=True)) < 10


def test_a_plausible_id_that_was_never_given_out_names_nothing() -> None:
    assert decode_id(ORDER, "OABCDE-FGHIJ-KLMNOP") is None

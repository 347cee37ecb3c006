import pytest

from chain.extrinsic import call_value
from chain.keys import KeyPair, Scheme
from chain.runtime.admission import Validity, validate_extrinsic
from chain.runtime.errors import ANCIENT_BIRTH, BAD_PROOF, EXHAUSTS, PAYMENT, STALE, UNDECODABLE, Inadmissible
from chain.scale.era import mortal_era
from tests.support.dev_chain import ALICE, BOB, GENESIS_HASH, TAO, DevChain, block_hash, timestamp, transfer

POOR = KeyPair.from_seed(b"\x06" * 32)
CALL = transfer(BOB.public, TAO)


def validate(chain: DevChain, raw: bytes) -> Validity:
    return validate_extrinsic(chain.state, raw, genesis_hash=GENESIS_HASH, head_hash=block_hash(chain.number))


def refusal(chain: DevChain, raw: bytes) -> tuple[int, str]:
    with pytest.raises(Inadmissible) as raised:
        validate(chain, raw)
    return raised.value.code, raised.value.data


def test_a_good_extrinsic_tells_what_the_pool_needs() -> None:
    chain = DevChain()
    raw = chain.sign(ALICE, CALL, tip=7)

    validity = validate(chain, raw)

    assert (validity.signer, validity.nonce, validity.account_nonce) == (ALICE.public, 0, 0)
    assert (validity.tip_rao, validity.length, validity.valid_until) == (7, len(raw), None)
    result = chain.apply(raw)
    assert result.receipts[1].fee_rao == validity.fee_rao + 7
    assert result.receipts[1].weight == validity.weight
    assert result.receipts[1].hash == validity.hash


def test_a_nonce_above_the_next_one_waits_and_one_below_is_outdated() -> None:
    chain = DevChain()
    chain.run((ALICE, CALL))

    assert validate(chain, chain.sign(ALICE, CALL, nonce=5)).nonce == 5
    assert refusal(chain, chain.sign(ALICE, CALL, nonce=0)) == (1010, STALE)


def test_an_ed25519_account_signs_too() -> None:
    chain = DevChain()
    key = KeyPair.from_uri("//Alice", Scheme.ED25519)
    chain.run((ALICE, transfer(key.public, TAO)))

    result = chain.run((key, transfer(BOB.public, TAO // 2)))

    assert result.receipts[1].success


def test_a_bad_signature_is_a_bad_proof_whatever_is_wrong_with_it() -> None:
    chain = DevChain()
    raw = chain.sign(ALICE, CALL)
    foreign = chain.sign(ALICE, CALL, spec_version=425)

    assert refusal(chain, raw[:50] + bytes((raw[50] ^ 1,)) + raw[51:]) == (1010, BAD_PROOF)
    assert refusal(chain, foreign) == (1010, BAD_PROOF)


def test_a_mortal_extrinsic_lives_from_its_birth_to_the_end_of_its_era() -> None:
    chain = DevChain()
    chain.skip(9)
    era = mortal_era(8, chain.number)
    raw = chain.sign(ALICE, CALL, era=era, birth_hash=block_hash(era.birth(chain.number)))

    validity = validate(chain, raw)
    assert validity.valid_until == 17
    chain.skip(7)
    assert chain.number == 16
    assert refusal(chain, raw) == (1010, ANCIENT_BIRTH)


def test_an_extrinsic_may_name_the_head_as_its_birth() -> None:
    chain = DevChain()
    chain.skip(8)
    era = mortal_era(8, 8)

    assert validate(chain, chain.sign(ALICE, CALL, era=era, birth_hash=block_hash(8))).valid_until == 16


def test_who_cannot_pay_is_refused() -> None:
    chain = DevChain()
    assert refusal(chain, chain.sign(POOR, CALL)) == (1010, PAYMENT)
    chain.run((ALICE, transfer(POOR.public, 100_000)))
    assert refusal(chain, chain.sign(POOR, CALL)) == (1010, PAYMENT)
    huge = chain.sign(ALICE, CALL, tip=2**64 - 1)
    assert refusal(chain, huge) == (1010, PAYMENT)


def test_garbage_and_inherents_do_not_decode() -> None:
    chain = DevChain()

    assert refusal(chain, b"")[0] == UNDECODABLE
    assert refusal(chain, b"\x04\xff")[0] == UNDECODABLE
    assert refusal(chain, timestamp(5))[0] == UNDECODABLE
    assert refusal(chain, chain.sign(ALICE, CALL) + b"\0")[0] == UNDECODABLE


def test_what_is_too_long_or_too_heavy_is_refused() -> None:
    chain = DevChain()
    heavy = call_value(
        "Utility",
        "batch",
        calls=[
            call_value(
                "SubtensorModule",
                "swap_stake_limit",
                hotkey=b"\1" * 32,
                origin_netuid=1,
                destination_netuid=2,
                alpha_amount=1,
                limit_price=1,
                allow_partial=True,
            )
        ]
        * 500,
    )

    assert refusal(chain, chain.sign(ALICE, call_value("System", "remark", remark=bytes(70_000)))) == (1010, EXHAUSTS)
    assert refusal(chain, chain.sign(ALICE, heavy)) == (1010, EXHAUSTS)

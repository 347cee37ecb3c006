from chain.extrinsic import call_value
from chain.keys import KeyPair
from chain.runtime.balances import EXISTENTIAL_DEPOSIT
from chain.runtime.invariants import check_state
from tests.support.dev_chain import ALICE, BOB, TAO, DevChain, events_of, names_of, transfer

DAVE = KeyPair.from_seed(b"\x05" * 32)
STRANGER = b"\x33" * 32


def funded(chain: DevChain, amount: int) -> None:
    chain.run((ALICE, transfer(DAVE.public, amount)))


def fee_of(chain: DevChain, index: int = 1) -> int:
    assert chain.result is not None
    return chain.result.receipts[index].fee_rao


def test_a_transfer_to_a_new_account_announces_the_account_and_moves_exactly_the_amount() -> None:
    chain = DevChain()
    before = chain.free(ALICE.public)

    result = chain.run((ALICE, transfer(STRANGER, TAO)))

    assert result.receipts[1].success
    assert chain.free(STRANGER) == TAO
    assert before - chain.free(ALICE.public) == TAO + fee_of(chain)
    names = names_of(result, 1)
    assert names[1:4] == ["System.NewAccount", "Balances.Endowed", "Balances.Transfer"]
    assert names[-2:] == ["TransactionPayment.TransactionFeePaid", "System.ExtrinsicSuccess"]


def test_a_transfer_below_the_existential_deposit_to_a_new_account_fails_and_costs_only_the_fee() -> None:
    chain = DevChain()
    before = chain.free(ALICE.public)

    result = chain.run((ALICE, transfer(STRANGER, EXISTENTIAL_DEPOSIT - 1)))

    assert result.receipts[1].error == ("Token", "BelowMinimum")
    assert before - chain.free(ALICE.public) == fee_of(chain)
    assert chain.free(STRANGER) == 0
    assert not chain.state.contains("System.Account", STRANGER)


def test_keep_alive_refuses_what_would_kill_the_sender() -> None:
    chain = DevChain()
    funded(chain, TAO)

    result = chain.run((DAVE, transfer(BOB.public, TAO - 200_000)))

    assert result.receipts[1].success
    left = chain.free(DAVE.public)
    result = chain.run((ALICE, transfer(DAVE.public, TAO)), (DAVE, transfer(BOB.public, TAO + left - 125_500)))
    assert result.receipts[2].error in {("Token", "NotExpendable"), ("Token", "FundsUnavailable")}


def test_overspending_names_the_missing_funds() -> None:
    chain = DevChain()
    funded(chain, TAO)

    result = chain.run((DAVE, transfer(BOB.public, 2 * TAO)))

    assert result.receipts[1].error == ("Token", "FundsUnavailable")


def test_dust_is_destroyed_with_the_account_whose_nonce_stays() -> None:
    chain = DevChain()
    funded(chain, TAO)
    issuance = chain.state.get("Balances.TotalIssuance")
    fee = chain.run((DAVE, transfer(BOB.public, 1_000))).receipts[1].fee_rao
    left = chain.free(DAVE.public)

    result = chain.run((DAVE, transfer(BOB.public, left - fee - 499, name="transfer_allow_death")))

    assert result.receipts[1].success, result.receipts[1]
    names = names_of(result, 1)
    assert "System.KilledAccount" in names
    lost = [fields for _, name, fields in events_of(result, 1) if name == "DustLost"]
    assert lost == [{"account": DAVE.public, "amount": chain_dust(chain, result, left)}]
    account = chain.state.get("System.Account", DAVE.public)
    assert (account["nonce"], account["providers"], account["data"]["free"]) == (2, 0, 0)
    assert chain.state.get("Balances.TotalIssuance") < issuance + 3 * TAO
    check_state(chain.state)


def chain_dust(chain: DevChain, result: object, left: int) -> int:
    assert chain.result is not None
    receipt = chain.result.receipts[1]
    moved: int = sum(fields["amount"] for _, name, fields in events_of(chain.result, 1) if name == "Transfer")
    return left - receipt.fee_rao - moved


def test_an_account_that_was_reaped_cannot_replay_its_old_extrinsics() -> None:
    chain = DevChain()
    funded(chain, TAO)
    old = chain.sign(DAVE, call_value("Balances", "transfer_all", dest=("Id", BOB.public), keep_alive=False))
    chain.apply(old)
    assert chain.free(DAVE.public) == 0

    funded(chain, TAO)

    assert chain.state.get("System.Account", DAVE.public)["nonce"] == 1


def test_transfer_all_leaves_nothing_or_the_existential_deposit() -> None:
    for keep_alive, left in ((False, 0), (True, EXISTENTIAL_DEPOSIT)):
        chain = DevChain()
        funded(chain, TAO)
        call = call_value("Balances", "transfer_all", dest=("Id", BOB.public), keep_alive=keep_alive)

        result = chain.run((DAVE, call))

        assert result.receipts[1].success
        assert chain.free(DAVE.public) == left


def test_a_transfer_to_oneself_moves_nothing_and_tells_of_nothing() -> None:
    chain = DevChain()

    result = chain.run((ALICE, transfer(ALICE.public, TAO)))

    assert result.receipts[1].success
    assert "Balances.Transfer" not in names_of(result, 1)


def test_an_address_that_is_no_account_is_refused() -> None:
    chain = DevChain()
    call = call_value("Balances", "transfer_keep_alive", dest=("Raw", b"abc"), value=TAO)

    result = chain.run((ALICE, call))

    assert result.receipts[1].error == "CannotLookup"


def test_an_amount_beyond_all_supply_is_refused() -> None:
    chain = DevChain()

    result = chain.run((ALICE, transfer(BOB.public, 2**64 - 1)))

    assert result.receipts[1].error == ("Token", "FundsUnavailable")

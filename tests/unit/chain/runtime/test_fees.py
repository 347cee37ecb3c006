from typing import Any

import pytest

from chain.extrinsic import call_value
from chain.runtime import fees, weights
from chain.runtime.parameters import Parameters
from chain.runtime.transition import apply_block
from tests.support.dev_chain import ALICE, AUTHOR, BOB, HOTKEY, TAO, DevChain, batch, proxied, stake, transfer

PARAMETERS = Parameters(dev=1, block_interval_ms=0, epoch_blocks=10, max_validators=1)
BUY = stake("add_stake", hotkey=HOTKEY, netuid=1, amount_staked=TAO)


@pytest.mark.parametrize(
    ("call", "rao"),
    [
        (transfer(BOB.public, 1), 71_000),
        (BUY, 1_532_032),
        (stake("remove_stake", hotkey=HOTKEY, netuid=1, amount_unstaked=1), 1_284_599),
        (batch(BUY, BUY), 5_000 + 2 * (2_000 + 1_532_032)),
        (proxied(ALICE.public, BUY), 12_000 + 1_532_032),
        (call_value("Sudo", "sudo", call=BUY), 10_000 + 1_532_032),
        (stake("register_network", hotkey=HOTKEY), 3_038_562),
    ],
)
def test_a_fee_is_base_and_bytes_and_weight(call: Any, rao: int) -> None:
    fee = fees.fee_of(PARAMETERS, call, 200)

    assert (fee.base, fee.length, fee.weight) == (54_000, 200, rao)
    assert fee.total == 54_200 + rao


def test_a_fraction_of_a_rao_is_rounded_up_once() -> None:
    odd = Parameters(dev=1, block_interval_ms=0, epoch_blocks=10, max_validators=1, weight_per_rao=7)

    fee = fees.fee_of(odd, BUY, 0)

    assert fee.total == -(-(weights.BASE + weights.weight_of(BUY)) // 7)


def test_without_an_author_fees_are_destroyed() -> None:
    chain = DevChain()
    proposer = chain.inputs().proposer
    chain.state = chain.state.commit({("", (b":bft:reward:" + proposer,)): None})
    chain.apply()
    before = chain.state.get("Balances.TotalIssuance")
    minted = apply_block(chain.state, chain.inputs()).changes["Balances.TotalIssuance", ()] - before

    result = chain.run((ALICE, transfer(BOB.public, TAO)))

    assert chain.free(AUTHOR) == 0
    assert chain.state.get("Balances.TotalIssuance") - before == minted - result.receipts[1].fee_rao

from collections.abc import Callable
from typing import Any

import pytest

from chain.errors import InvariantBroken
from chain.runtime import dispatch
from chain.runtime.context import Context, Origin
from chain.runtime.invariants import check_state
from chain.runtime.subtensor import pools, positions
from tests.support.dev_chain import ALICE, HOTKEY, TAO, DevChain, stake, transfer

CALL = transfer(b"\x33" * 32, TAO)


def replace_handler(
    monkeypatch: pytest.MonkeyPatch, handler: Callable[[Context, Origin, dict[str, Any]], None]
) -> None:
    monkeypatch.setitem(dispatch.HANDLERS, ("Balances", "transfer_keep_alive"), handler)


def money_from_nowhere(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    account = context.overlay.get("System.Account", ALICE.public)
    data = {**account["data"], "free": account["data"]["free"] + 1}
    context.overlay.put("System.Account", ALICE.public, {**account, "data": data})


def issuance_from_nowhere(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    context.overlay.put("Balances.TotalIssuance", context.overlay.get("Balances.TotalIssuance") + 1)


def alpha_from_nowhere(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    positions.give_to_all(context.overlay, HOTKEY, 1, 10)


def reserve_from_nowhere(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    pools.add_reserves(context.overlay, 3, tao=10 * TAO)


def crash(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    raise KeyError("gone")


def value_that_no_item_holds(context: Context, origin: Origin, args: dict[str, Any]) -> None:
    context.overlay.put("SubtensorModule.Tempo", 1, -1)


@pytest.mark.parametrize(
    ("handler", "text"),
    [
        (money_from_nowhere, r"accounts changed by \d+ rao, the issuance by"),
        (issuance_from_nowhere, r"accounts changed by \d+ rao, the issuance by"),
        (alpha_from_nowhere, r"subnet 1: \d+ rao of alpha came from nowhere"),
        (reserve_from_nowhere, "subnet 3: reserve"),
        (crash, "KeyError"),
        (value_that_no_item_holds, "Tempo|u16"),
    ],
)
def test_a_fault_of_our_own_stops_the_block(monkeypatch: pytest.MonkeyPatch, handler: Any, text: str) -> None:
    chain = DevChain()
    replace_handler(monkeypatch, handler)

    with pytest.raises(InvariantBroken, match=text):
        chain.run((ALICE, CALL))


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        (("Balances.TotalIssuance", ()), 5),
        (("SubtensorModule.TotalHotkeyAlpha", (HOTKEY, 1)), 2**63),
        (("SubtensorModule.SubnetTAO", (3,)), 2**63),
    ],
)
def test_a_state_with_wrong_books_is_not_built_on(entry: Any, value: int) -> None:
    chain = DevChain()
    chain.state = chain.state.commit({entry: value})

    with pytest.raises(InvariantBroken):
        check_state(chain.state)
    with pytest.raises(InvariantBroken):
        chain.apply()


def test_a_supply_above_the_maximum_is_noticed() -> None:
    chain = DevChain()
    account = chain.state.get("System.Account", ALICE.public)
    data = {**account["data"], "free": account["data"]["free"] + 20_000_000 * TAO}
    issuance = chain.state.get("Balances.TotalIssuance") + 20_000_000 * TAO
    chain.state = chain.state.commit(
        {
            ("System.Account", (ALICE.public,)): {**account, "data": data},
            ("Balances.TotalIssuance", ()): issuance,
        }
    )

    with pytest.raises(InvariantBroken, match="above the maximum"):
        chain.apply()


def test_burned_alpha_stays_outstanding_and_is_nobodys() -> None:
    chain = DevChain()
    config = chain.inputs()
    chain.state = chain.state.commit({("", (b":bft:reward:" + config.proposer,)): None})
    burned_before = chain.state.get("AlphaAssets.AlphaBurned", 1)

    result = chain.run((ALICE, stake("remove_stake", hotkey=HOTKEY, netuid=1, amount_unstaked=1_000 * TAO)))

    assert result.receipts[1].success
    assert chain.state.get("AlphaAssets.AlphaBurned", 1) > burned_before
    check_state(chain.state)

import contextlib
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain.extrinsic import call_value, decode_extrinsic, encode_inherent
from chain.hashing import blake2b_256
from chain.keys import KeyPair
from chain.runtime.admission import validate_extrinsic
from chain.runtime.declarations import TYPES, codec
from chain.runtime.errors import Inadmissible
from chain.runtime.fees import can_pay
from chain.runtime.invariants import check_state
from chain.runtime.state import join_key
from chain.runtime.subtensor import pools
from chain.runtime.transition import apply_block, build_block
from chain.scale.types import Named
from tests.support.dev_chain import (
    ALICE,
    AUTHOR,
    BOB,
    GENESIS_HASH,
    HOTKEY,
    OTHER_HOTKEY,
    TAO,
    DevChain,
)
from tests.support.scale_values import values

SIGNERS = (ALICE, BOB, KeyPair.from_seed(b"\x06" * 32))
ACCOUNTS = (ALICE.public, BOB.public, SIGNERS[2].public, b"\x33" * 32, AUTHOR, b"modlsubtensr\x03\x00".ljust(32, b"\0"))
HOTKEYS = (HOTKEY, OTHER_HOTKEY, b"\x55" * 32)

accounts = st.sampled_from(ACCOUNTS)
addresses = accounts.map(lambda account: ("Id", account))
hotkeys = st.sampled_from(HOTKEYS)
netuids = st.sampled_from((0, 1, 2, 3, 4, 5, 6, 7, 65_535))
amounts = st.one_of(
    st.sampled_from((0, 1, 499, 500, 1_999_999, 2_000_000, 2_001_000, TAO, 40 * TAO, 2**63, 2**64 - 1)),
    st.integers(0, 10_000 * TAO),
    st.integers(0, 2**64 - 1),
)
limits = st.one_of(st.sampled_from((0, 1, 1_000, TAO, 10**15, 2**64 - 1)), st.integers(0, 2 * TAO))
proxy_types = st.sampled_from(("Any", "Staking", "NonTransfer", "Transfer", "SmallTransfer", "Senate"))


def of(name: str, **args: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(args).map(lambda values: ("SubtensorModule", (name, values)))


def pallet_call(pallet: str, name: str, **args: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(args).map(lambda values: (pallet, (name, values)))


limited = {"limit_price": limits, "allow_partial": st.booleans()}
move = {"origin_netuid": netuids, "destination_netuid": netuids, "alpha_amount": amounts}
leaves = st.one_of(
    pallet_call("Balances", "transfer_keep_alive", dest=addresses, value=amounts),
    pallet_call("Balances", "transfer_allow_death", dest=addresses, value=amounts),
    pallet_call("Balances", "transfer_all", dest=addresses, keep_alive=st.booleans()),
    of("add_stake", hotkey=hotkeys, netuid=netuids, amount_staked=amounts),
    of("add_stake_limit", hotkey=hotkeys, netuid=netuids, amount_staked=amounts, **limited),
    of("remove_stake", hotkey=hotkeys, netuid=netuids, amount_unstaked=amounts),
    of("remove_stake_limit", hotkey=hotkeys, netuid=netuids, amount_unstaked=amounts, **limited),
    of("move_stake", origin_hotkey=hotkeys, destination_hotkey=hotkeys, **move),
    of("transfer_stake", destination_coldkey=accounts, hotkey=hotkeys, **move),
    of("swap_stake", hotkey=hotkeys, **move),
    of("swap_stake_limit", hotkey=hotkeys, **move, **limited),
    of("remove_stake_full_limit", hotkey=hotkeys, netuid=netuids, limit_price=st.none() | limits),
    of("unstake_all", hotkey=hotkeys),
    of("unstake_all_alpha", hotkey=hotkeys),
    of("recycle_alpha", hotkey=hotkeys, amount=amounts, netuid=netuids),
    of("burn_alpha", hotkey=hotkeys, amount=amounts, netuid=netuids),
    of("try_associate_hotkey", hotkey=hotkeys),
    of("register_network", hotkey=hotkeys),
    pallet_call("System", "remark_with_event", remark=st.binary(max_size=8)),
    pallet_call("Proxy", "add_proxy", delegate=addresses, proxy_type=proxy_types, delay=st.sampled_from((0, 0, 0, 5))),
    pallet_call("Proxy", "remove_proxy", delegate=addresses, proxy_type=proxy_types, delay=st.just(0)),
    st.just(call_value("Proxy", "remove_proxies")),
    pallet_call("AdminUtils", "sudo_set_subtoken_enabled", netuid=netuids, subtoken_enabled=st.booleans()),
    pallet_call("AdminUtils", "sudo_set_nominator_min_required_stake", min_stake=st.sampled_from((0, 10**7, 10**12))),
)


def wrap(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, max_size=4)
    return st.one_of(
        pallet_call("Utility", "batch", calls=several),
        pallet_call("Utility", "batch_all", calls=several),
        pallet_call("Utility", "force_batch", calls=several),
        pallet_call("Proxy", "proxy", real=addresses, force_proxy_type=st.none() | proxy_types, call=inner),
        pallet_call("Sudo", "sudo", call=inner),
    )


calls = st.recursive(leaves, wrap, max_leaves=4)
blocks = st.lists(st.lists(st.tuples(st.sampled_from(SIGNERS), calls), max_size=3), min_size=1, max_size=5)

relaxed = settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])


def strange_chain(quote: int, blocks_before: int) -> DevChain:
    """Return a chain whose thin pool has an unusual weight, some blocks after genesis."""
    chain = DevChain()
    chain.state = chain.state.commit({("Swap.SwapBalancer", (3,)): {"quote": quote}})
    chain.skip(blocks_before)
    return chain


def included(chain: DevChain, block: list[tuple[KeyPair, Any]]) -> list[bytes]:
    nonces: dict[bytes, int] = {}
    extrinsics = []
    for key, call in block:
        nonce = nonces.get(key.public, chain.state.get("System.Account", key.public)["nonce"])
        raw = chain.sign(key, call, nonce=nonce)
        built = build_block(chain.state, chain.inputs(), [*extrinsics, raw])
        if not built.left_out:
            extrinsics.append(raw)
            nonces[key.public] = nonce + 1
    return extrinsics


@relaxed
@given(blocks=blocks, quote=st.integers(15 * 10**16, 85 * 10**16), before=st.integers(0, 21))
def test_whatever_is_called_supply_is_conserved_and_nothing_breaks(
    blocks: list[list[tuple[KeyPair, Any]]], quote: int, before: int
) -> None:
    chain = strange_chain(quote, before)
    for block in blocks:
        result = chain.apply(*included(chain, block))
        check_state(chain.state)
        for event in result.events:
            codec().encode("EventRecord", event)
        for netuid in range(1, 7):
            pool = pools.pool_of(chain.state, netuid)
            assert min(pool.tao, pool.alpha) >= 0


@relaxed
@given(call=calls, signer=st.sampled_from(SIGNERS), before=st.integers(0, 3))
def test_a_call_that_fails_changes_only_fee_and_nonce(call: Any, signer: KeyPair, before: int) -> None:
    chain = strange_chain(5 * 10**17, before)
    inputs = chain.inputs(chain.sign(signer, call))
    built = build_block(chain.state, chain.inputs(), inputs.extrinsics[1:])
    if built.left_out or built.result.receipts[1].success:
        return
    twin = apply_block(chain.state, chain.inputs())

    differing = {key for key in built.result.delta if built.result.delta[key] != twin.delta.get(key)}

    allowed = {join_key("System.Account", (account,)) for account in (signer.public, AUTHOR)}
    assert set(twin.delta) <= set(built.result.delta)
    assert differing <= allowed
    fee = built.result.receipts[1].fee_rao
    before_free = chain.free(signer.public)
    chain.state = chain.state.commit(built.result.changes)
    assert chain.free(signer.public) == before_free - fee
    assert chain.state.get("System.Account", signer.public)["nonce"] == 1


@relaxed
@given(
    block=st.lists(st.tuples(st.sampled_from(SIGNERS[:2]), calls), min_size=1, max_size=3), before=st.integers(0, 21)
)
def test_a_block_applied_twice_is_the_same_to_the_byte(block: list[tuple[KeyPair, Any]], before: int) -> None:
    chain = strange_chain(5 * 10**17, before)
    inputs = chain.inputs(*included(chain, block))

    first, second = apply_block(chain.state, inputs), apply_block(chain.state, inputs)

    assert list(first.delta.items()) == list(second.delta.items())
    assert first.events == second.events
    assert first.receipts == second.receipts


@relaxed
@given(call=values(TYPES, Named("RuntimeCall"), calls_left=4), signer=st.sampled_from(SIGNERS[:2]))
def test_any_declared_call_with_any_values_is_answered(call: Any, signer: KeyPair) -> None:
    """Most are not carried out by this chain; all must end as a receipt, none as a fault."""
    chain = DevChain()

    chain.apply(*included(chain, [(signer, call), (signer, ("Sudo", ("sudo", {"call": call})))]))

    check_state(chain.state)


@relaxed
@given(call=calls, place=st.integers(0, 400), byte=st.integers(1, 255), cut=st.integers(0, 3))
def test_bytes_gone_wrong_are_refused_or_run_but_never_break_anything(
    call: Any, place: int, byte: int, cut: int
) -> None:
    chain = DevChain()
    raw = chain.sign(ALICE, call)
    at = place % len(raw)
    spoiled = raw[:at] + bytes((raw[at] ^ byte,)) + raw[at + 1 : len(raw) - cut]

    with contextlib.suppress(Inadmissible):
        validate_extrinsic(chain.state, spoiled, genesis_hash=GENESIS_HASH, head_hash=GENESIS_HASH)
    built = build_block(chain.state, chain.inputs(), [spoiled, raw])

    assert raw in built.inputs.extrinsics
    inputs = replace(chain.inputs(), verified=frozenset({blake2b_256(spoiled)}))
    build_block(chain.state, inputs, [spoiled])


@relaxed
@given(call=calls)
def test_a_call_survives_its_own_encoding(call: Any) -> None:
    encoded = codec().encode("RuntimeCall", call)

    assert codec().decode("RuntimeCall", encoded) == call
    assert can_pay(DevChain().state, _unsigned(call), 0) is False


def _unsigned(call: Any) -> Any:
    return decode_extrinsic(encode_inherent(call))

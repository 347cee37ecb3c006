import contextlib
from dataclasses import replace
from functools import cache
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain.extrinsic import call_value, decode_extrinsic, encode_inherent
from chain.hashing import blake2b_256
from chain.keys import KeyPair
from chain.runtime.admission import validate_extrinsic
from chain.runtime.declarations import TYPES, codec, pallet
from chain.runtime.errors import Inadmissible
from chain.runtime.fees import can_pay, is_free
from chain.runtime.genesis_accounts import named
from chain.runtime.invariants import check_state
from chain.runtime.pallet import Call
from chain.runtime.state import State, join_key
from chain.runtime.subtensor import pools
from chain.runtime.subtensor.commits import hash_weights
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
from tests.support.weights import score

ALICES_HOTKEY = b"\x57" * 32
VALIDATOR = KeyPair.from_uri("//Charlie//hotkey")
SIGNERS = (ALICE, BOB, KeyPair.from_seed(b"\x06" * 32), VALIDATOR)
ACCOUNTS = (ALICE.public, BOB.public, SIGNERS[2].public, b"\x33" * 32, AUTHOR, b"modlsubtensr\x03\x00".ljust(32, b"\0"))
HOTKEYS = (HOTKEY, OTHER_HOTKEY, ALICES_HOTKEY, named("//Owner//hotkey"), b"\x55" * 32, b"\x56" * 32)

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


def of(name: str, /, **args: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(args).map(lambda values: ("SubtensorModule", (name, values)))


def pallet_call(pallet: str, name: str, /, **args: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(args).map(lambda values: (pallet, (name, values)))


u16 = st.one_of(st.sampled_from((0, 1, 11_795, 11_796, 11_797)), st.integers(0, 65_535))
proportions = st.one_of(st.sampled_from((0, 2**63, 2**64 - 1)), st.integers(0, 2**64 - 1))
children = st.lists(st.tuples(proportions, hotkeys), max_size=6)
claim_types = st.one_of(
    st.sampled_from(("Swap", "Keep")),
    st.lists(netuids, max_size=3, unique=True).map(lambda kept: ("KeepSubnets", {"subnets": sorted(kept)})),
)
owners = st.sampled_from((named("//Owner"), ALICE.public, BOB.public))
texts = st.sampled_from((b"", b"name", b"x" * 257, b"x" * 1_025))
IDENTITY = ("name", "url", "github_repo", "image", "discord", "description", "additional")
SUBNET_IDENTITY = (
    "subnet_name",
    "github_repo",
    "subnet_contact",
    "subnet_url",
    "discord",
    "description",
    "logo_url",
    "additional",
)
axon = {
    "version": st.just(1),
    "ip": st.sampled_from((0, 1, 0x7F000001, 0x01020304, 2**128 - 1)),
    "port": st.sampled_from((0, 8_091)),
    "ip_type": st.sampled_from((4, 6, 7)),
    "protocol": st.just(0),
    "placeholder1": st.just(0),
    "placeholder2": st.just(0),
}
INTEGERS = {"u8": 2**8, "u16": 2**16, "u64": 2**64}


short = st.lists(st.integers(0, 7), max_size=4)
"""Numbers of neurons, and with them few enough weights and salts that a reveal can meet its commit."""
mechanism = st.sampled_from((0, 0, 1, 15, 255))
versions = st.sampled_from((0, 1))
digests = st.builds(
    lambda index, uids: hash_weights(VALIDATOR.public, index, uids=uids, values=uids, salt=[], version=0),
    st.sampled_from((5, 6, 4_101)),
    short,
)


def several(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(inner, min_size=1, max_size=2)


def revealed(name: str, **more: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return reveals of the rows that ``digests`` commit to."""
    row = short.map(lambda uids: {"uids": uids, "values": uids, "salt": [], "version_key": 0})
    return st.tuples(st.fixed_dictionaries({"netuid": netuids, **more}), row).map(
        lambda parts: ("SubtensorModule", (name, {**parts[0], **parts[1]}))
    )


def weight_calls() -> st.SearchStrategy[Any]:
    row = {"dests": short, "weights": short, "version_key": versions}
    sealed = {
        "commit": st.binary(max_size=9),
        "reveal_round": amounts,
        "commit_reveal_version": st.sampled_from((3, 4)),
    }
    pairs = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 65_535)), max_size=4)
    lists = {"uids_list": several(short), "values_list": several(short), "salts_list": several(short)}
    return st.one_of(
        of("set_weights", netuid=netuids, **row),
        of("set_mechanism_weights", netuid=netuids, mecid=mechanism, **row),
        of("batch_set_weights", netuids=several(netuids), weights=several(pairs), version_keys=several(versions)),
        of("commit_weights", netuid=netuids, commit_hash=digests),
        of("commit_mechanism_weights", netuid=netuids, mecid=mechanism, commit_hash=digests),
        of("batch_commit_weights", netuids=several(netuids), commit_hashes=several(digests)),
        revealed("reveal_weights"),
        revealed("reveal_mechanism_weights", mecid=mechanism),
        of("batch_reveal_weights", netuid=netuids, version_keys=several(versions), **lists),
        of("commit_timelocked_weights", netuid=netuids, **sealed),
        of("commit_timelocked_mechanism_weights", netuid=netuids, mecid=mechanism, **sealed),
        of("set_tempo", netuid=netuids, tempo=st.sampled_from((0, 1, 20, 360))),
        of("set_activity_cutoff_factor", netuid=netuids, factor_milli=st.sampled_from((0, 1_000, 50_000))),
        of("trigger_epoch", netuid=netuids),
    )


def argument(kind: str) -> st.SearchStrategy[Any]:
    if kind == "bool":
        return st.booleans()
    if kind == "AccountId32":
        return hotkeys
    if kind == "Option<Vec<u16>>":
        return st.none() | st.sampled_from(([65_535], [32_768, 32_767], [1, 2]))
    if kind == "i16":
        return st.integers(-(2**15), 2**15 - 1)
    return st.one_of(st.sampled_from((0, 1, 20, 64, 255)), st.integers(0, INTEGERS[kind] - 1))


def admin_call(declared: Call) -> st.SearchStrategy[Any]:
    args = {name: netuids if name == "netuid" else argument(kind) for name, kind in declared.args}
    return pallet_call("AdminUtils", declared.name, **args)


admin = st.sampled_from(pallet("AdminUtils").calls).flatmap(admin_call)
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
    of("start_call", netuid=netuids),
    of("lock_stake", hotkey=hotkeys, netuid=netuids, amount=amounts),
    of("move_lock", destination_hotkey=hotkeys, netuid=netuids),
    of("burned_register", netuid=netuids, hotkey=hotkeys),
    of("register_limit", netuid=netuids, hotkey=hotkeys, limit_price=amounts),
    of("root_register", hotkey=hotkeys),
    of("dissolve_network", coldkey=owners, netuid=netuids),
    of("increase_take", hotkey=hotkeys, take=u16),
    of("decrease_take", hotkey=hotkeys, take=u16),
    of("set_childkey_take", hotkey=hotkeys, netuid=netuids, take=u16),
    of("set_children", hotkey=hotkeys, netuid=netuids, children=children),
    of("set_coldkey_auto_stake_hotkey", netuid=netuids, hotkey=hotkeys),
    of("swap_hotkey", hotkey=hotkeys, new_hotkey=hotkeys, netuid=st.none() | netuids),
    of("announce_coldkey_swap", new_coldkey_hash=accounts.map(blake2b_256)),
    of("swap_coldkey_announced", new_coldkey=accounts),
    st.just(call_value("SubtensorModule", "dispute_coldkey_swap")),
    of("claim_root", subnets=st.lists(netuids, max_size=6, unique=True).map(sorted)),
    of("set_root_claim_type", new_root_claim_type=claim_types),
    of("set_identity", **dict.fromkeys(IDENTITY, texts)),
    of("set_subnet_identity", netuid=netuids, **dict.fromkeys(SUBNET_IDENTITY, texts)),
    of("serve_axon", netuid=netuids, **axon),
    admin,
    weight_calls(),
    pallet_call("System", "remark_with_event", remark=st.binary(max_size=8)),
    pallet_call("Proxy", "add_proxy", delegate=addresses, proxy_type=proxy_types, delay=st.sampled_from((0, 0, 0, 5))),
    pallet_call("Proxy", "remove_proxy", delegate=addresses, proxy_type=proxy_types, delay=st.just(0)),
    st.just(call_value("Proxy", "remove_proxies")),
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


@cache
def _prepared() -> tuple[tuple[bytes, bytes], ...]:
    """Return the entries of a chain on which much has happened already.

    Alice owns a hotkey and, with it, subnet 7, which is open; she is a nominator and a root staker; her hotkey has a
    parent and a child on subnet 2; all waits are short, few numbers for subnets are left, and root has few seats.
    """
    chain = DevChain()
    waits: dict[Any, Any] = {
        ("SubtensorModule.ColdkeySwapAnnouncementDelay", ()): 1,
        ("SubtensorModule.ColdkeySwapReannouncementDelay", ()): 1,
        ("SubtensorModule.SubnetLimit", ()): 7,
        ("Chain.NetworkImmunity", ()): 12,
        ("SubtensorModule.MaxAllowedUids", (0,)): 2,
        ("SubtensorModule.ImmunityPeriod", (3,)): 0,
        ("Chain.LockMin", ()): 10 * TAO,
        ("Chain.LastLock", ()): 10 * TAO,
        ("SubtensorModule.PendingChildKeys", (2, HOTKEY)): ([(2**63, ALICES_HOTKEY)], 1),
        ("SubtensorModule.PendingChildKeys", (2, ALICES_HOTKEY)): ([(2**62, OTHER_HOTKEY)], 1),
    }
    chain.state = chain.state.commit(waits)
    alices: list[tuple[str, dict[str, Any]]] = [
        ("register_network", {"hotkey": ALICES_HOTKEY}),
        ("start_call", {"netuid": 7}),
        ("burned_register", {"netuid": 2, "hotkey": ALICES_HOTKEY}),
        ("root_register", {"hotkey": ALICES_HOTKEY}),
        ("add_stake", {"hotkey": ALICES_HOTKEY, "netuid": 7, "amount_staked": 20 * TAO}),
        ("add_stake", {"hotkey": HOTKEY, "netuid": 0, "amount_staked": 900 * TAO}),
        ("set_root_claim_type", {"new_root_claim_type": ("KeepSubnets", {"subnets": [1, 2]})}),
        ("lock_stake", {"hotkey": HOTKEY, "netuid": 1, "amount": 500_000 * TAO}),
        ("set_coldkey_auto_stake_hotkey", {"netuid": 7, "hotkey": ALICES_HOTKEY}),
    ]
    for name, args in alices:
        assert chain.run((ALICE, call_value("SubtensorModule", name, **args))).receipts[1].success, name
    for netuid in (1, 2, 5):
        score(chain, netuid, [[(4, 3), (5, 1), (0, 1)], [(4, 1), (6, 5)], [(1, 1), (5, 1)]])
    chain.skip(19)
    return tuple(chain.state.pairs())


def strange_chain(quote: int, blocks_before: int) -> DevChain:
    """Return a chain with a past, whose thin pool has an unusual weight, some blocks later."""
    chain = DevChain(state=State.from_pairs(_prepared()))
    if pools.exists(chain.state, 3):
        chain.state = chain.state.commit({("Swap.SwapBalancer", (3,)): {"quote": quote}})
    chain.skip(blocks_before)
    return chain


def included(chain: DevChain, block: list[tuple[KeyPair, Any]]) -> list[bytes]:
    nonces: dict[bytes, int] = {}
    extrinsics: list[bytes] = []
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
        for netuid in range(1, 8):
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
    before_free, nonce = chain.free(signer.public), chain.state.get("System.Account", signer.public)["nonce"]
    chain.state = chain.state.commit(built.result.changes)
    assert chain.free(signer.public) == before_free - fee
    assert chain.state.get("System.Account", signer.public)["nonce"] == nonce + 1


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

    # A call without fee that is sure to fail is left out; all others stand in the block.
    assert raw in built.inputs.extrinsics or is_free(call)
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

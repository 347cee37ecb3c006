"""A real node and a bare client: protocol, admission, subscriptions, history, and what hostile clients can do."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from chain.block import Block, Header
from chain.errors import ChainError, InvalidBlock, InvariantBroken
from chain.executor import Candidate, Head, check_block
from chain.extrinsic import call_value, decode_extrinsic, sign_extrinsic
from chain.hashing import blake2b_256
from chain.keys import KeyPair
from chain.merkle import StateTree
from chain.node import Node, NodeConfig
from chain.runtime.state import State
from chain.scale.compact import encode_compact
from chain.scale.era import mortal_era
from chain.storage.database import StorageRefused
from chain.storage.store import ChainStore
from chain.storage_keys import prefix, storage_key
from tests.support.chain_node import GENESIS_TIME_MS, SEED, RawClient, Ticker, raw_client, running_node

ALICE, BOB, POOR = (KeyPair.from_uri(uri) for uri in ("//Alice", "//Bob", "//Poor"))
TAO = 10**9


def _transfer(value: int = TAO, dest: bytes = BOB.public) -> Any:
    return call_value("Balances", "transfer_keep_alive", dest=("Id", dest), value=value)


def _signed(node: Node, call: Any, *, nonce: int = 0, key: KeyPair = ALICE, **options: Any) -> str:
    data = sign_extrinsic(key, call, nonce=nonce, genesis_hash=node.genesis_hash, **options)
    return "0x" + data.hex()


def _hash(data: str) -> str:
    return "0x" + blake2b_256(bytes.fromhex(data[2:])).hex()


def _account_key(account: bytes) -> str:
    return "0x" + storage_key("System", "Account", account).hex()


async def _events(client: RawClient, block_hash: str) -> str:
    events = await client.call("state_getStorageAt", "0x" + storage_key("System", "Events").hex(), block_hash)
    assert isinstance(events, str)
    return events


# Methods.


async def test_every_method_that_clients_must_have_is_listed_and_answers(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node, raw_client(node) as client:
        genesis = "0x" + node.genesis_hash.hex()
        listed = (await client.call("rpc_methods"))["methods"]
        answers = {
            "chain_getBlockHash": await client.call("chain_getBlockHash", 0),
            "chain_getHead": await client.call("chain_getHead"),
            "chain_getFinalizedHead": await client.call("chain_getFinalizedHead"),
            "chain_getFinalisedHead": await client.call("chain_getFinalisedHead"),
        }
        assert set(answers.values()) == {genesis}
        assert await client.call("chain_getBlockHash", [0, "0x0", 5]) == [genesis, genesis, None]
        assert await client.call("chain_getBlockHash", None) == genesis
        header = await client.call("chain_getHeader")
        assert (header["number"], header["parentHash"], header["digest"]) == ("0x0", "0x" + "00" * 32, {"logs": []})
        assert (await client.call("chain_getBlock", genesis))["block"] == {"header": header, "extrinsics": []}
        assert (await client.call("state_getRuntimeVersion"))["specVersion"] == 424
        assert (await client.call("state_getMetadata", genesis)).startswith("0x6d6574610e")
        assert await client.call("state_call", "Metadata_metadata_versions", "") == "0x080e0000000f000000"
        assert await client.call("account_nextIndex", ALICE.address) == 0
        assert await client.call("system_chainType") == "Development"
        assert (await client.call("system_properties"))["tokenSymbol"] == "TAO"
        assert (await client.call("system_health"))["isSyncing"] is False
        assert await client.call("system_name") == "taobourse-chain"
        assert isinstance(await client.call("system_chain"), str)
        assert await client.call("author_pendingExtrinsics") == []
        assert {"state_call", "state_getStorageAt", "account_nextIndex", *answers} <= set(listed)


async def test_storage_is_read_by_key_by_list_and_by_page(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node, raw_client(node) as client:
        alice, absent = _account_key(ALICE.public), _account_key(bytes(32))
        value = await client.call("state_getStorage", alice)
        assert await client.call("state_getStorageAt", alice, None) == value
        assert await client.call("state_getStorage", absent) is None
        assert await client.call("state_getStorageSize", alice) == (len(value) - 2) // 2
        assert await client.call("state_getStorageHash", alice) == _hash(value)
        assert await client.call("state_getStorageSize", absent) is None
        answer = await client.call("state_queryStorageAt", [absent, alice])
        assert answer == [{"block": "0x" + node.genesis_hash.hex(), "changes": [[absent, None], [alice, value]]}]
        accounts = "0x" + prefix("System", "Account").hex()
        every = await client.call("state_getKeys", accounts)
        found: list[str] = []
        while page := await client.call("state_getKeysPaged", accounts, 3, found[-1] if found else accounts):
            found += page

    assert found == every == sorted(every)
    assert alice in found


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("no_such_method", [], -32601),
        ("author_insertKey", [], -32601),
        ("dev_seal", [], 4003),
        ("chain_getBlockHash", [-1], -32602),
        ("chain_getBlockHash", ["x"], -32602),
        ("chain_getBlockHash", [list(range(5000))], -32602),
        ("chain_getHeader", ["0x12"], -32602),
        ("state_getStorage", ["0x00", "0x" + "77" * 32], 4003),
        ("state_getRuntimeVersion", ["0x" + "77" * 32], 4003),
        ("state_getStorage", [None], -32602),
        ("state_getKeysPaged", ["0x", 1001], -32602),
        ("state_getKeysPaged", ["0x", 0], -32602),
        ("state_queryStorageAt", [["0x00"] * 4097], -32602),
        ("state_queryStorageAt", ["0x00"], -32602),
        ("state_call", ["Nothing_here", "0x"], 4003),
        ("state_call", ["AccountNonceApi_account_nonce", "0x00"], 4003),
        ("state_call", ["TransactionPaymentApi_query_info", "0x00"], 4003),
        ("account_nextIndex", ["garbage"], -32602),
        ("author_submitExtrinsic", ["0x"], 1002),
        ("author_submitExtrinsic", ["0x00"], 1002),
        ("author_submitExtrinsic", [5], -32602),
        ("payment_queryInfo", ["0x1234"], 4003),
    ],
)
async def test_bad_input_gets_its_code_and_the_node_goes_on(
    tmp_path: Path, method: str, params: list[Any], code: int
) -> None:
    async with running_node(tmp_path) as node, raw_client(node) as client:
        assert (await client.fail(method, *params))["code"] == code
        assert await client.call("system_chain")


async def test_unknown_blocks_are_null_where_clients_expect_null(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node, raw_client(node) as client:
        for method in ("chain_getHeader", "chain_getBlock"):
            assert await client.call(method, "0x" + "77" * 32) is None


async def test_a_batch_is_answered_as_one_array(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node, connect(node.url) as connection:
        calls = [{"jsonrpc": "2.0", "id": f"Uz{number}", "method": "chain_getHead"} for number in range(3)]
        await connection.send(json.dumps([*calls, {"jsonrpc": "2.0", "id": 9, "method": "nope"}]))
        answers = json.loads(await connection.recv())

    assert [answer["id"] for answer in answers] == ["Uz0", "Uz1", "Uz2", 9]
    assert answers[3]["error"]["code"] == -32601


# Admission.


async def test_a_watched_extrinsic_reports_its_life_in_order(tmp_path: Path) -> None:
    async with running_node(tmp_path, seal="manual") as node, raw_client(node) as client:
        data = _signed(node, _transfer())
        watch = await client.call("author_submitAndWatchExtrinsic", data)
        first = await client.next_notification()
        assert (first["subscription"], first["result"]) == (watch, "ready")
        assert await client.call("author_pendingExtrinsics") == [data]
        assert await client.call("account_nextIndex", ALICE.address) == 1
        block_hash = await client.call("dev_seal")
        updates = [(await client.next_notification())["result"] for _ in range(2)]
        assert updates == [{"inBlock": block_hash}, {"finalized": block_hash}]
        body = (await client.call("chain_getBlock", block_hash))["block"]["extrinsics"]
        assert body[1] == data
        assert decode_extrinsic(bytes.fromhex(body[0][2:])).call_name == "set"
        assert await client.call("author_unwatchExtrinsic", watch) is True
        assert await client.call("author_pendingExtrinsics") == []
        answers = [index for index, frame in enumerate(client.frames) if frame.get("result") == watch]
        notified = [index for index, frame in enumerate(client.frames) if "params" in frame]
        assert answers[0] < notified[0]


async def test_a_gap_in_nonces_is_future_until_it_is_filled(tmp_path: Path) -> None:
    async with running_node(tmp_path, seal="manual") as node, raw_client(node) as client:
        await client.call("author_submitAndWatchExtrinsic", _signed(node, _transfer(), nonce=1))
        assert (await client.next_notification())["result"] == "future"
        await client.call("author_submitExtrinsic", _signed(node, _transfer()))
        assert (await client.next_notification())["result"] == "ready"
        await client.call("dev_seal")
        assert node._head.state.get("System.Account", ALICE.public)["nonce"] == 2


async def test_each_refusal_has_the_number_and_the_words_that_clients_know(tmp_path: Path) -> None:
    async with running_node(tmp_path, seal="manual") as node, raw_client(node) as client:
        good = _signed(node, _transfer())
        assert await client.call("author_submitExtrinsic", good) == _hash(good)

        async def refused(data: str) -> tuple[int, str, str | None]:
            error = await client.fail("author_submitExtrinsic", data)
            return error["code"], error["message"], error.get("data")

        again = await refused(good)
        assert again == (1013, "Transaction Already Imported", _hash(good))
        code, message, _ = await refused(_signed(node, _transfer(2 * TAO)))
        assert (code, message) == (1014, "Priority is too low: (0 vs 0)")
        spoiled = good[:-2] + f"{int(good[-2:], 16) ^ 1:02x}"
        assert await refused(spoiled) == (1010, "Invalid Transaction", "Transaction has a bad signature")
        other_chain = sign_extrinsic(ALICE, _transfer(), nonce=1, genesis_hash=b"x" * 32)
        assert (await refused("0x" + other_chain.hex()))[2] == "Transaction has a bad signature"
        poor = _signed(node, _transfer(), key=POOR)
        assert (await refused(poor))[2] == "Inability to pay some fees (e.g. account balance too low)"
        era = mortal_era(4, 0)
        birth = node.genesis_hash
        await client.call("dev_seal")
        assert (await refused(_signed(node, _transfer(3 * TAO))))[2] == "Transaction is outdated"
        for _ in range(5):
            await client.call("dev_seal")
        late = _signed(node, _transfer(), nonce=1, era=era, birth_hash=birth)
        assert (await refused(late))[2] == "Transaction has an ancient birth block"
        code, message, _ = await refused("0xdeadbeef")
        assert code == 1002
        assert message.startswith("Verification Error: Runtime error: Execution failed: ")


async def test_one_payment_signed_twice_is_one_payment(tmp_path: Path) -> None:
    """sr25519 signatures differ each time, so the hash of the bytes says nothing about the intent."""
    async with running_node(tmp_path, seal="manual") as node, raw_client(node) as client:
        one, two = _signed(node, _transfer()), _signed(node, _transfer())
        assert one != two
        await client.call("author_submitExtrinsic", one)
        error = await client.fail("author_submitExtrinsic", two)
        assert (error["code"], error["data"]) == (1013, _hash(one))


async def test_an_extrinsic_that_waits_beyond_its_era_is_reported_invalid(tmp_path: Path) -> None:
    async with running_node(tmp_path, seal="manual") as node, raw_client(node) as client:
        era = mortal_era(4, 0)
        data = _signed(node, _transfer(), nonce=1, era=era, birth_hash=node.genesis_hash)
        await client.call("author_submitAndWatchExtrinsic", data)
        for _ in range(3):
            await client.call("dev_seal")
        results = [(await client.next_notification())["result"] for _ in range(2)]

    assert results == ["future", "invalid"]


# Subscriptions.


@pytest.mark.parametrize("topic", ["NewHeads", "FinalizedHeads"])
async def test_heads_start_with_the_current_one_and_leave_none_out(tmp_path: Path, topic: str) -> None:
    async with running_node(tmp_path, seal="manual") as node, raw_client(node) as client:
        await client.call("dev_seal")
        subscription = await client.call(f"chain_subscribe{topic}")
        hashes = [await client.call("dev_seal") for _ in range(3)]
        shown = [await client.next_notification() for _ in range(4)]
        assert [item["result"]["number"] for item in shown] == ["0x1", "0x2", "0x3", "0x4"]
        assert [item["result"]["parentHash"] for item in shown[2:]] == hashes[:2]
        assert {item["subscription"] for item in shown} == {subscription}
        assert await client.call(f"chain_unsubscribe{topic}", subscription) is True
        await client.call("dev_seal")
        assert client.notifications.empty()


async def test_a_storage_subscription_shows_all_keys_first_and_then_what_changed(tmp_path: Path) -> None:
    async with running_node(tmp_path, seal="manual") as node, raw_client(node) as client:
        bob, poor = _account_key(BOB.public), _account_key(POOR.public)
        await client.call("state_subscribeStorage", [bob, poor])
        first = (await client.next_notification())["result"]
        assert [key for key, _ in first["changes"]] == [bob, poor]
        await client.call("dev_seal")
        await client.call("author_submitExtrinsic", _signed(node, _transfer(dest=POOR.public)))
        block_hash = await client.call("dev_seal")
        second = (await client.next_notification())["result"]
        assert second["block"] == block_hash
        assert second["changes"] == [[poor, await client.call("state_getStorage", poor)]]


async def test_a_runtime_version_subscription_shows_the_version(tmp_path: Path) -> None:
    async with running_node(tmp_path, seal="manual") as node, raw_client(node) as client:
        await client.call("state_subscribeRuntimeVersion")
        assert (await client.next_notification())["result"]["specVersion"] == 424


async def test_nothing_is_announced_before_it_can_be_read(tmp_path: Path) -> None:
    """A client that asks at the very notification must find body, events and the finalized head."""
    async with running_node(tmp_path, seal="interval", block_interval_ms=20) as node, raw_client(node) as client:
        await client.call("chain_subscribeFinalizedHeads")
        for _ in range(10):
            header = (await client.next_notification())["result"]
            number = int(header["number"], 16)
            block_hash = await client.call("chain_getBlockHash", number)
            assert block_hash is not None
            assert (await client.call("chain_getBlock", block_hash))["block"]["header"] == header
            assert await _events(client, block_hash)


# History and restart.


async def test_old_state_is_answered_until_it_is_discarded_and_events_for_ever(tmp_path: Path) -> None:
    async with running_node(tmp_path, seal="manual", state_history=8) as node, raw_client(node) as client:
        now = "0x" + storage_key("Timestamp", "Now").hex()
        hashes = [await client.call("dev_seal") for _ in range(80)]
        values = [await client.call("state_getStorage", now, block_hash) for block_hash in hashes[-8:]]
        assert len(set(values)) == 8
        gone = await client.fail("state_getStorage", now, hashes[-9])
        assert (gone["code"], gone["message"]) == (4003, f"Client error: State already discarded for {hashes[-9]}")
        assert (await client.fail("state_call", "Core_version", "0x", hashes[0]))["code"] == 4003
        assert await _events(client, hashes[0])


async def test_a_runtime_call_at_an_older_block_answers_from_its_state(tmp_path: Path) -> None:
    async with running_node(tmp_path, seal="manual") as node, raw_client(node) as client:
        nonce_of = "0x" + ALICE.public.hex()
        hashes = ["0x" + node.genesis_hash.hex()]
        for number in range(3):
            await client.call("author_submitExtrinsic", _signed(node, _transfer(), nonce=number))
            hashes.append(await client.call("dev_seal"))
        nonces = [await client.call("state_call", "AccountNonceApi_account_nonce", nonce_of, at) for at in hashes]
        prices = [await client.call("state_call", "SubnetInfoRuntimeApi_get_all_dynamic_info", "", at) for at in hashes]

    assert nonces == [f"0x{number:02x}000000" for number in range(4)]
    assert len(set(prices)) == 4


async def test_a_restart_continues_the_chain_with_its_history(tmp_path: Path) -> None:
    async with running_node(tmp_path, seal="manual") as node, raw_client(node) as client:
        await client.call("author_submitExtrinsic", _signed(node, _transfer()))
        hashes = [await client.call("dev_seal") for _ in range(3)]
        before = [await client.call("state_getStorage", _account_key(BOB.public), at) for at in hashes]
        every = await client.call("state_getKeys", "0x", hashes[0])

    async with running_node(tmp_path, seal="manual", validator_seed=None) as node, raw_client(node) as client:
        assert await client.call("chain_getHead") == hashes[-1]
        assert [await client.call("state_getStorage", _account_key(BOB.public), at) for at in hashes] == before
        assert await client.call("state_getKeys", "0x", hashes[0]) == every
        following = await client.call("dev_seal")
        assert (await client.call("chain_getHeader", following))["parentHash"] == hashes[-1]


async def test_the_same_key_clock_and_extrinsics_make_the_same_chain(tmp_path: Path) -> None:
    hashes = []
    for name in ("one", "two"):
        async with running_node(tmp_path / name, seal="manual", clock=Ticker()) as node, raw_client(node) as client:
            await client.call("dev_advance_time", 12_345)
            hashes.append([await client.call("dev_seal") for _ in range(4)])

    assert hashes[0] == hashes[1]


async def test_the_chain_replays_to_the_same_headers(tmp_path: Path) -> None:
    """Another node would apply each block again and compare; a header that claims anything else is refused."""
    async with running_node(tmp_path, seal="manual") as node, raw_client(node) as client:
        for number in range(3):
            await client.call("author_submitExtrinsic", _signed(node, _transfer(), nonce=number))
            await client.call("dev_seal")

    store = ChainStore(tmp_path)
    head, candidates = _genesis_head(store), list[Candidate]()
    for height in range(1, 4):
        stored = store.block_at(height)
        assert stored is not None
        assert stored.commit is not None
        candidate = check_block(head, stored.block)
        assert candidate.events == store.events_at(height)
        candidates.append(candidate)
        if height < 3:
            head = candidate.commit_on(head, stored.commit)
    last = candidates[-1].block
    info = last.header.info
    assert info is not None
    wrong_root = Header.build(
        parent=head.block_hash,
        number=3,
        state_root=bytes(32),
        extrinsics_root=last.header.extrinsics_root,
        slot=last.header.slot,
        info=info,
    )
    assert last.last_commit is not None
    forged = last.last_commit.__class__(height=2, round=0, block_hash=head.block_hash, signatures=((0, bytes(64)),))
    spoiled = {
        "header_differs": Block(header=wrong_root, extrinsics=last.extrinsics, last_commit=last.last_commit),
        "wrong_timestamp": Block(header=last.header, extrinsics=last.extrinsics[1:], last_commit=last.last_commit),
        "commit_missing": Block(header=last.header, extrinsics=last.extrinsics),
        "wrong_commit": Block(header=last.header, extrinsics=last.extrinsics, last_commit=forged),
        "evidence_unknown": Block(
            header=last.header, extrinsics=last.extrinsics, last_commit=last.last_commit, evidence=(b"e",)
        ),
    }
    for code, block in spoiled.items():
        with pytest.raises(InvalidBlock) as caught:
            check_block(head, block)
        assert caught.value.code == code
    store.close()


def _genesis_head(store: ChainStore) -> Head:
    """The head before block 1, rebuilt from what each key held at genesis."""
    pairs = {}
    for key in store.keys(b"", height=0, limit=100_000):
        value = store.read(key, 0)
        assert value is not None
        pairs[key] = value
    header = store.header_at(0)
    assert header is not None
    tree = StateTree(pairs)
    assert tree.root == header.state_root
    return Head(
        genesis_hash=header.hash,
        block_hash=header.hash,
        height=0,
        time_ms=0,
        commit=None,
        state=State.from_pairs(pairs.items()),
        tree=tree,
    )


async def test_a_state_that_was_altered_on_disk_is_not_built_on(tmp_path: Path) -> None:
    async with running_node(tmp_path, seal="manual") as node:
        await node.seal()
    store = ChainStore(tmp_path)
    store._writer.execute("UPDATE state SET value = x'00' WHERE key = ?", (storage_key("Timestamp", "Now"),))
    store.close()

    with pytest.raises(InvariantBroken, match="stored state has root"):
        await Node(NodeConfig(data_dir=tmp_path, port=0)).start()


# Refusals at the start.


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"host": "0.0.0.0"}, "dev_loopback"),
        ({"host": "example.org"}, "dev_loopback"),
        ({"preset": "nothing"}, "preset_unknown"),
        ({"seal": "never"}, "seal_unknown"),
        ({"block_interval_ms": 0}, "interval_invalid"),
    ],
)
async def test_a_configuration_that_cannot_be_is_refused(tmp_path: Path, settings: dict[str, Any], code: str) -> None:
    chosen = {"data_dir": tmp_path, "port": 0, **settings}

    with pytest.raises(ChainError) as caught:
        await Node(NodeConfig(**chosen)).start()

    assert caught.value.code == code
    assert _names(tmp_path) == []


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


async def test_another_preset_or_another_key_is_refused_for_a_chain_that_exists(tmp_path: Path) -> None:
    async with running_node(tmp_path):
        pass

    for settings, code in (
        ({"preset": "main"}, "preset_differs"),
        ({"validator_seed": b"x" * 32}, "validator_key_differs"),
    ):
        with pytest.raises(StorageRefused) as caught:
            await Node(NodeConfig(data_dir=tmp_path, port=0, **settings)).start()
        assert caught.value.code == code
    assert (tmp_path / "validator.seed").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "validator.seed").read_text() == SEED.hex()


# Hostile clients.


async def test_blocks_go_on_whatever_is_submitted(tmp_path: Path) -> None:
    nested: Any = call_value("System", "remark", remark=b"")
    for _ in range(7):
        nested = call_value("Utility", "batch_all", calls=[nested])
    async with running_node(tmp_path, seal="manual") as node, raw_client(node) as client:
        hostile = [
            _signed(node, nested, nonce=0),
            _signed(node, call_value("System", "remark", remark=b"x" * 60_000), nonce=1),
            _signed(node, _transfer(value=2**64 - 1), nonce=2),
            _signed(node, call_value("Utility", "force_batch", calls=[_transfer(0)] * 200), nonce=3),
            "0x" + (encode_compact(70_000) + bytes(70_000)).hex(),
            "0x" + bytes(200_000).hex(),
            "0x" + "84" * 64,
            *(_signed(node, _transfer())[:length] for length in range(2, 120, 6)),
        ]
        for data in hostile:
            answer = await client.ask("author_submitExtrinsic", data)
            assert "result" in answer or answer["error"]["code"] in {1002, 1010, -32602}, answer
        await client.call("author_submitExtrinsic", _signed(node, _transfer(), nonce=4))
        await client.call("dev_seal")
        assert node.height == 1
        assert node._head.state.get("System.Account", ALICE.public)["nonce"] == 5


async def test_an_extrinsic_that_breaks_the_building_is_thrown_out_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No known bytes do this; a mistake of ours in a pallet could."""
    from chain.runtime import transition

    dispatch = transition.dispatch

    def faulty(context: Any, origin: Any, call: Any) -> None:
        if origin.account == BOB.public:
            raise ZeroDivisionError
        dispatch(context, origin, call)

    async with running_node(tmp_path, seal="manual") as node, raw_client(node) as client:
        data = [_signed(node, _transfer(), nonce=number) for number in range(3)]
        poison = _signed(node, _transfer(dest=ALICE.public), key=BOB)
        for extrinsic in (*data[:2], poison, data[2]):
            await client.call("author_submitExtrinsic", extrinsic)
        monkeypatch.setattr(transition, "dispatch", faulty)
        block_hash = await client.call("dev_seal")
        body = (await client.call("chain_getBlock", block_hash))["block"]["extrinsics"]
        assert body[1:] == data
        assert (await client.fail("author_submitExtrinsic", poison))["code"] == 1012


async def test_a_reader_that_stops_reading_is_cut_off_and_blocks_go_on(tmp_path: Path) -> None:
    async with (
        running_node(tmp_path, seal="manual") as node,
        connect(node.url, max_queue=1) as lazy,
        raw_client(node) as client,
    ):
        frame = json.dumps([{"id": 1, "method": "state_getMetadata"}] * 100)
        for _ in range(12):
            await lazy.send(frame)
        async with asyncio.timeout(30):
            while len(node._hub.sessions) > 1:
                await client.call("dev_seal")
        assert node.height >= 1


async def test_a_frame_above_the_limit_ends_its_own_connection_only(tmp_path: Path) -> None:
    async with running_node(tmp_path) as node, raw_client(node) as client:
        rude = await connect(node.url)
        with suppress(ConnectionClosed):
            await rude.send("x" * (16 * 1024 * 1024 + 1))
        with pytest.raises(ConnectionClosed):
            await rude.recv()
        assert await client.call("system_chain")


async def test_a_folder_belongs_to_one_node(tmp_path: Path) -> None:
    async with running_node(tmp_path):
        with pytest.raises(StorageRefused, match="data_dir_in_use"):
            await Node(NodeConfig(data_dir=tmp_path, port=0)).start()


async def test_a_disk_that_fails_ends_the_node_and_shows_nothing_of_the_block(tmp_path: Path) -> None:
    async with running_node(tmp_path, seal="manual") as node, raw_client(node) as client:
        await client.call("chain_subscribeNewHeads")
        await client.next_notification()
        node._store._writer.execute("PRAGMA query_only=ON")
        error = await client.fail("dev_seal")
        with pytest.raises(Exception, match="readonly database"):
            await asyncio.wait_for(node.wait(), 5)

        assert error["code"] == -32603
        assert await client.call("chain_getHead") == "0x" + node.genesis_hash.hex()
        assert client.notifications.empty()


async def test_the_main_preset_runs_without_development_methods(tmp_path: Path) -> None:
    clock = Ticker()
    async with running_node(tmp_path, preset="main", seal="manual", clock=clock) as node, raw_client(node) as client:
        assert await client.call("system_chainType") == "Live"
        assert "dev_seal" not in (await client.call("rpc_methods"))["methods"]
        assert (await client.fail("dev_seal"))["code"] == -32601
        await node.seal()
        first = node._head.time_ms
        await node.seal()
        assert node._head.time_ms >= first + 12_000


async def test_time_moves_only_when_it_is_told_to_under_manual_seals(tmp_path: Path) -> None:
    async with running_node(tmp_path, seal="manual", clock=lambda: GENESIS_TIME_MS) as node, raw_client(node) as client:
        await client.call("dev_seal")
        first = node._head.time_ms
        assert await client.call("dev_advance_time", 60_000) == GENESIS_TIME_MS + 60_000
        await client.call("dev_seal")
        assert node._head.time_ms == GENESIS_TIME_MS + 60_000 > first
        assert (await client.fail("dev_advance_time", -5))["code"] == -32602

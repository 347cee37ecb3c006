from pathlib import Path
from typing import Any

import pytest
from async_substrate_interface.types import Runtime
from async_substrate_interface.utils.storage import StorageKey

from chain.errors import DecodeError
from chain.extrinsic import call_value
from chain.keys import KeyPair
from chain.runtime.declarations import EXTENSIONS, PALLETS, RUNTIME_CALLS, TYPES, codec
from chain.scale.metadata import METADATA_VERSIONS, metadata, metadata_at_version
from chain.scale.plain import from_plain
from chain.storage_keys import storage_key
from tests.support.client_runtime import client_runtime, decode_storage, encode_call
from tests.support.metadata_reader import Read

PUBLIC = Path(__file__).parents[5] / "shared" / "data" / "finney_spec424.v15.scale"
BOB = KeyPair.from_uri("//Bob")


def generated(version: int) -> bytes:
    content = metadata(version)
    assert content is not None
    return content


@pytest.fixture(scope="module", params=METADATA_VERSIONS)
def ours(request: pytest.FixtureRequest) -> Read:
    return Read.of(generated(request.param))


@pytest.fixture(scope="module", params=METADATA_VERSIONS)
def client(request: pytest.FixtureRequest) -> Runtime:
    return client_runtime(generated(request.param))


def test_only_two_versions_are_offered() -> None:
    assert [version for version in range(20) if metadata(version)] == [14, 15]
    assert metadata_at_version(13) == b"\0"


def test_the_answer_to_a_version_is_an_option_of_bytes() -> None:
    for version in METADATA_VERSIONS:
        assert codec().decode("Option<Vec<u8>>", metadata_at_version(version)) == metadata(version)


def test_type_ids_are_dense_and_equal_to_the_position(ours: Read) -> None:
    assert [entry["id"] for entry in ours.types] == list(range(len(ours.types)))


def test_no_type_is_listed_twice(ours: Read) -> None:
    bodies = [repr(entry["type"]) for entry in ours.types]

    assert len(set(bodies)) == len(bodies)


def test_every_reference_points_into_the_table(ours: Read) -> None:
    shapes = [ours.shape(position) for position in range(len(ours.types))]

    assert all(shape is not None for shape in shapes)


def test_every_argument_of_a_call_has_a_type_name(ours: Read) -> None:
    for pallet in ours.content["pallets"]:
        if pallet["calls"] is not None:
            for variant in ours.types[pallet["calls"]]["type"]["def"][1]["variants"]:
                assert all(field["type_name"] is not None for field in variant["fields"])


def test_options_carry_their_parameter_and_the_extrinsic_type_is_registered(ours: Read) -> None:
    by_name: dict[str, list[Any]] = {}
    for entry in ours.types:
        by_name.setdefault("::".join(entry["type"]["path"]), []).append(entry["type"])

    assert all([param["name"] for param in option["params"]] == ["T"] for option in by_name["Option"])
    assert all(option["params"][0]["type"] is not None for option in by_name["Option"])
    (extrinsic,) = by_name["sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic"]
    assert [param["name"] for param in extrinsic["params"]] == ["Address", "Call", "Signature", "Extra"]


def test_error_lists_have_no_gaps_and_outer_enums_list_the_pallets_that_have_such_parts() -> None:
    ours = Read.of(generated(15))
    outer = ours.content["outer"]
    for kind, part in (("calls", "call"), ("event", "event"), ("error", "error")):
        listed = {name: index for name, (index, _) in ours.variants(outer[part]).items()}
        expected = {pallet["name"]: pallet["index"] for pallet in ours.content["pallets"] if pallet[kind] is not None}
        assert listed == expected
    for pallet in ours.content["pallets"]:
        indices = [index for index, _ in ours.variants(pallet["error"]).values()]
        assert indices == list(range(len(indices)))


def test_all_pallets_runtime_calls_and_extensions_are_there() -> None:
    ours = Read.of(generated(15))

    assert [(pallet["name"], pallet["index"]) for pallet in ours.content["pallets"]] == [
        (pallet.name, pallet.index) for pallet in PALLETS
    ]
    methods = [(api["name"], method["name"]) for api in ours.content["apis"] for method in api["methods"]]
    assert methods == [(call.api, call.method) for call in RUNTIME_CALLS]
    assert [extension["identifier"] for extension in ours.content["extrinsic"]["extensions"]] == [
        name for name, _, _ in EXTENSIONS
    ]


def test_metadata_cut_anywhere_is_noticed() -> None:
    content = generated(15)
    for end in range(5, len(content), 997):
        with pytest.raises(DecodeError):
            Read.of(content[:end])


def entry_shape(read: Read, entry: dict[str, Any]) -> Any:
    kind, value = entry["kind"]
    if kind == "plain":
        return read.shape(value)
    return value["hashers"], read.shape(value["key"]), read.shape(value["value"])


@pytest.mark.skipif(not PUBLIC.exists(), reason="the public metadata lies outside of the repository")
class TestAgainstThePublicMetadata:
    """What is declared here is the same there, byte for byte; there is more of it there."""

    public: Read
    ours: Read

    @pytest.fixture(autouse=True)
    def read(self) -> None:
        self.public = Read.of(PUBLIC.read_bytes())
        self.ours = Read.of(generated(15))

    def test_the_codec_writes_the_public_metadata_back(self) -> None:
        assert self.public.encode() == PUBLIC.read_bytes()

    def test_calls_events_and_errors_are_equal(self) -> None:
        for ours in self.ours.content["pallets"]:
            theirs = self.public.pallet(ours["name"])
            assert ours["index"] == theirs["index"]
            for kind in ("calls", "event"):
                there = self.public.variants(theirs[kind])
                for name, variant in self.ours.variants(ours[kind]).items():
                    assert variant == there[name], (ours["name"], name)
            assert self.ours.variants(ours["error"]) == self.public.variants(theirs["error"])

    def test_storage_items_are_equal(self) -> None:
        for ours in self.ours.content["pallets"]:
            if ours["storage"] is None:
                continue
            theirs = self.public.pallet(ours["name"])["storage"]
            assert ours["storage"]["prefix"] == theirs["prefix"]
            there = {entry["name"]: entry for entry in theirs["entries"]}
            for entry in ours["storage"]["entries"]:
                other = there[entry["name"]]
                assert (entry["modifier"], entry["default"]) == (other["modifier"], other["default"])
                assert entry_shape(self.ours, entry) == entry_shape(self.public, other), entry["name"]

    def test_constants_are_equal(self) -> None:
        for ours in self.ours.content["pallets"]:
            there = {constant["name"]: constant for constant in self.public.pallet(ours["name"])["constants"]}
            for constant in ours["constants"]:
                other = there[constant["name"]]
                assert constant["value"] == other["value"]
                assert self.ours.shape(constant["type"]) == self.public.shape(other["type"])

    def test_runtime_calls_and_extensions_are_equal(self) -> None:
        there = {
            (api["name"], method["name"]): method for api in self.public.content["apis"] for method in api["methods"]
        }
        for api in self.ours.content["apis"]:
            for method in api["methods"]:
                assert self.method(self.ours, method) == self.method(self.public, there[api["name"], method["name"]])
        assert self.extensions(self.ours) == self.extensions(self.public)

    def method(self, read: Read, method: dict[str, Any]) -> Any:
        inputs = [(parameter["name"], read.shape(parameter["type"])) for parameter in method["inputs"]]
        return inputs, read.shape(method["output"])

    def extensions(self, read: Read) -> Any:
        return [
            (extension["identifier"], read.shape(extension["type"]), read.shape(extension["additional"]))
            for extension in read.content["extrinsic"]["extensions"]
        ]


@pytest.mark.parametrize(
    ("module", "function", "args"),
    [
        ("Balances", "transfer_keep_alive", {"dest": BOB.address, "value": 10**9}),
        ("Balances", "transfer_all", {"dest": BOB.address, "keep_alive": True}),
        ("SubtensorModule", "add_stake", {"hotkey": BOB.address, "netuid": 1, "amount_staked": 5}),
        ("SubtensorModule", "remove_stake_full_limit", {"hotkey": BOB.address, "netuid": 1, "limit_price": None}),
        ("SubtensorModule", "claim_root", {"subnets": [1, 256]}),
        ("Proxy", "add_proxy", {"delegate": BOB.address, "proxy_type": "Staking", "delay": 0}),
    ],
)
def test_a_client_composes_the_same_call(client: Runtime, module: str, function: str, args: dict[str, Any]) -> None:
    ours = codec().encode("RuntimeCall", from_plain(TYPES, "RuntimeCall", {module: {function: args}}))

    assert encode_call(client, module, function, args) == ours


def test_a_client_composes_calls_within_calls(client: Runtime) -> None:
    inner = {
        "call_module": "Balances",
        "call_function": "transfer_keep_alive",
        "call_args": {"dest": BOB.address, "value": 1},
    }
    transfer = call_value("Balances", "transfer_keep_alive", dest=("Id", BOB.public), value=1)

    composed = encode_call(client, "Utility", "batch_all", {"calls": [inner, inner]})

    assert composed == codec().encode("RuntimeCall", call_value("Utility", "batch_all", calls=[transfer, transfer]))


def test_a_client_builds_the_same_storage_key(client: Runtime) -> None:
    key = StorageKey.create_from_storage_function(
        "SubtensorModule",
        "Lock",
        [BOB.address, 7, BOB.address],
        runtime_config=client.runtime_config,
        metadata=client.metadata,
    )

    assert bytes(key.data) == storage_key("SubtensorModule", "Lock", BOB.public, 7, BOB.public)


def test_a_client_reads_events_and_accounts(client: Runtime) -> None:
    info = {"weight": {"ref_time": 1, "proof_size": 0}, "class": "Normal", "pays_fee": "Yes"}
    failure = ("Module", {"index": 7, "error": b"\x05\0\0\0"})
    records = [
        ("Balances", ("Transfer", {"from": bytes(32), "to": BOB.public, "amount": 5})),
        ("SubtensorModule", ("StakeAdded", (bytes(32), BOB.public, 1, 2, 3, 4))),
        ("System", ("ExtrinsicFailed", {"dispatch_error": failure, "dispatch_info": info})),
    ]
    events = codec().encode(
        "Vec<EventRecord>",
        [{"phase": ("ApplyExtrinsic", 1), "event": event, "topics": []} for event in records],
    )
    data = {"free": 7, "reserved": 0, "frozen": 0, "flags": 1 << 127}
    account = {"nonce": 2, "consumers": 0, "providers": 1, "sufficients": 0, "data": data}

    read = decode_storage(client, "System", "Events", events)

    assert [(record["module_id"], record["event_id"], record["extrinsic_idx"]) for record in read] == [
        ("Balances", "Transfer", 1),
        ("SubtensorModule", "StakeAdded", 1),
        ("System", "ExtrinsicFailed", 1),
    ]
    assert read[0]["attributes"]["to"] == BOB.address
    assert decode_storage(client, "System", "Account", codec().encode("AccountInfo", account)) == account

"""An unmodified client's codec, fed with the generated metadata, reads whatever this chain may answer."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scalecodec import ScaleBytes

from chain.runtime.declarations import PALLETS, TYPES, codec, runtime_call, storage
from chain.scale.metadata import metadata
from tests.support.client_runtime import client_runtime
from tests.support.metadata_reader import Read
from tests.support.scale_values import values

METADATA = metadata(15) or b""
CLIENT = client_runtime(METADATA)
ANSWERS = {
    f"{api['name']}_{method['name']}": method["output"]
    for api in Read.of(METADATA).content["apis"]
    for method in api["methods"]
}
ITEMS = [
    (pallet.name, item.name)
    for pallet in PALLETS
    for item in pallet.storage
    if item.name not in {"Holds", "Freezes"}  # no hold or freeze exists, so these vectors are always empty
]

relaxed = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def values_of(type_text: str) -> st.SearchStrategy[Any]:
    return values(TYPES, TYPES.parse(type_text))


def answer_of(name: str) -> st.SearchStrategy[Any]:
    return values_of(runtime_call(name).output)


def unread_bytes(type_string: str, data: bytes) -> int:
    """Return how many bytes the client leaves over; it raises when there are too few."""
    scale = CLIENT.runtime_config.create_scale_object(type_string, data=ScaleBytes(data), metadata=CLIENT.metadata)
    scale.decode()
    return int(scale.data.get_remaining_length())


@relaxed
@given(
    st.sampled_from(sorted(ANSWERS)).flatmap(
        lambda name: st.tuples(st.just(name), values_of(runtime_call(name).output))
    )
)
def test_the_client_reads_every_answer_of_a_runtime_call_to_its_end(answer: tuple[str, Any]) -> None:
    name, value = answer

    data = codec().encode(runtime_call(name).output, value)

    assert unread_bytes(f"scale_info::{ANSWERS[name]}", data) == 0


@relaxed
@given(st.sampled_from(ITEMS).flatmap(lambda item: st.tuples(st.just(item), values_of(storage(*item).value))))
def test_the_client_reads_every_stored_value_to_its_end(stored: tuple[tuple[str, str], Any]) -> None:
    (pallet, item), value = stored
    declared = CLIENT.metadata.get_metadata_pallet(pallet).get_storage_function(item)

    data = codec().encode(storage(pallet, item).value, value)

    assert unread_bytes(declared.get_value_type_string(), data) == 0


@relaxed
@given(values_of("RuntimeCall").filter(lambda call: "('Index', ())" not in repr(call)))
def test_the_client_reads_every_call_to_its_end(call: Any) -> None:
    """All but addresses by index, which have no bytes of their own and which the client misreads by one."""
    assert unread_bytes("Call", codec().encode("RuntimeCall", call)) == 0

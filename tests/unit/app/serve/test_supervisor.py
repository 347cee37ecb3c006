"""What each part is told, and in which order the parts end."""

from app.serve.orders import ChainOrder, Order, SnapshotOrder
from app.serve.plan import ENDING, PARTS, gateway_name, part_of
from app.serve.supervisor import order_of

ORDER = Order(
    name="supervisor",
    data_dir="/data",
    database_url="postgresql://secret",
    socket_dir="/sockets",
    chain=ChainOrder(url="ws://x", block_ms=250, anchor_every=0, genesis="00"),
    snapshots=SnapshotOrder(every_events=1, every_s=1.0, keep=1),
    gateway={"port": 1},
    passphrase="secret",
)


def test_only_the_signer_is_told_the_passphrase_and_it_alone_reaches_no_database() -> None:
    for name in ("engine", "link", "projector", gateway_name(3), "house", "customers"):
        told = order_of(ORDER, name)
        assert (told.name, told.passphrase, told.database_url) == (name, None, ORDER.database_url)

    told = order_of(ORDER, "signer")
    assert (told.passphrase, told.database_url) == ("secret", "")


def test_every_part_that_stays_has_its_place_in_the_end() -> None:
    ending = [part for group in ENDING for part in group]

    assert {*PARTS, "node"} - {"house", "customers"} == set(ending)
    assert len(ending) == len(set(ending))
    assert ending[0] == "gateway"
    assert ending.index("engine") > ending.index("link")


def test_the_name_of_a_process_tells_its_part() -> None:
    assert part_of(gateway_name(12)) == "gateway"
    assert part_of("engine") == "engine"

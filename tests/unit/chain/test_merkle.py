import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chain.hashing import blake2b_256
from chain.merkle import (
    EMPTY_STATE_ROOT,
    MAX_DEPTH,
    StateProof,
    StateTree,
    compute_list_root,
    prove_list_item,
    verify_list_item,
    verify_state_proof,
)

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "crypto.json").read_text())
LIST = VECTORS["merkle_list"]
ITEMS = [bytes.fromhex(item) for item in LIST["items"]]
STATE = VECTORS["state_tree"]


def _apply(tree: StateTree, step: dict[str, Any]) -> StateTree:
    match step["op"]:
        case "empty":
            return tree
        case ["set", key, value]:
            return tree.update({bytes.fromhex(key): bytes.fromhex(value)})
        case ["delete", key]:
            return tree.update({bytes.fromhex(key): None})
        case ["set_many", entries]:
            return tree.update({bytes.fromhex(key): bytes.fromhex(value) for key, value in entries})
    raise AssertionError(step)


def _final_tree() -> StateTree:
    tree = StateTree()
    for step in STATE["steps"]:
        tree = _apply(tree, step)
    return tree


@pytest.mark.parametrize("case", LIST["roots"], ids=lambda case: str(case["n"]))
def test_the_root_of_a_list_is_the_published_one(case: dict[str, Any]) -> None:
    assert compute_list_root(ITEMS[: case["n"]]).hex() == case["root"]


@pytest.mark.parametrize("case", LIST["proofs"], ids=lambda case: f"{case['index']} of {case['n']}")
def test_the_proof_of_a_list_item_is_the_published_one_and_verifies(case: dict[str, Any]) -> None:
    items = ITEMS[: case["n"]]
    path = prove_list_item(items, case["index"])

    assert [[side, sibling.hex()] for side, sibling in path] == case["path"]
    assert verify_list_item(compute_list_root(items), items[case["index"]], path)


def test_a_proof_shows_nothing_about_another_item_another_root_or_a_path_that_is_malformed() -> None:
    root = compute_list_root(ITEMS)
    path = prove_list_item(ITEMS, 3)

    assert not verify_list_item(root, ITEMS[4], path)
    assert not verify_list_item(compute_list_root(ITEMS[:5]), ITEMS[3], path)
    assert not verify_list_item(root, ITEMS[3], [("X", path[0][1]), *path[1:]])
    assert not verify_list_item(root, ITEMS[3], [("L", b"short"), *path[1:]])
    assert not verify_list_item(root, ITEMS[3], [("L", bytes(32))] * (MAX_DEPTH + 1))
    with pytest.raises(IndexError):
        prove_list_item(ITEMS, len(ITEMS))


def test_the_state_root_after_each_set_and_delete_is_the_published_one() -> None:
    tree = StateTree()
    for step in STATE["steps"]:
        tree = _apply(tree, step)
        assert tree.root.hex() == step["root"]
    assert tree.root.hex() == STATE["final_root"]


@pytest.mark.parametrize("case", STATE["proofs"], ids=lambda case: case["key"])
def test_the_proof_of_a_state_entry_is_the_published_one_and_verifies(case: dict[str, Any]) -> None:
    tree, key = _final_tree(), bytes.fromhex(case["key"])
    value = None if case["value"] is None else bytes.fromhex(case["value"])
    proof = tree.prove(key)

    assert [sibling.hex() for sibling in proof.siblings] == case["siblings"]
    assert [part.hex() for part in proof.terminal or ()] == (case["terminal"] or [])
    assert verify_state_proof(tree.root, key, value, proof)
    assert not verify_state_proof(tree.root, key, b"something else", proof)
    assert not verify_state_proof(tree.root, key, None if value else b"present", proof)
    assert not verify_state_proof(EMPTY_STATE_ROOT, key, value, proof)


def test_a_state_proof_with_a_malformed_hash_or_an_impossible_depth_is_refused() -> None:
    tree = _final_tree()
    proof = tree.prove(b"absent")

    assert not verify_state_proof(tree.root, b"absent", None, StateProof(siblings=(b"short",), terminal=None))
    deep = StateProof(siblings=(bytes(32),) * (MAX_DEPTH + 1), terminal=None)
    assert not verify_state_proof(tree.root, b"absent", None, deep)
    short = StateProof(siblings=proof.siblings, terminal=(b"short", b"short"))
    assert not verify_state_proof(tree.root, b"absent", None, short)


def test_a_leaf_of_a_key_from_elsewhere_in_the_tree_does_not_show_absence() -> None:
    tree = StateTree({b"one": b"1", b"two": b"2", b"three": b"3", b"four": b"4"})
    honest = tree.prove(b"one")
    assert honest.terminal is not None
    foreign = tree.prove(b"absent key")

    assert not verify_state_proof(tree.root, b"one", None, honest)
    assert not verify_state_proof(tree.root, b"one", None, foreign)


def test_an_empty_tree_shows_that_any_key_is_absent() -> None:
    tree = StateTree()

    assert tree.root == EMPTY_STATE_ROOT
    assert verify_state_proof(tree.root, b"any", None, tree.prove(b"any"))
    assert not verify_state_proof(tree.root, b"any", b"value", tree.prove(b"any"))


def test_an_update_leaves_earlier_versions_of_the_tree_as_they_were() -> None:
    before = StateTree({b"a": b"1", b"b": b"2"})
    root = before.root
    after = before.update({b"a": b"3", b"b": None, b"c": b"4"})

    assert before.root == root
    assert verify_state_proof(root, b"b", b"2", before.prove(b"b"))
    assert verify_state_proof(after.root, b"b", None, after.prove(b"b"))


def _scripted_changes(batch: int) -> dict[bytes, bytes | None]:
    """Return up to 40 changes among 600 keys: long and short ones, new values, old ones again, and deletions."""
    changes: dict[bytes, bytes | None] = {}
    for number in range(40):
        seed = blake2b_256(f"{batch} {number}".encode())
        key = blake2b_256(seed[:1] + bytes((seed[1] % 3,))) * (1 + seed[0] % 5)
        changes[key] = None if seed[2] < 60 else seed[: seed[3] % 33] * 7
    return changes


def test_the_roots_of_a_fixed_history_never_change() -> None:
    """Every header of every chain stands on them; they were found by an earlier, object by object implementation."""
    tree, roots = StateTree(), []
    for batch in range(60):
        tree = tree.update(_scripted_changes(batch))
        roots.append(tree.root)

    assert roots[0].hex() == "356c1c246ce3783c05cafc6dd358393a2f05319efb97b2e0698909241047c490"
    assert blake2b_256(b"".join(roots)).hex() == "3ec14b4c9882a2984ff349a2ff37e2e375b3db175ab722e13ea846a39cd95ef8"


def test_versions_that_are_given_up_free_their_nodes_and_no_others() -> None:
    entries = {bytes((number,)): b"value" for number in range(200)}
    tree = StateTree(entries)
    nodes, leaves = tree.size
    for batch in range(50):
        dropped = tree.update({bytes((number,)): bytes((batch,)) for number in range(0, 200, 7)})
        assert dropped.size[0] > nodes
        del dropped
        tree = tree.update({bytes((batch,)): b"other"})
        tree = tree.update({bytes((batch,)): b"value"})

    assert tree.size == (nodes, leaves)
    assert tree.root == StateTree(entries).root
    assert tree.update(dict.fromkeys(entries)).root == EMPTY_STATE_ROOT


def test_an_update_that_changes_nothing_makes_no_node() -> None:
    tree = StateTree({bytes((number,)): b"value" for number in range(50)})
    size = tree.size

    same = tree.update({b"\x00": b"value", b"\x07": b"value", b"absent": None, b"absent too": b""})

    assert same.root == tree.root
    assert same.size == size


def test_a_tree_that_lives_until_the_process_ends_says_nothing_then() -> None:
    """The kernel that frees its rows could not be loaded any more, and an error there would only be noise."""
    program = "from chain.merkle import StateTree\ntree = StateTree({b'key': b'value'})\n"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert (done.stdout, done.stderr) == ("", "")

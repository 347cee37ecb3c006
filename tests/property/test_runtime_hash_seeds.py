import os
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
from chain.hashing import blake2b_256
from chain.merkle import StateTree
from chain.runtime.declarations import codec
from tests.support.dev_chain import ALICE, HOTKEY, TAO, DevChain, batch, stake, transfer
from chain.keys import KeyPair, Scheme

key = KeyPair.from_uri("//Alice", Scheme.ED25519)
chain = DevChain()
chain.state = chain.state.commit(
    {("System.Account", (key.public,)): chain.state.get("System.Account", ALICE.public),
     ("System.Account", (ALICE.public,)): chain.state.get("System.Account", key.public)}
)
events = []
for name, args in (
    ("root_register", {"hotkey": b"\\x57" * 32}),
    ("register_network", {"hotkey": b"\\x57" * 32}),
    ("start_call", {"netuid": 7}),
    ("add_stake", {"hotkey": HOTKEY, "netuid": 0, "amount_staked": 900 * TAO}),
    ("add_stake", {"hotkey": HOTKEY, "netuid": 1, "amount_staked": 10 * TAO}),
    ("lock_stake", {"hotkey": HOTKEY, "netuid": 1, "amount": 1_000}),
    ("set_root_claim_type", {"new_root_claim_type": ("KeepSubnets", {"subnets": [1, 2]})}),
    ("set_children", {"hotkey": b"\\x57" * 32, "netuid": 2, "children": [(2**63, HOTKEY), (5, b"\\x58" * 32)]}),
):
    assert chain.run((key, stake(name, **args))).receipts[1].success, name
calls = [
    stake("add_stake_limit", hotkey=HOTKEY, netuid=n, amount_staked=TAO, limit_price=10**12, allow_partial=True)
    for n in range(1, 7)
]
calls += [transfer(bytes((n,)) * 32, TAO) for n in range(5)]
chain.state = chain.state.commit({("SubtensorModule.SubnetLimit", ()): 7, ("Chain.NetworkImmunity", ()): 1})
calls += [stake("claim_root", subnets=[1, 2]), stake("register_network", hotkey=b"\\x57" * 32)]
for number in range(25):
    call = batch(*calls) if number % 3 == 0 else calls[number % len(calls)]
    result = chain.run((key, call))
    events += [codec().encode("EventRecord", event) for event in result.events]
print(StateTree(dict(chain.state.pairs())).root.hex(), blake2b_256(b"".join(events)).hex())
"""


def roots(hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_blocks_are_the_same_in_processes_with_different_hash_seeds() -> None:
    """Sets and dictionaries of bytes are walked in another order in each of them."""
    assert roots("1") == roots("20231") != ""

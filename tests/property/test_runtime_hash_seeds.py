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
calls = [
    stake("add_stake_limit", hotkey=HOTKEY, netuid=n, amount_staked=TAO, limit_price=10**12, allow_partial=True)
    for n in range(1, 7)
]
calls += [transfer(bytes((n,)) * 32, TAO) for n in range(5)]
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

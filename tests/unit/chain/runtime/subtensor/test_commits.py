from hashlib import blake2b
from typing import Any

import pytest

from chain.runtime.declarations import module_error
from chain.runtime.subtensor import commits, mechanisms, tempo
from tests.support.dev_chain import ALICE, TAO, DevChain, batch, events_of, stake, transfer
from tests.support.weights import VALIDATORS
from tests.unit.chain.runtime.subtensor.test_weight_setting import refused

MODULE = "SubtensorModule"
NETUID = 6
VALIDATOR = VALIDATORS[0]
ROW = ((4, 3), (5, 1))
SALT = [7, 8, 9]


def error(name: str) -> Any:
    return module_error(MODULE, name)


def quick(**entries: Any) -> DevChain:
    """Return a chain on which the hidden subnet has an epoch every five blocks and no rate limit."""
    chain = DevChain()
    values = {"Tempo": 5, "WeightsSetRateLimit": 0, **entries}
    chain.state = chain.state.commit({(f"{MODULE}.{name}", (NETUID,)): value for name, value in values.items()})
    return chain


def digest(row: Any = ROW, *, salt: Any = SALT, index: int = NETUID, key: Any = VALIDATOR) -> bytes:
    uids, values = [uid for uid, _ in row], [value for _, value in row]
    return commits.hash_weights(key.public, index, uids=uids, values=values, salt=salt, version=0)


def commit(row: Any = ROW, *, netuid: int = NETUID, salt: Any = SALT) -> Any:
    return stake("commit_weights", netuid=netuid, commit_hash=digest(row, salt=salt))


def reveal(row: Any = ROW, *, netuid: int = NETUID, salt: Any = SALT) -> Any:
    uids, values = [uid for uid, _ in row], [value for _, value in row]
    return stake("reveal_weights", netuid=netuid, uids=uids, values=values, salt=list(salt), version_key=0)


def waiting(chain: DevChain, index: int = NETUID) -> list[Any] | None:
    found: list[Any] | None = chain.state.get(commits.HASHED, index, VALIDATOR.public)
    return found


def test_the_hash_is_that_of_account_number_rows_salt_and_version_in_scale() -> None:
    encoded = bytes(32) + b"\1\0" + b"\4\0\0" + b"\4\xff\xff" + b"\x08\1\0\2\0" + b"\3" + bytes(7)

    digest = commits.hash_weights(bytes(32), 1, uids=[0], values=[65_535], salt=[1, 2], version=3)

    assert digest == blake2b(encoded, digest_size=32).digest()


def test_a_commit_is_revealed_in_the_epoch_after_and_sets_the_weights() -> None:
    chain = quick()
    result = chain.run((VALIDATOR, commit()))
    assert (MODULE, "WeightsCommitted", (VALIDATOR.public, NETUID, digest())) in events_of(result, 1)
    assert waiting(chain) == [(digest(), 0, 1, 0)]
    assert chain.state.get(f"{MODULE}.LastUpdate", NETUID)[1] == 1
    assert refused(chain, VALIDATOR, reveal()) == "Custom error: 17"

    chain.skip(4)
    assert chain.state.get(tempo.INDEX, NETUID) == 1
    told = chain.run((VALIDATOR, reveal()))

    assert (MODULE, "WeightsRevealed", (VALIDATOR.public, NETUID, digest())) in events_of(told, 1)
    assert (MODULE, "WeightsSet", (NETUID, 1)) in events_of(told, 1)
    assert chain.state.get(f"{MODULE}.Weights", NETUID, 1) == [(4, 65_535), (5, 21_845)]
    assert waiting(chain) is None
    # The last update is that of the commit: revealing later does not make weights younger.
    assert chain.state.get(f"{MODULE}.LastUpdate", NETUID)[1] == 1


def test_a_reveal_in_the_very_block_of_the_epoch_is_in_time() -> None:
    chain = quick()
    chain.run((VALIDATOR, commit()))
    chain.skip(3)

    assert chain.run((VALIDATOR, reveal())).receipts[1].success
    assert chain.number == 5


def in_batch(chain: DevChain, call: Any) -> Any:
    """Return the error of a call that the pool would not let pass alone."""
    return chain.run((VALIDATOR, batch(call, name="batch_all"))).receipts[1].error


def test_reveals_too_early_too_late_and_of_something_else_are_refused_by_name() -> None:
    chain = quick(Tempo=10)
    chain.run((ALICE, transfer(VALIDATOR.public, TAO)))
    assert in_batch(chain, reveal()) == error("NoWeightsCommitFound")
    chain.run((VALIDATOR, commit()))
    assert in_batch(chain, reveal()) == error("RevealTooEarly")
    assert in_batch(chain, reveal(salt=[1])) == error("InvalidRevealCommitHashNotMatch")
    while chain.state.get(tempo.INDEX, NETUID) < 2:
        chain.skip(1)
    assert refused(chain, VALIDATOR, reveal()) == "Custom error: 17"
    assert in_batch(chain, reveal()) == error("ExpiredWeightCommit")
    assert in_batch(chain, reveal(salt=[1])) == error("NoWeightsCommitFound")
    assert refused(chain, VALIDATOR, reveal(salt=[1])) == "Custom error: 16"


def test_the_reveal_period_counts_epochs() -> None:
    chain = quick(RevealPeriodEpochs=2)
    chain.run((VALIDATOR, commit()))
    chain.skip(4)
    assert refused(chain, VALIDATOR, reveal()) == "Custom error: 17"

    chain.skip(5)

    assert chain.run((VALIDATOR, reveal())).receipts[1].success


def test_ten_commits_wait_at_most_and_expired_ones_make_room() -> None:
    chain = quick()
    rows = [((4, number),) for number in range(1, 13)]

    result = chain.run(*((VALIDATOR, commit(row)) for row in rows[:11]))

    errors = [receipt.error for receipt in result.receipts[1:]]
    assert errors == [None] * 10 + [error("TooManyUnrevealedCommits")]
    while chain.state.get(tempo.INDEX, NETUID) < 2:
        chain.skip(1)
    assert chain.run((VALIDATOR, commit(rows[11]))).receipts[1].success
    assert [made for made, *_ in waiting(chain) or []] == [digest(rows[11])]


def test_revealing_one_commit_drops_those_before_it() -> None:
    chain = quick()
    rows = [((4, number), (5, 1)) for number in (1, 2, 3)]
    chain.run(*((VALIDATOR, commit(row)) for row in rows))
    chain.skip(4)

    chain.run((VALIDATOR, reveal(rows[1])))

    assert [made for made, *_ in waiting(chain) or []] == [digest(rows[2])]


def test_a_reveal_that_breaks_a_rule_of_weights_keeps_its_commit() -> None:
    chain = quick()
    wrong = ((4, 1), (4, 2))
    chain.run((VALIDATOR, commit(wrong)))
    chain.skip(4)

    assert chain.run((VALIDATOR, reveal(wrong))).receipts[1].error == error("DuplicateUids")
    assert waiting(chain) == [(digest(wrong), 0, 1, 0)]


def test_several_commits_are_revealed_at_once_or_none() -> None:
    chain = quick()
    rows = [((4, 1), (5, 1)), ((5, 1), (6, 1))]
    chain.run(*((VALIDATOR, commit(row)) for row in rows))
    chain.skip(4)

    def several(*chosen: Any) -> Any:
        return stake(
            "batch_reveal_weights",
            netuid=NETUID,
            uids_list=[[uid for uid, _ in row] for row in chosen],
            values_list=[[value for _, value in row] for row in chosen],
            salts_list=[SALT] * len(chosen),
            version_keys=[0] * len(chosen),
        )

    assert refused(chain, VALIDATOR, several(rows[0], ROW)) == "Custom error: 16"
    assert refused(chain, VALIDATOR, several()) == "Custom error: 255"
    out_of_order = chain.run((VALIDATOR, several(rows[1], rows[0]))).receipts[1]
    assert out_of_order.error == error("NoWeightsCommitFound")
    result = chain.run((VALIDATOR, several(*rows)))

    hashes = [digest(row) for row in rows]
    assert (MODULE, "WeightsBatchRevealed", (VALIDATOR.public, NETUID, hashes)) in events_of(result, 1)
    assert chain.state.get(f"{MODULE}.Weights", NETUID, 1) == [(5, 65_535), (6, 65_535)]


def test_a_batch_of_commits_tells_which_subnets_refused() -> None:
    chain = quick()

    result = chain.run((VALIDATOR, stake("batch_commit_weights", netuids=[NETUID, 1], commit_hashes=[digest()] * 2)))

    told = events_of(result, 1)
    assert (MODULE, "BatchWeightItemFailed", (1, error("CommitRevealDisabled"))) in told
    assert waiting(chain) == [(digest(), 0, 1, 0)]


def test_each_mechanism_has_commits_of_its_own() -> None:
    chain = quick(MechanismCountCurrent=2)
    index = mechanisms.index_of(NETUID, 1)
    made = digest(index=index)
    chain.run((VALIDATOR, stake("commit_mechanism_weights", netuid=NETUID, mecid=1, commit_hash=made)))
    assert (waiting(chain), waiting(chain, index)) == (None, [(made, 0, 1, 0)])
    chain.skip(4)
    args = {"uids": [4, 5], "values": [3, 1], "salt": SALT, "version_key": 0}

    result = chain.run((VALIDATOR, stake("reveal_mechanism_weights", netuid=NETUID, mecid=1, **args)))

    assert (MODULE, "WeightsRevealed", (VALIDATOR.public, index, made)) in events_of(result, 1)
    assert chain.state.get(f"{MODULE}.Weights", index, 1) == [(4, 65_535), (5, 21_845)]


def sealed(*, netuid: int = NETUID, commit_reveal_version: int = 4, mecid: int | None = None) -> Any:
    args = {"netuid": netuid, "commit": b"sealed", "reveal_round": 77, "commit_reveal_version": commit_reveal_version}
    if mecid is None:
        return stake("commit_timelocked_weights", **args)
    return stake("commit_timelocked_mechanism_weights", mecid=mecid, **args)


def test_sealed_commits_wait_mask_and_are_forgotten_at_the_end_of_their_time() -> None:
    chain = quick()

    result = chain.run((VALIDATOR, sealed()))

    told = (VALIDATOR.public, NETUID, blake2b(b"\x18sealed", digest_size=32).digest(), 77)
    assert (MODULE, "TimelockedWeightsCommitted", told) in events_of(result, 1)
    assert chain.state.get(commits.SEALED, NETUID, 0) == [(VALIDATOR.public, 1, b"sealed", 77)]
    hotkeys = [key.public for key in VALIDATORS]
    assert commits.earliest_blocks(chain.state, NETUID, NETUID, hotkeys, 2) == [1, 2**64 - 1, 2**64 - 1]
    chain.skip(4)
    assert chain.state.contains(commits.SEALED, NETUID, 0)
    chain.skip(5)
    assert chain.state.get(tempo.INDEX, NETUID) == 2
    assert not chain.state.contains(commits.SEALED, NETUID, 0)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (stake("commit_weights", netuid=99, commit_hash=bytes(32)), "MechanismDoesNotExist"),
        (stake("commit_mechanism_weights", netuid=6, mecid=1, commit_hash=bytes(32)), "MechanismDoesNotExist"),
        (stake("commit_weights", netuid=1, commit_hash=bytes(32)), "CommitRevealDisabled"),
        (stake("commit_weights", netuid=6, commit_hash=bytes(32)), "HotKeyNotRegisteredInSubNet"),
        (sealed(netuid=99), "MechanismDoesNotExist"),
        (sealed(mecid=2), "MechanismDoesNotExist"),
        (sealed(netuid=1), "CommitRevealDisabled"),
        (sealed(commit_reveal_version=3), "IncorrectCommitRevealVersion"),
        (sealed(), "HotKeyNotRegisteredInSubNet"),
        (reveal(netuid=99), "MechanismDoesNotExist"),
        (reveal(netuid=1), "CommitRevealDisabled"),
        (reveal(), "HotKeyNotRegisteredInSubNet"),
    ],
)
def test_a_stranger_is_told_the_first_reason(call: Any, name: str) -> None:
    assert DevChain().run((ALICE, batch(call, name="batch_all"))).receipts[1].error == error(name)


def test_commits_have_the_rate_limit_of_weights() -> None:
    chain = quick(WeightsSetRateLimit=3)
    chain.run((VALIDATOR, commit()))

    for call in (commit(), sealed()):
        assert chain.run((VALIDATOR, call)).receipts[1].error == error("CommittingWeightsTooFast")
    assert chain.run((VALIDATOR, commit())).receipts[1].success


def test_ten_sealed_commits_of_one_epoch_are_taken() -> None:
    chain = quick(Tempo=50)

    result = chain.run(*[(VALIDATOR, sealed())] * 11)

    errors = [receipt.error for receipt in result.receipts[1:]]
    assert errors == [None] * 10 + [error("TooManyUnrevealedCommits")]

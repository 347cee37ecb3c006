"""The signer signs a job once, within its limits, and remembers it over restarts and kills."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from nacl.signing import VerifyKey

from app.custody.calls import ChangeProxy, ForceBatch, LimitSwap, Proxied, Transfer, encode_call
from app.custody.errors import JournalBroken, SigningRefused
from app.custody.journal import Journal
from app.custody.policy import DAY_MS, HOUR_MS
from app.custody.scale import era, signing_payload
from app.link.wire import open_envelope
from ledger.engine.layout import Job, KeyRole
from tests.support.link_custody import GENESIS, HOT, RAO, TRADING, Clock, make_signer, request

PAYEE = b"\x55" * 32
PAY = encode_call(Transfer(PAYEE, RAO))


def refusal(signer: object, **changes: object) -> str:
    with pytest.raises(SigningRefused) as caught:
        signer.sign(request(changes.pop("call", PAY), **changes))  # type: ignore[attr-defined]
    return caught.value.code


def test_signed_bytes_verify_over_the_payload_of_the_network(tmp_path: Path) -> None:
    signed = make_signer(tmp_path / "journal").sign(request(PAY, nonce=3))

    extra = era(100, 64) + bytes((3 << 2, 0, 0))
    payload = signing_payload(
        PAY, extra, spec_version=424, transaction_version=1, genesis_hash=GENESIS, birth_hash=b"\x22" * 32
    )
    start = 2 + 1 + 1 + 32 + 1
    assert open_envelope(signed.extrinsic).signer == HOT
    assert open_envelope(signed.extrinsic).nonce == 3
    assert VerifyKey(HOT).verify(payload, signed.extrinsic[start : start + 64]) == payload


def test_the_same_job_gives_the_same_bytes_while_its_era_lives_also_after_a_restart(tmp_path: Path) -> None:
    signer = make_signer(tmp_path / "journal")
    first = signer.sign(request(PAY))
    signer.journal.close()

    again = make_signer(tmp_path / "journal").sign(request(PAY, nonce=9, birth=163))

    assert again == first


def test_after_its_era_a_job_is_signed_again_with_its_first_nonce_only(tmp_path: Path) -> None:
    signer = make_signer(tmp_path / "journal")
    first = signer.sign(request(PAY))

    assert refusal(signer, birth=164, nonce=1) == "job_changed"
    second = signer.sign(request(PAY, birth=164, birth_hash=b"\x77" * 32))

    assert second.nonce == first.nonce
    assert second.extrinsic != first.extrinsic


def test_a_job_never_changes_its_recipient_amount_or_key(tmp_path: Path) -> None:
    signer = make_signer(tmp_path / "journal")
    signer.sign(request(PAY))

    for call in (Transfer(b"\x66" * 32, RAO), Transfer(PAYEE, RAO + 1)):
        assert refusal(signer, call=encode_call(call)) == "job_changed"
        assert refusal(signer, call=encode_call(call), birth=5_000) == "job_changed"


def test_a_nonce_belongs_to_one_job_while_its_era_lives(tmp_path: Path) -> None:
    signer = make_signer(tmp_path / "journal")
    signer.sign(request(PAY))

    assert refusal(signer, job_id=11, birth=163) == "nonce_taken"
    assert signer.sign(request(PAY, job_id=11, birth=164)).nonce == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"genesis_hash": b"\x99" * 32}, "genesis_unknown"),
        ({"spec_version": 425}, "version_unknown"),
        ({"transaction_version": 2}, "version_unknown"),
        ({"period": 0}, "era_period"),
        ({"period": 65}, "era_period"),
        ({"job": Job.SWEEP}, "role_wrong"),
        ({"job": Job.SETTLEMENT}, "role_wrong"),
        ({"job_id": 0}, "role_wrong"),
        ({"job": None, "job_id": 0}, "role_wrong"),
        ({"call": encode_call(ChangeProxy(True, TRADING, 8, 0))}, "role_wrong"),
        ({"call": b"\x05\x00\x00" + PAYEE + b"\x04"}, "call_unknown"),
        ({"call": b""}, "call_malformed"),
    ],
)
def test_what_is_not_right_is_refused_and_leaves_no_trace(
    tmp_path: Path, changes: dict[str, object], code: str
) -> None:
    signer = make_signer(tmp_path / "journal")

    assert refusal(signer, **changes) == code
    assert signer.journal.of_job(10) is None
    assert (tmp_path / "journal").read_bytes().count(b"\n") == 1


def test_set_up_calls_are_signed_without_a_job(tmp_path: Path) -> None:
    signer = make_signer(tmp_path / "journal")
    call = encode_call(ChangeProxy(True, TRADING, 8, 0))

    assert signer.sign(request(call, job=None, job_id=0)).nonce == 0


def test_a_settlement_is_signed_by_the_trading_key(tmp_path: Path) -> None:
    signer = make_signer(tmp_path / "journal")
    swap = ForceBatch((Proxied(HOT, 8, LimitSwap(False, b"\x44" * 32, 1, RAO, RAO, True)),))

    signed = signer.sign(request(encode_call(swap), job=Job.SETTLEMENT, role=KeyRole.TRADING, key=2, period=16))

    assert open_envelope(signed.extrinsic).signer == TRADING


def test_limits_hold_per_payment_hour_and_day_and_come_back_with_time(tmp_path: Path) -> None:
    clock = Clock()
    signer = make_signer(tmp_path / "journal", clock, payment=4 * RAO, hour=5 * RAO, day=7 * RAO)

    def pay(job_id: int, amount: int) -> str:
        try:
            signer.sign(request(encode_call(Transfer(PAYEE, amount)), job_id=job_id, nonce=job_id))
        except SigningRefused as refused:
            return refused.code
        return "signed"

    assert pay(1, 4 * RAO + 1) == "limit_payment"
    assert pay(2, 4 * RAO) == "signed"
    assert pay(3, 2 * RAO) == "limit_hour"
    assert pay(4, RAO) == "signed"
    clock.now_ms += HOUR_MS
    assert pay(5, 3 * RAO) == "limit_day"
    assert pay(6, 2 * RAO) == "signed"
    clock.now_ms += DAY_MS
    assert pay(7, 4 * RAO) == "signed"


def test_limits_count_what_was_signed_before_a_restart(tmp_path: Path) -> None:
    clock = Clock()
    signer = make_signer(tmp_path / "journal", clock, hour=RAO)
    signer.sign(request(PAY))
    signer.journal.close()

    assert refusal(make_signer(tmp_path / "journal", clock, hour=RAO), job_id=11, nonce=1) == "limit_hour"


def test_a_torn_last_line_is_cut_off_and_anything_else_stops_the_signer(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    signer = make_signer(path)
    signer.sign(request(PAY))
    signer.sign(request(PAY, job_id=11, nonce=1))
    signer.journal.close()
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1

    for cut in (last, last + 1, len(whole) - 1):
        path.write_bytes(whole[:cut])
        journal = Journal(path)
        assert journal.of_job(10) is not None
        assert journal.of_job(11) is None
        journal.close()

    lines = whole.split(b"\n")
    for broken in (
        whole.replace(b'"amount":1', b'"amount":2', 1),
        b"\n".join([lines[0], *lines[2:]]),
        b"garbage\n" + whole,
    ):
        path.write_bytes(broken)
        with pytest.raises(JournalBroken):
            Journal(path)


def test_two_signers_cannot_share_a_journal(tmp_path: Path) -> None:
    signer = make_signer(tmp_path / "journal")

    with pytest.raises(JournalBroken, match="journal_in_use"):
        Journal(tmp_path / "journal")

    signer.journal.close()
    Journal(tmp_path / "journal").close()


def test_a_long_journal_is_rewritten_without_what_no_rule_needs(tmp_path: Path) -> None:
    path, clock = tmp_path / "journal", Clock()
    signer = make_signer(path, clock)
    for job_id in range(1, 41):
        signer.sign(request(PAY, job_id=job_id, nonce=job_id, birth=job_id * 10))
        clock.now_ms += HOUR_MS * 4
    signer.journal.close()

    journal = Journal(path, compact_above=10)

    assert journal.of_job(1) is None
    assert journal.of_job(40) is not None
    assert 2 < path.read_bytes().count(b"\n") < 20
    journal.close()
    assert Journal(path).of_job(40) == journal.of_job(40)


KILLED = """
import sys
from pathlib import Path
from app.custody.calls import Transfer, encode_call
from tests.support.link_custody import make_signer, request
signer = make_signer(Path(sys.argv[1]))
job_id = 1
while True:
    signed = signer.sign(request(encode_call(Transfer(b"\\x55" * 32, job_id)), job_id=job_id, nonce=job_id))
    print(signed.extrinsic.hex(), flush=True)
    job_id += 1
"""


@pytest.mark.parametrize("answers", [1, 17, 60])
def test_every_signature_that_left_the_signer_is_remembered_after_a_kill(tmp_path: Path, answers: int) -> None:
    path = tmp_path / "journal"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[4],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])},
    ) as process:
        assert process.stdout is not None
        seen = [process.stdout.readline().strip() for _ in range(answers)]
        process.send_signal(signal.SIGKILL)
        seen += [line.strip() for line in process.stdout if line.endswith("\n")]

    signer = make_signer(path)

    for job_id, extrinsic in enumerate(seen, start=1):
        remembered = signer.remembered(job_id)
        assert remembered is not None
        assert remembered.extrinsic.hex() == extrinsic

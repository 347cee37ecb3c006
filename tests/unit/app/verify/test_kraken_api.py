import json
from pathlib import Path

from app.verify.vectors import verify_files

VECTORS = Path(__file__).parents[3] / "vectors" / "kraken_api.json"


def test_every_known_answer_of_the_interface_passes() -> None:
    lines: list[str] = []

    count = verify_files([VECTORS], show=3, write=lines.append)

    assert (count.passed, count.failed, count.skipped) == (19, 0, 0), lines


def test_a_changed_answer_is_noticed(tmp_path: Path) -> None:
    document = json.loads(VECTORS.read_bytes())
    document["api_sign"][0]["api_sign"] = "A" + document["api_sign"][0]["api_sign"][1:]
    document["book_checksum"][0]["crc32"] += 1
    document["depth_from_pool"][0]["asks"][1][1] = "994.03939635"
    document["nonce"]["sequence_window_0"][1][1] = "ok"
    document["form_booleans"]["true"].append("no")
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(document))

    count = verify_files([changed], show=0, write=lambda _: None)

    assert count.failed == 5

"""The last epochs of every mechanism, kept by a node beside the chain: what each was told, so that it can be run again.

Of the matrices of weights and bonds only the numbers are kept, so a record of 256 neurons and 64 validators takes about
100 kB. Which fields an answer has is said in ``docs/operations.md``.
"""

from array import array
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any, Final

from chain.runtime.subtensor.epochs import EpochRecord
from chain.runtime.yuma.epoch import run_epoch
from chain.runtime.yuma.interface import EpochInputs, EpochOutputs, EpochTrace, Row, SparseRows
from chain.ss58 import ss58_encode

KEPT_EACH: Final = 2
"""Epochs of one mechanism that are kept."""
KEPT_MAX: Final = 512
"""Records that are kept altogether; of more the oldest go."""
_AMOUNTS: Final = frozenset(
    {
        "alpha_stake",
        "tao_stake",
        "tao_weight",
        "stake_threshold",
        "commit_blocks",
        "raw_stake",
        "emission",
        "server_emission",
        "validator_emission",
    }
)
"""Fields whose numbers may be too large for readers of JSON: they are told as texts."""
INPUTS: Final = tuple(field.name for field in fields(EpochInputs))
OUTPUTS: Final = tuple(field.name for field in fields(EpochOutputs) if field.name != "trace")
TRACE: Final = tuple(field.name for field in fields(EpochTrace))


class EpochRecords:
    """Records by mechanism and block, the latest of each."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int, int], EpochRecord] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, records: Iterable[EpochRecord]) -> None:
        """Keep the records of a block, and drop those that are too old."""
        for record in records:
            netuid, mecid = record.netuid, record.mecid
            self._kept[netuid, mecid, record.block] = _packed(record)
            blocks = self._blocks(netuid, mecid)
            for block in blocks[:-KEPT_EACH]:
                del self._kept[netuid, mecid, block]
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)

    def find(self, netuid: int, mecid: int, block: int) -> EpochRecord | None:
        """Return the record of a mechanism's epoch in a block."""
        return self._kept.get((netuid, mecid, block))

    def _blocks(self, netuid: int, mecid: int) -> list[int]:
        return sorted(key[2] for key in self._kept if key[:2] == (netuid, mecid))


def describe(record: EpochRecord, names: Sequence[str] | None = None) -> dict[str, Any]:
    """Return a record with all that follows from it as plain JSON values, or only the fields that are named."""
    outputs = run_epoch(record.inputs)

    def chosen(source: Any, known: tuple[str, ...]) -> dict[str, Any]:
        return {name: _plain(name, getattr(source, name)) for name in known if names is None or name in names}

    return {
        "netuid": record.netuid,
        "mechanism": record.mecid,
        "block": record.block,
        "hotkeys": [ss58_encode(hotkey) for hotkey in record.hotkeys],
        "inputs": chosen(record.inputs, INPUTS),
        "trace": chosen(outputs.trace, TRACE),
        "outputs": chosen(outputs, OUTPUTS),
    }


def _plain(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return str(value) if name in _AMOUNTS else value
    items = list(value)
    if items and isinstance(items[0], Sequence):
        return [[[int(uid), int(entry)] for uid, entry in row] for row in items]
    if name in _AMOUNTS:
        return [str(int(item)) for item in items]
    return [item if isinstance(item, bool) else int(item) for item in items]


def _packed(record: EpochRecord) -> EpochRecord:
    inputs = replace(record.inputs, weights=_pack(record.inputs.weights), bonds=_pack(record.inputs.bonds))
    return replace(record, inputs=inputs)


def _pack(rows: Sequence[Row]) -> SparseRows:
    starts = array("L", [0])
    uids, values = array("H"), array("H")
    for row in rows:
        uids.extend(uid for uid, _ in row)
        values.extend(value for _, value in row)
        starts.append(len(uids))
    return SparseRows(starts, uids, values)

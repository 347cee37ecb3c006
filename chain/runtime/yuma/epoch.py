"""The door to Yuma: one mechanism's epoch, by the kernels wherever their ranges hold."""

from chain.runtime.yuma import arrays, compiled, reference
from chain.runtime.yuma.interface import EpochInputs, EpochOutputs


def run_epoch(inputs: EpochInputs, *, dense: bool | None = None) -> EpochOutputs:
    """Run one mechanism's epoch; see ``EpochInputs`` and ``EpochOutputs`` for units.

    A row names each column at most once. ``dense`` is for comparing the two ways through the kernels.
    """
    if not arrays.is_packable(inputs):
        return reference.run_epoch(inputs)
    packed = arrays.pack(inputs)
    result = compiled.run_arrays(packed, dense=dense)
    weights = compiled.normalized_rows(packed)
    clipped = compiled.clipped_rows(weights, result.consensus)
    return arrays.unpack(
        inputs,
        packed,
        result,
        weights=weights,
        clipped=clipped,
        paid=compiled.paid_rows(packed, weights, clipped, result.consensus),
        kept=compiled.kept_rows(packed, result.kept),
    )

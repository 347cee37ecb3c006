"""The door to Yuma: one mechanism's epoch."""

from chain.runtime.yuma import reference
from chain.runtime.yuma.interface import EpochInputs, EpochOutputs


def run_epoch(inputs: EpochInputs) -> EpochOutputs:
    """Run one mechanism's epoch; see ``EpochInputs`` and ``EpochOutputs`` for units."""
    return reference.run_epoch(inputs)

"""One Yuma epoch in milliseconds: 64 validators times 4 096 uids, every pair weighed, Yuma2, one thread, exact.

From the submitted rows as flat arrays to everything that is stored and given away. Beside it smaller and sparser
subnets, Yuma3 and liquid alpha, and how the time grows with uids and validators, drawn into a PNG. The baseline is the
same epoch in float64 with numpy, in turns in the same process; both must agree to a millionth. What the kernels find is
compared bit for bit with the slow reference, on a state of 64 validators and 256 uids of each kind.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from chain.runtime.yuma import compiled, reference
from chain.runtime.yuma.arrays import EpochArrays
from chain.runtime.yuma.epoch import run_epoch
from chain.runtime.yuma.interface import EpochInputs
from load_tests.baselines import yuma_float64
from load_tests.driver import Options
from load_tests.report import ROOT, Result, latencies_ms
from load_tests.yuma_states import Size, inputs_of, state_of

GOAL_MS = 7.0
MAIN = Size(4096, 64)
OTHERS = (
    Size(256, 64),
    Size(4096, 64, yuma3=True),
    Size(4096, 64, yuma3=True, liquid_alpha=True),
    Size(4096, 64, density=0.1),
    Size(4096, 64, density=0.1, yuma3=True),
    Size(4096, 64, density=0.1, yuma3=True, liquid_alpha=True),
)
EPOCHS_PER_RUN = 20
BASELINES_PER_RUN = 3
GROWING_UIDS = (256, 512, 1024, 2048, 4096)
GROWING_VALIDATORS = (8, 16, 32, 64, 128, 256)
CLOSE = 1e-6
PICTURE = ROOT / ".cache" / "load_tests" / "yuma_epoch.png"


async def run(options: Options) -> Result:
    """Measure every size in turns with the baseline, draw the growth, and return the medians of the main size."""
    for size in (MAIN, *OTHERS):
        _expect_exact(replace(size, uids=256))
    main, main_baseline = _measure(MAIN, options)
    others = {}
    for size in OTHERS:
        ours, theirs = _measure(size, options)
        others[str(size)] = {"ms": _ms(ours), "float64_ms": _ms(theirs)}
    uids = _growth([Size(count, MAIN.validators) for count in GROWING_UIDS], options)
    validators = _growth([Size(MAIN.uids, count) for count in GROWING_VALIDATORS], options)
    draw_growth(PICTURE, uids=uids, validators=validators)
    return Result(
        name="yuma_epoch",
        value=statistics.median(main) * 1e3,
        unit="ms",
        baseline=statistics.median(main_baseline) * 1e3,
        baseline_name="float64, numpy",
        goal=GOAL_MS,
        less_is_better=True,
        details={
            "runs": options.runs,
            "epochs": latencies_ms(main),
            "float64": latencies_ms(main_baseline),
            "processor_ms": _processor_ms(options),
            "with_lists": {"ms": _ms(_times(lambda: run_epoch(inputs_of(MAIN, 1)), 1))},
            "others": others,
            "by_uids": uids,
            "by_validators": validators,
            "picture": str(PICTURE.relative_to(ROOT)),
        },
    )


def _measure(size: Size, options: Options) -> tuple[list[float], list[float]]:
    """Return seconds per epoch, ours and the baseline's, in turns over different states."""
    ours: list[float] = []
    theirs: list[float] = []
    for seed in range(options.runs):
        state = state_of(size, seed)
        _expect_close(state)
        ours += _times(lambda state=state: compiled.run_arrays(state), options.scaled(EPOCHS_PER_RUN))  # type: ignore[misc]
        theirs += _times(lambda state=state: yuma_float64.run(state), options.scaled(BASELINES_PER_RUN))  # type: ignore[misc]
    return ours, theirs


def _times(function: Callable[[], Any], count: int) -> list[float]:
    seconds = []
    for _ in range(count):
        begun = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - begun)
    return seconds


def _processor_ms(options: Options) -> float:
    """Return the processor time of an epoch of the main size: what is left of it where others take the cores."""
    state = state_of(MAIN, 0)
    seconds = []
    for _ in range(options.scaled(EPOCHS_PER_RUN)):
        begun = time.thread_time()
        compiled.run_arrays(state)
        seconds.append(time.thread_time() - begun)
    return _ms(seconds)


def _ms(seconds: list[float]) -> float:
    return round(statistics.median(seconds) * 1e3, 3)


def _growth(sizes: list[Size], options: Options) -> list[dict[str, float]]:
    points = []
    for size in sizes:
        ours, theirs = _measure(size, replace(options, runs=1))
        points.append({"uids": size.uids, "validators": size.validators, "ms": _ms(ours), "float64_ms": _ms(theirs)})
    return points


def _expect_close(state: EpochArrays) -> None:
    """Raise ``ArithmeticError`` unless kernels and baseline agree to a millionth."""
    exact, close = compiled.run_arrays(state), yuma_float64.run(state)
    for name in ("consensus", "incentive", "dividends"):
        difference = np.abs(getattr(exact, name) / yuma_float64.ONE - getattr(close, name)).max()
        if difference > CLOSE:
            raise ArithmeticError(f"kernels and float64 differ in {name} by {difference}")


def _expect_exact(size: Size) -> None:
    """Raise ``ArithmeticError`` unless the kernels equal the slow reference bit for bit."""
    inputs: EpochInputs = inputs_of(size, 0)
    if run_epoch(inputs) != reference.run_epoch(inputs):
        raise ArithmeticError(f"kernels and reference differ for {size}")


def draw_growth(path: Path, *, uids: list[dict[str, float]], validators: list[dict[str, float]]) -> None:
    """Write how the time grows with uids and with validators, ours and the baseline's, as a PNG."""
    # Drawing is all that needs the library, and its start takes a second.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    for place, (label, points) in enumerate((("uids", uids), ("validators", validators)), start=1):
        axes = figure.add_subplot(1, 2, place)
        along = [point[label] for point in points]
        axes.plot(along, [point["ms"] for point in points], marker="o", label="kernels, exact")
        axes.plot(along, [point["float64_ms"] for point in points], marker="s", label="float64, numpy")
        other = "validators" if label == "uids" else "uids"
        axes.set_title(f"{points[0][other]:.0f} {other}, every pair weighed, Yuma2")
        axes.set_xlabel(label)
        axes.set_ylabel("milliseconds per epoch")
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.grid(visible=True, alpha=0.3)
        axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)

"""What a scenario found, as text for people and as one JSON object for programs; and the machine it was found on."""

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One figure beside its baseline, both medians over the same runs.

    ``value`` and ``baseline`` are in ``unit``; ``ratio`` is value / baseline, or its inverse where ``less_is_better``;
    ``goal`` is what the design asks for; ``details`` hold what is needed to judge the figure: spread, latencies, sizes.
    """

    name: str
    value: float
    unit: str
    baseline: float
    baseline_name: str
    goal: float
    details: dict[str, Any] = field(default_factory=dict)
    less_is_better: bool = False

    @property
    def ratio(self) -> float:
        """Return how many times better than the baseline the value is."""
        return self.baseline / self.value if self.less_is_better else self.value / self.baseline

    @property
    def is_goal_reached(self) -> bool:
        """Whether the value is on the right side of the goal."""
        return self.value <= self.goal if self.less_is_better else self.value >= self.goal


def percentile(samples: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile of at least one sample."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def latencies_ms(samples_s: Sequence[float]) -> dict[str, float]:
    """Return p50, p99 and max of samples in seconds, as milliseconds."""
    return {
        "p50_ms": round(percentile(samples_s, 50) * 1e3, 3),
        "p99_ms": round(percentile(samples_s, 99) * 1e3, 3),
        "max_ms": round(max(samples_s) * 1e3, 3),
    }


def spread(samples: Sequence[float]) -> dict[str, float]:
    """Return lowest, median and highest of a figure over the runs."""
    return {"low": round(min(samples)), "median": round(statistics.median(samples)), "high": round(max(samples))}


def describe_machine() -> dict[str, str]:
    """Return what a reader needs to compare figures: processor, cores, memory, system, versions, commit."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory_gb:.0f} GB",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "commit": commit or "unknown",
    }


def to_text(result: Result, machine: dict[str, str]) -> str:
    """Return the result for people."""
    lines = [
        f"{result.name}: {_amount(result.value)} {result.unit}",
        f"  baseline   {_amount(result.baseline)} {result.unit} ({result.baseline_name})",
        f"  ratio      {result.ratio:,.1f}",
        f"  goal       {_amount(result.goal)} {result.unit}: {'reached' if result.is_goal_reached else 'not reached'}",
        *(f"  {name:<10} {value}" for name, value in result.details.items()),
        "  machine    " + ", ".join(f"{name} {value}" for name, value in machine.items()),
    ]
    return "\n".join(lines)


def to_json(result: Result, machine: dict[str, str]) -> str:
    """Return the result as one line of JSON."""
    ratio = round(result.ratio, 2)
    return json.dumps({**asdict(result), "ratio": ratio, "machine": machine}, separators=(",", ":"))


def _amount(value: float) -> str:
    """Return whole numbers from a hundred on, three digits below."""
    return f"{value:,.0f}" if value >= 100 else f"{value:,.3g}"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()

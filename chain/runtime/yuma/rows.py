"""Vectors and sparse rows of I32F32 in Python integers: masks, sums, normalisation, clip, averages.

Each function is one step of the slow epoch and returns new lists. A row holds ``(column, value)`` in the order it was
submitted; an entry whose value is 0 differs from none. Source: ``spec/yuma`` section 3.
"""

from collections.abc import Callable, Sequence

from chain.runtime.yuma import fixed
from chain.runtime.yuma.interface import Entry, Row

Rows = list[list[Entry]]


def normalize(values: Sequence[int]) -> list[int]:
    """Return the values over their sum, or unchanged where the sum is 0."""
    total = sum(values)
    return list(values) if total == 0 else [fixed.div(value, total) for value in values]


def normalize_wide(values: Sequence[int]) -> list[int]:
    """Return I64F64 values over their sum, or unchanged where the sum is 0."""
    total = sum(values)
    return list(values) if total == 0 else [fixed.div_wide(value, total) for value in values]


def topk(values: Sequence[int], k: int) -> list[bool]:
    """Mark the ``k`` largest values; of equal ones the higher index wins."""
    marks = [True] * len(values)
    for index in sorted(range(len(values)), key=values.__getitem__)[: max(0, len(values) - k)]:
        marks[index] = False
    return marks


def topk_nonzero(values: Sequence[int], k: int) -> list[bool]:
    """Mark the ``k`` largest values, but none that is 0."""
    return [mark and value != 0 for mark, value in zip(topk(values, k), values, strict=True)]


def mask_vector(mask: Sequence[bool], values: Sequence[int]) -> list[int]:
    """Return the values, 0 where the mask holds or has ended; an empty mask masks nothing."""
    if not mask:
        return list(values)
    return [0 if at >= len(mask) or mask[at] else value for at, value in enumerate(values)]


def mask_rows(mask: Sequence[bool], rows: Sequence[Row]) -> Rows:
    """Return the rows, emptied where the mask holds or has ended."""
    return [[] if at >= len(mask) or mask[at] else list(row) for at, row in enumerate(rows)]


def mask_diagonal(rows: Sequence[Row], *, except_index: int | None = None) -> Rows:
    """Return the rows without entries on themselves, but for one row."""
    return [
        [(j, value) for j, value in row if j != i or (except_index is not None and i == except_index)]
        for i, row in enumerate(rows)
    ]


def mask_where(
    rows: Sequence[Row], first: Sequence[int], second: Sequence[int], drop: Callable[[int, int], bool]
) -> Rows:
    """Return the rows without the entries for which ``drop(first of the row, second of the column)`` holds.

    A missing number counts as 0.
    """
    return [[(j, value) for j, value in row if not drop(_at(first, i), _at(second, j))] for i, row in enumerate(rows)]


def _at(values: Sequence[int], index: int) -> int:
    return values[index] if index < len(values) else 0


def row_sum(rows: Sequence[Row]) -> list[int]:
    """Return the sum of every row."""
    return [sum(value for _, value in row) for row in rows]


def row_normalize(rows: Sequence[Row]) -> Rows:
    """Return every row over its sum, unchanged where that is not positive."""
    normalized: Rows = []
    for row, total in zip(rows, row_sum(rows), strict=True):
        normalized.append([(j, fixed.div(value, total)) for j, value in row] if total > 0 else list(row))
    return normalized


def column_sum(rows: Sequence[Row], columns: int) -> list[int]:
    """Return the sum of every column below ``columns``."""
    sums = [0] * columns
    for row in rows:
        for j, value in row:
            if j < columns:
                sums[j] += value
    return sums


def column_normalize(rows: Sequence[Row], columns: int) -> Rows:
    """Return every column over its sum, unchanged where that is 0."""
    return _divide_columns(rows, column_sum(rows, columns))


def column_max_upscale(rows: Sequence[Row], columns: int) -> Rows:
    """Return every column over its largest value, unchanged where that is 0."""
    largest = [0] * columns
    for row in rows:
        for j, value in row:
            if j < columns:
                largest[j] = max(largest[j], value)
    return _divide_columns(rows, largest)


def _divide_columns(rows: Sequence[Row], divisors: Sequence[int]) -> Rows:
    return [
        [(j, fixed.div(value, divisors[j]) if j < len(divisors) and divisors[j] != 0 else value) for j, value in row]
        for row in rows
    ]


def column_clip(rows: Sequence[Row], limits: Sequence[int]) -> Rows:
    """Return the entries at most at their column's limit; those above a limit of 0 are deleted."""
    return [[(j, min(value, limits[j])) for j, value in row if value <= limits[j] or limits[j] != 0] for row in rows]


def scale_rows(rows: Sequence[Row], factors: Sequence[int]) -> Rows:
    """Return every row times its factor, each product rounded down."""
    return [[(j, fixed.mul(factor, value)) for j, value in row] for row, factor in zip(rows, factors, strict=True)]


def scale_columns(rows: Sequence[Row], factors: Sequence[int]) -> Rows:
    """Return every column times its factor, each product rounded down, without those that are 0 or have no factor."""
    scaled = [[(j, fixed.mul(factors[j], value)) for j, value in row if j < len(factors)] for row in rows]
    return [[(j, value) for j, value in row if value != 0] for row in scaled]


def sum_by_column(rows: Sequence[Row], factors: Sequence[int], columns: int) -> list[int]:
    """Return for every column the sum of its entries times their row's factor, each product rounded down."""
    return column_sum(scale_rows(rows, factors), columns)


def sum_by_row(rows: Sequence[Row], factors: Sequence[int]) -> list[int]:
    """Return for every row the sum of its entries times their column's factor, each product rounded down."""
    return [sum(fixed.mul(value, factors[j]) for j, value in row if j < len(factors)) for row in rows]


def weighted_median(stakes: Sequence[int], scores: Sequence[int], minority: int) -> int:
    """Return the smallest score that, with all lower ones, has more stake than ``minority``, else the largest; or 0."""
    held: dict[int, int] = {}
    for stake, score in zip(stakes, scores, strict=True):
        held[score] = held.get(score, 0) + stake
    below = 0
    for score in sorted(held):
        below += held[score]
        if below > minority:
            return score
    return max(held, default=0)


def weighted_median_columns(stakes: Sequence[int], rows: Sequence[Row], columns: int, majority: int) -> list[int]:
    """Return each column's weighted median over the rows with stake; an absent entry is a score of 0."""
    voters = [at for at, stake in enumerate(stakes) if stake > 0]
    held = normalize([stakes[at] for at in voters])
    minority = sum(held) - majority
    scores = [[0] * len(voters) for _ in range(columns)]
    for position, at in enumerate(voters):
        for j, value in rows[at]:
            scores[j][position] = value
    return [weighted_median(held, column, minority) for column in scores]


def interpolate(rows: Sequence[Row], others: Sequence[Row], columns: int, ratio: int) -> Rows:
    """Return the way from ``rows`` to ``others``: ``a + ratio * (b - a)``, columns ascending, only above 0.

    ``ratio`` 0 and one return the rows as they are, with their order and zeros.
    """
    if ratio == 0:
        return [list(row) for row in rows]
    if ratio == fixed.ONE:
        return [list(row) for row in others]
    mixed: Rows = []
    for row, other in zip(rows, others, strict=True):
        begin, end = dict(row), dict(other)
        mixed.append([])
        for j in sorted(j for j in begin.keys() | end.keys() if j < columns):
            start = begin.get(j, 0)
            value = fixed.add(start, fixed.mul(ratio, fixed.sub(end.get(j, 0), start)))
            if value > 0:
                mixed[-1].append((j, value))
    return mixed


def average(new: Sequence[Row], old: Sequence[Row], columns: int, alpha: int) -> Rows:
    """Return ``alpha * new + (1 - alpha) * old``, each product rounded down, columns ascending, only above 0."""
    rest = fixed.sub(fixed.ONE, alpha)
    averaged: Rows = []
    for new_row, old_row in zip(new, old, strict=True):
        values = dict.fromkeys(sorted(j for j, _ in (*new_row, *old_row) if j < columns), 0)
        for row, factor in ((new_row, alpha), (old_row, rest)):
            for j, value in row:
                if j < columns:
                    values[j] += fixed.mul(factor, value)
        averaged.append([(j, value) for j, value in values.items() if value > 0])
    return averaged


def average_each(new: Sequence[Row], old: Sequence[Row], alphas: Sequence[Sequence[int]]) -> Rows:
    """Return the average with an alpha for every column of every row, at most one, for the entries of ``new`` alone.

    ``alphas[i][j]`` belongs to row ``i`` and column ``j``. The order is that of ``new``; only values above 0 are kept.
    """
    averaged: Rows = []
    for new_row, old_row, alpha_row in zip(new, old, alphas, strict=True):
        before = dict(old_row)
        averaged.append([])
        for j, value in new_row:
            kept = fixed.mul(fixed.sub(fixed.ONE, alpha_row[j]), before.get(j, 0))
            bought = max(0, fixed.mul(alpha_row[j], value))
            mixed = min(fixed.ONE, fixed.add(kept, bought))
            if mixed > 0:
                averaged[-1].append((j, mixed))
    return averaged


def walked(row: Row) -> dict[int, int]:
    """Return what a walk through ascending columns reads of a row: nothing behind a larger column."""
    read: dict[int, int] = {}
    highest = -1
    for j, value in row:
        if j > highest:
            read[j], highest = value, j
    return read

"""Answers the primitives of ``yuma.json`` with the functions of the slow epoch.

The file knows most matrix functions twice. The dense ones are its test twins: here they run the sparse function on
rows that list every column.
"""

import operator
from collections.abc import Callable
from typing import Any, Final

from app.verify.family import Case, expect
from chain.runtime.yuma import fixed, rows, weight_rules

Dense = list[list[int]]
Rows = list[list[tuple[int, int]]]


def run_helper(case: Case) -> None:
    """Compare one primitive with its exact answer; I64F64 numbers are text in the file."""
    function, names = _HELPERS[case["fn"]]
    expect(function(*(_read(case["in"][name]) for name in names)), _read(case["out"]), case["fn"])


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return [_read(item) for item in value]
    return int(value) if isinstance(value, str) and value.lstrip("-").isdecimal() else value


def _pairs(given: Dense) -> Rows:
    return [[(entry[0], entry[1]) for entry in row] for row in given]  # type: ignore[index]  # rows of [uid, value]


def _lists(given: Rows) -> list[list[list[int]]]:
    return [[list(entry) for entry in row] for row in given]


def _sparse(function: Callable[..., Rows]) -> Callable[..., Any]:
    """Return a helper that reads and answers sparse rows; its first argument is the matrix."""

    def helper(matrix: Dense, *others: Any) -> Any:
        return _lists(function(_pairs(matrix), *others))

    return helper


def _dense(function: Callable[..., Rows]) -> Callable[..., Any]:
    """Return the dense twin: every column listed, and 0 where the answer has none."""

    def twin(matrix: Dense, *others: Any) -> Dense:
        answer = function(_all(matrix), *others)
        return [[dict(row).get(j, 0) for j in range(len(before))] for row, before in zip(answer, matrix, strict=True)]

    return twin


def _all(matrix: Dense) -> Rows:
    return [list(enumerate(row)) for row in matrix]


def _width(matrix: Dense) -> int:
    return len(matrix[0]) if matrix else 0


def _mask_matrix(mask: list[list[bool]], matrix: Dense) -> Dense:
    return [rows.mask_vector(mask_row, row) for mask_row, row in zip(mask, matrix, strict=True)]


def _mask_sparse(sparse_matrix: Dense, first_vector: list[int], second_vector: list[int], drop_when: str) -> Any:
    sign = {"==": operator.eq, "<": operator.lt, "<=": operator.le}[drop_when.split()[1]]
    return _lists(rows.mask_where(_pairs(sparse_matrix), first_vector, second_vector, sign))


def _average_dense(new: Dense, old: Dense, alpha: Dense) -> Dense:
    if not new:
        return [[]]
    if [len(row) for row in new] != [len(row) for row in old]:
        return new  # the twin leaves unequal shapes alone
    return _dense(lambda matrix: rows.average_each(matrix, _all(old), alpha))(new)  # type: ignore[no-any-return]


def _interpolate_dense(mat1: Dense, mat2: Dense, ratio: int) -> Dense:
    mixed = _dense(lambda matrix: rows.interpolate(matrix, _all(mat2), _width(mat1), ratio))
    return mixed(mat1)  # type: ignore[no-any-return]


def _scale_columns_dense(matrix: Dense, vector: list[int]) -> Dense:
    # The twin's rows end where the factors do.
    return _dense(rows.scale_columns)([row[: len(vector)] for row in matrix], vector)  # type: ignore[no-any-return]


def _median_dense(stake: list[int], score: Dense, majority: int) -> list[int]:
    return rows.weighted_median_columns(stake, _all(score), _width(score), majority)


def _median_sparse(stake: list[int], score: Dense, columns: int, majority: int) -> list[int]:
    return rows.weighted_median_columns(stake, _pairs(score), columns, majority)


def _interpolate_sparse(mat1: Dense, mat2: Dense, columns: int, ratio: int) -> Any:
    return _lists(rows.interpolate(_pairs(mat1), _pairs(mat2), columns, ratio))


def _average_sparse(new: Dense, old: Dense, alpha: Dense) -> Any:
    return _lists(rows.average_each(_pairs(new), _pairs(old), alpha))


def _mask_diagonal(matrix: Rows, except_index: int) -> Rows:
    return rows.mask_diagonal(matrix, except_index=except_index)


def _alpha(consensus: int, weight: int, bond: int, low: int, high: int, steepness: int) -> int:
    return fixed.alpha_sigmoid(consensus=consensus, weight=weight, bond=bond, low=low, high=high, steepness=steepness)


Helper = tuple[Callable[..., Any], tuple[str, ...]]
"""A function and the file's names of its arguments, in order."""
_NUMBERS: Final[dict[str, Helper]] = {
    "fixed_proportion_to_u16": (fixed.proportion_to_u16, ("x",)),
    "fixed64_to_fixed32": (fixed.from_wide, ("x",)),
    "fixed64_to_u64": (fixed.wide_to_u64, ("x",)),
    "fixed_to_u16": (fixed.to_u16, ("x",)),
    "fixed_to_u64": (fixed.to_u64, ("x",)),
    "u16_to_fixed": (fixed.from_int, ("x",)),
    "u16_proportion_to_fixed": (fixed.u16_to_proportion, ("x",)),
    "exp_safe": (fixed.exp_safe, ("input",)),
    "sigmoid_safe": (lambda x, rho, kappa: fixed.sigmoid_safe(x, rho=rho, kappa=kappa), ("input", "rho", "kappa")),
    "alpha_sigmoid": (_alpha, ("consensus", "weight", "bond", "alpha_low", "alpha_high", "steepness")),
}
_VECTORS: Final[dict[str, Helper]] = {
    "sum": (sum, ("x",)),
    "normalize": (rows.normalize, ("x",)),
    "inplace_normalize": (rows.normalize, ("x",)),
    "inplace_normalize_64": (rows.normalize_wide, ("x",)),
    "is_topk": (rows.topk, ("vector", "k")),
    "is_topk_nonzero": (rows.topk_nonzero, ("vector", "k")),
    "inplace_mask_vector": (rows.mask_vector, ("mask", "vector")),
    "vec_mul": (lambda a, b: list(map(fixed.mul, a, b)), ("a", "b")),
    "vecdiv": (lambda x, y: list(map(fixed.div, x, y)), ("x", "y")),
    "vec_fixed64_to_fixed32": (lambda vec: list(map(fixed.from_wide, vec)), ("vec",)),
    "vec_max_upscale_to_u16": (weight_rules.max_upscale_fixed, ("vec",)),
    "vec_u16_max_upscale_to_u16": (weight_rules.max_upscale, ("vec",)),
    "check_vec_max_limited": (
        lambda vec, limit: weight_rules.is_each_below(vec, limit=limit),
        ("vec", "max_limit"),
    ),
    "weighted_median": (rows.weighted_median, ("stake", "score", "minority")),
}
_SPARSE: Final[dict[str, Helper]] = {
    "col_clip_sparse": (_sparse(rows.column_clip), ("sparse_matrix", "col_threshold")),
    "inplace_col_max_upscale_sparse": (_sparse(rows.column_max_upscale), ("sparse_matrix", "columns")),
    "inplace_col_normalize_sparse": (_sparse(rows.column_normalize), ("sparse_matrix", "columns")),
    "inplace_row_normalize_sparse": (_sparse(rows.row_normalize), ("sparse_matrix",)),
    "interpolate_sparse": (_interpolate_sparse, ("mat1", "mat2", "columns", "ratio")),
    "mask_diag_sparse": (_sparse(rows.mask_diagonal), ("sparse_matrix",)),
    "mask_diag_sparse_except_index": (_sparse(_mask_diagonal), ("sparse_matrix", "except_index")),
    "mask_rows_sparse": (
        lambda mask, matrix: _lists(rows.mask_rows(mask, _pairs(matrix))),
        ("mask", "sparse_matrix"),
    ),
    "mat_ema_alpha_sparse": (_average_sparse, ("new", "old", "alpha")),
    "mat_vec_mul_sparse": (_sparse(rows.scale_columns), ("matrix", "vector")),
    "row_hadamard_sparse": (_sparse(rows.scale_rows), ("sparse_matrix", "vector")),
    "row_sum_sparse": (lambda matrix: rows.row_sum(_pairs(matrix)), ("sparse_matrix",)),
    "matmul_sparse": (
        lambda matrix, vector, columns: rows.sum_by_column(_pairs(matrix), vector, columns),
        ("sparse_matrix", "vector", "columns"),
    ),
    "matmul_transpose_sparse": (
        lambda matrix, vector: rows.sum_by_row(_pairs(matrix), vector),
        ("sparse_matrix", "vector"),
    ),
    "weighted_median_col_sparse": (_median_sparse, ("stake", "score", "columns", "majority")),
    "vec_mask_sparse_matrix": (_mask_sparse, ("sparse_matrix", "first_vector", "second_vector", "drop_when")),
}
_DENSE: Final[dict[str, Helper]] = {
    "inplace_col_clip": (_dense(rows.column_clip), ("x", "col_threshold")),
    "inplace_col_max_upscale": (lambda x: _dense(rows.column_max_upscale)(x, _width(x)), ("x",)),
    "inplace_col_normalize": (lambda x: _dense(rows.column_normalize)(x, _width(x)), ("x",)),
    "inplace_row_normalize": (_dense(rows.row_normalize), ("x",)),
    "inplace_mask_diag": (_dense(rows.mask_diagonal), ("matrix",)),
    "inplace_mask_diag_except_index": (_dense(_mask_diagonal), ("matrix", "except_index")),
    "inplace_mask_matrix": (_mask_matrix, ("mask", "matrix")),
    "inplace_mask_rows": (_dense(lambda given, mask: rows.mask_rows(mask, given)), ("matrix", "mask")),
    "interpolate": (_interpolate_dense, ("mat1", "mat2", "ratio")),
    "mat_ema_alpha": (_average_dense, ("new", "old", "alpha")),
    "mat_vec_mul": (_scale_columns_dense, ("matrix", "vector")),
    "row_hadamard": (_dense(rows.scale_rows), ("matrix", "vector")),
    "row_sum": (lambda x: rows.row_sum(_all(x)), ("x",)),
    "matmul": (lambda matrix, vector: rows.sum_by_column(_all(matrix), vector, _width(matrix)), ("matrix", "vector")),
    "matmul_transpose": (lambda matrix, vector: rows.sum_by_row(_all(matrix), vector), ("matrix", "vector")),
    "weighted_median_col": (_median_dense, ("stake", "score", "majority")),
}
_HELPERS: Final = _NUMBERS | _VECTORS | _SPARSE | _DENSE

"""Checks of the user's arrays, before anything else looks at them."""

import zlib
from itertools import chain
from numbers import Real

import numpy as np
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

FLOATS = [np.float64, np.float32]


def check_sparse_structure(X) -> None:
    """Raise if the index arrays of a sparse ``X`` point outside of it.

    SciPy's compiled products read and write where the indices say, without
    looking; a corrupt matrix ends the process.

    Raises
    ------
    ValueError
        If an index or an index pointer is out of range or out of order.
    """
    if not sparse.issparse(X) or X.ndim != 2:
        return
    if X.format in ("csr", "csc", "bsr"):
        _check_compressed(X)
    elif X.format == "coo":
        _check_coordinates(X, X.row, X.col)
    elif X.format == "dok":
        _check_coordinates(
            X, *np.array(list(X.keys()), dtype=np.int64).reshape(-1, 2).T
        )
    elif X.format == "lil":
        if [len(row) for row in X.rows] != [len(row) for row in X.data]:
            raise ValueError(
                "X is a corrupt lil matrix: rows and data differ in length."
            )
        columns = np.fromiter(chain.from_iterable(X.rows), dtype=np.int64)
        _check_range(columns, X.shape[1], "column index")


def _check_coordinates(X, rows, columns):
    _check_range(rows, X.shape[0], "row index")
    _check_range(columns, X.shape[1], "column index")


def _check_compressed(X):
    block = X.blocksize if X.format == "bsr" else (1, 1)
    n_rows, n_columns = X.shape[0] // block[0], X.shape[1] // block[1]
    major, minor = (n_columns, n_rows) if X.format == "csc" else (n_rows, n_columns)
    if len(X.indptr) != major + 1 or X.indptr[0] != 0:
        raise ValueError(
            f"X is a corrupt {X.format} matrix: indptr must have {major + 1} entries "
            f"and start at 0, got {len(X.indptr)} entries."
        )
    if np.any(np.diff(X.indptr) < 0):
        raise ValueError(f"X is a corrupt {X.format} matrix: indptr decreases.")
    if X.indices.dtype.kind not in "iu" or X.indptr.dtype.kind not in "iu":
        raise ValueError(
            f"X is a corrupt {X.format} matrix: indices and indptr must be integers, "
            f"got {X.indices.dtype} and {X.indptr.dtype}."
        )
    n_stored = int(X.indptr[-1])
    if n_stored > min(len(X.indices), len(X.data)):
        raise ValueError(
            f"X is a corrupt {X.format} matrix: indptr ends at {n_stored}, and there "
            f"are {len(X.indices)} indices and {len(X.data)} values."
        )
    _check_range(X.indices[:n_stored], minor, "index")


def _check_range(index, length, name):
    if len(index) and (index.min() < 0 or index.max() >= length):
        worst = index.min() if index.min() < 0 else index.max()
        raise ValueError(
            f"X is a corrupt sparse matrix: the {name} {worst} is outside "
            f"[0, {length})."
        )


def check_X(estimator, X, **options):
    """Return ``X`` as a float array or a CSR matrix, without a copy if it is one."""
    if is_valid(estimator, X, options):
        return X
    check_sparse_structure(X)
    return validate_data(estimator, X, **_options(options))


def check_X_y(estimator, X, y, **options):
    """Return ``X`` as `check_X` does, and ``y`` as an array."""
    if is_valid(estimator, X, options) and is_valid_target(y, len(X)):
        return X, y
    check_sparse_structure(X)
    is_finite = True
    try:
        X, y = validate_data(estimator, X, y, **_options(options))
        if options.get("y_numeric") and not sparse.issparse(y):
            y = y if y.dtype.kind in "fiu" else np.asarray(y, dtype=float)
            is_finite = np.isfinite(y).all()
    except (TypeError, ValueError) as error:
        if options.get("y_numeric") and not _is_numeric(y):
            raise _naming("y", error) from error
        raise
    if not is_finite:
        raise ValueError("Input y contains None, NaN or infinity.")
    return X, y


def _is_numeric(y) -> bool:
    """Whether targets can be read as numbers, if they are in an array or a list."""
    if y is None or sparse.issparse(y) or np.iscomplexobj(y):
        return True
    try:
        np.asarray(y, dtype=float)
    except (TypeError, ValueError):
        return False
    return True


def _naming(name, error):
    """Return an error like this one that names an array of numbers."""
    kind = TypeError if isinstance(error, TypeError) else ValueError
    return kind(f"{name} must be an array of real numbers: {error}")


def is_valid(estimator, X, options) -> bool:
    """Whether ``X`` is a small array that `validate_data` would return unchanged.

    Finding that out takes a fifth of the time of `validate_data`, which is most of
    what a stream of single rows costs.
    """
    return (
        type(X) is np.ndarray
        and X.ndim == 2
        and 0 < X.size <= _SMALL
        and X.dtype in options.get("dtype", FLOATS)
        and not options["reset"]
        and X.shape[1] == estimator.n_features_in_
        and not hasattr(estimator, "feature_names_in_")
        and bool(np.isfinite(X).all())
    )


def is_valid_target(y, n_samples) -> bool:
    """Whether ``y`` is an array of finite numbers, one for each sample."""
    return (
        type(y) is np.ndarray
        and y.shape == (n_samples,)
        and y.dtype.kind in "fiu"
        and bool(np.isfinite(y).all())
    )


_SMALL = 10_000


def _options(options):
    return {"accept_sparse": "csr", "dtype": FLOATS} | options


def check_sample_weight(sample_weight, n_samples):
    """Return the weights as an array of float64, None for None.

    Raises
    ------
    ValueError
        If their number is not that of the samples, or if one is negative or not
        finite.
    """
    if sample_weight is None:
        return None
    if isinstance(sample_weight, Real):
        sample_weight = np.full(n_samples, sample_weight)
    try:
        weights = check_array(
            sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight"
        )
    except (TypeError, ValueError) as error:
        if "sample_weight" in str(error):
            raise
        raise _naming("sample_weight", error) from error
    if weights.shape != (n_samples,):
        raise ValueError(
            f"sample_weight must have shape ({n_samples},), one weight for each "
            f"sample, got {weights.shape}."
        )
    if weights.min() < 0:
        raise ValueError(
            f"sample_weight must not be negative, got {weights.min():g} at index "
            f"{weights.argmin()}."
        )
    return weights


def check_total_weight(sample_weight, dtype) -> None:
    """Raise if the sum of weights that are used as given overflows.

    Raises
    ------
    ValueError
        The message names the largest weight.
    """
    if sample_weight is None:
        return
    with np.errstate(over="ignore"):
        total = np.sum(sample_weight, dtype=float)
    if not total <= np.finfo(dtype).max:
        raise ValueError(
            f"sample_weight is too large: the sum of its values, up to "
            f"{sample_weight.max():g}, overflows in {dtype}."
        )


def drop_weightless(X, y, sample_weight, as_given=True):
    """Return the arrays without the rows whose weights are zero in the dtype of X.

    As they are given, or as fractions of the largest.

    Raises
    ------
    ValueError
        If none is left.
    """
    if sample_weight is None:
        return X, y, None
    largest = 1.0 if as_given else sample_weight.max() or 1.0
    is_kept = (sample_weight / largest).astype(X.dtype) > 0
    if is_kept.all():
        return X, y, sample_weight
    kept = np.flatnonzero(is_kept)
    if not len(kept):
        raise ValueError(
            "sample_weight, times class_weight if there is one, must not be zero for "
            f"all samples, in {X.dtype}."
        )
    return X[kept], y[kept], sample_weight[kept]


def checksums(objective, held_out=None) -> dict[str, tuple]:
    """Return what tells the data of an objective, and of a held-out one, from others.

    For each array its type, its shape and a checksum (CRC-32) of its values.
    """
    sums = _checksums(objective)
    known = {} if held_out is None else _checksums(held_out)
    return sums | {f"{name}_val": known.get(name, ()) for name in sums}


def _checksums(objective):
    X, y, weights = objective.X, objective.y, objective.sample_weight
    arrays = [X.data, X.indices, X.indptr] if sparse.issparse(X) else [X]
    return {
        "X": (X.dtype, X.shape, *map(_checksum, arrays)),
        "y": (y.dtype, y.shape, _checksum(y)),
        "sample_weight": ()
        if weights is None
        else (weights.dtype, weights.shape, _checksum(weights)),
    }


def _checksum(array, size=2**16):
    value = 0
    for start in range(0, len(array), size):
        rows = np.ascontiguousarray(array[start : start + size])
        value = zlib.crc32(rows.data, value)
    return value


def check_same(owner, earlier, now) -> None:
    """Raise if the `checksums` of two calls differ.

    Raises
    ------
    ValueError
        The message names the first array that differs, and how.
    """
    for name, known in earlier.items():
        if now[name] != known:
            raise ValueError(
                f"{owner} cannot go on: {name} is not that of the interrupted fit, "
                f"which was {_described(known)}, got {_described(now[name])}"
                f"{' with other values' if now[name][:2] == known[:2] else ''}. Give "
                "the same data, or begin anew with sklearn.base.clone(estimator)."
            )


def _described(checksum):
    return "{} of shape {}".format(*checksum) if checksum else "None"

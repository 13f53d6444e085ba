"""Whether the objective is level because training is at its end, or because it is slow.

Where columns are nearly collinear, or the rate is far too low, the objective changes by
next to nothing from one epoch to the next and yet is far above its minimum.
"""

import numpy as np
from scipy import sparse
from scipy.linalg import eigh

from ._compiled import full_gradient
from ._objective import standardized

MOST_FEATURES = 300
"""With more the matrix below would cost more than the training."""


def possible_fall(objective, w) -> float:
    """Return by how much the objective is lower at a point found by second order.

    That is the best of a few points along −H⁻¹g, for the gradient g over all samples
    and the second derivative H of half the squared error. For other losses that is no
    Newton step, but whatever point is lower proves that the minimum is. Some thousand
    rows, taken at equal distances, stand for all in H and in the values compared.

    Returns
    -------
    float
        At least 0. It is 0 also with more than `MOST_FEATURES` features, where
        nothing is tried.
    """
    n, d = objective.X.shape
    if d > MOST_FEATURES:
        return 0.0
    w = w.astype(float)
    rows = np.linspace(0, n - 1, min(n, max(2000, 10 * d))).astype(np.intp)
    sample = objective.take(rows)
    with np.errstate(all="ignore"):
        g = full_gradient(objective, w.astype(objective.X.dtype)).astype(float)
        step = -_solve(_second_derivative(sample), g)
        value = sample.value(w)
        falls = [value - sample.value(w + size * step) for size in _SIZES]
    return max(0.0, *np.nan_to_num(falls, nan=0.0, posinf=0.0, neginf=0.0).tolist())


_SIZES = (0.25, 1.0, 4.0, 16.0)


def _second_derivative(sample):
    X = sample.X if sample.units is None else standardized(sample.X, sample.units)
    X = X.toarray() if sparse.issparse(X) else X
    X = X.astype(float)
    if sample.fit_intercept:
        X = np.column_stack([X, np.ones(len(X))])
    weights = sample.sample_weight
    return (X.T if weights is None else X.T * weights) @ X / len(X)


def _solve(H, g):
    """Return H⁻¹g, in the directions in which H is more than rounding."""
    values, vectors = eigh(H)
    known = values > 1e-12 * values[-1]
    V = vectors[:, known]
    return V @ ((V.T @ g).T / values[known]).T

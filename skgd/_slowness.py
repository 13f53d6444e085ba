"""Whether the objective is level because training is at its end, or because it is slow.

Where columns are nearly collinear, or the rate is far too low, the objective changes by
next to nothing from one epoch to the next and yet is far above its minimum.
"""

from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.linalg import eigh

from ._compiled import full_gradient
from ._objective import standardized

MOST_FEATURES = 300
"""With more the matrix below would cost more than the training."""


class SecondLook:
    """Looks for points that are lower than where training is, by second order.

    Parameters
    ----------
    objective : LinearObjective
        Some thousand of its rows, taken at equal distances, stand for all where values
        are compared and in the second derivative H. That is one of half the squared
        error, and of the penalty.
    """

    def __init__(self, objective):
        self._objective = objective
        d = objective.X.shape[1]
        is_small = d <= MOST_FEATURES
        self._sample = objective.sample(max(2000, 10 * d)) if is_small else None

    def possible_fall(self, w) -> float:
        """Return by how much the objective is lower at the best of a few points.

        They lie along −H⁻¹g, with the gradient g over all samples. For other losses
        than the squared error that is no Newton step, but whatever point is lower
        proves that the minimum is. A point out of bounds is moved to them.

        Returns
        -------
        float
            At least 0. It is 0 also with more than `MOST_FEATURES` features, where
            nothing is tried.
        """
        sample = self._sample
        if sample is None:
            return 0.0
        with np.errstate(all="ignore"):
            g = full_gradient(self._objective, w).astype(float)
            w = w.astype(float)
            values, vectors = self._eigenvectors
            step = vectors @ ((vectors.T @ g).T / values).T
            points = [w - size * step for size in _SIZES]
            for point in points:
                sample.prox(point, 0.0)
            falls = sample.value(w) - np.array([sample.value(p) for p in points])
        return max(0.0, *np.nan_to_num(falls, nan=0.0, posinf=0.0, neginf=0.0).tolist())

    @cached_property
    def _eigenvectors(self):
        """Return the eigenvalues of H that are more than rounding, and vectors."""
        values, vectors = eigh(_second_derivative(self._sample))
        known = values > 1e-12 * values[-1]
        return values[known], vectors[:, known]


def _second_derivative(sample):
    X = sample.X if sample.units is None else standardized(sample.X, sample.units)
    X = (X.toarray() if sparse.issparse(X) else X).astype(float)
    if sample.fit_intercept:
        X = np.column_stack([X, np.ones(len(X))])
    weights = sample.sample_weight
    H = (X.T if weights is None else X.T * weights) @ X / len(X)
    at_zero, at_one = np.zeros(sample.shape), np.zeros(sample.shape)
    sample.add_penalty_gradient(at_zero, np.zeros(sample.shape))
    sample.add_penalty_gradient(at_one, np.ones(sample.shape))
    curvature = (at_one - at_zero).reshape(len(H), -1).mean(axis=1)
    return H + np.diag(curvature)


_SIZES = (0.25, 1.0, 4.0, 16.0)

"""Means and deviations of columns, as they come."""

import numpy as np
from scipy import sparse

from ._copying import shallow_copy
from ._core import add_moments


class Moments:
    """Running moments of columns, kept for the values that are not zero.

    Parameters
    ----------
    n_columns : int
    """

    def __init__(self, n_columns):
        self.total = 0.0
        self.table = np.zeros((3, n_columns))

    def copy(self) -> "Moments":
        twin = shallow_copy(self)
        twin.table = self.table.copy()
        return twin

    def add(self, X, sample_weight) -> None:
        """Count some more rows of a C-ordered or CSR ``X``."""
        n = X.shape[0]
        self.total += (
            n if sample_weight is None else float(np.sum(sample_weight, dtype=float))
        )
        step = max(1, _CHUNK * n // (1 + _stored(X)))
        for start in range(0, n, step):
            rows = slice(start, start + step)
            part = X[rows] if step < n else X
            _add_rows(
                part, None if sample_weight is None else sample_weight[rows], self.table
            )

    @property
    def nonzero(self) -> np.ndarray:
        """The share of each column's values that are not zero.

        Sums of the same weights in another order differ by rounding.
        """
        share = self.table[0] / self.total
        return np.where(np.abs(share - 1) < 1e-10, 1.0, share)

    @property
    def mean(self) -> np.ndarray:
        return self.nonzero * self.table[1]

    def square(self, center) -> np.ndarray:
        """Return the mean square about a center, exact also far from zero.

        Not finite if it overflows.
        """
        nonzero = self.nonzero
        with np.errstate(over="ignore", invalid="ignore"):
            distance = np.square(self.table[1] - center)
            spread = self.table[2] / self.total + nonzero * distance
            return spread + (1 - nonzero) * np.square(center)

    @property
    def underflows(self) -> np.ndarray:
        """Whether a column has values other than zero whose squares say nothing."""
        return (self.nonzero > 0) & (self.square(0.0) < np.finfo(float).tiny)


_CHUNK = 2**25
"""Values that are counted between two looks for Ctrl-C."""


def _stored(X):
    return X.nnz if sparse.issparse(X) else X.size


def _add_rows(X, sample_weight, table):
    is_sparse = sparse.issparse(X)
    if is_sparse and not X.has_canonical_format:
        # Entries of the same place are one value: their sum.
        X = X.copy()
        X.sum_duplicates()
    add_moments(
        X.data if is_sparse else X,
        X.indices if is_sparse else None,
        X.indptr if is_sparse else None,
        sample_weight,
        X.shape[0],
        X.shape[1],
        table,
    )

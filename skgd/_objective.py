"""The objective of a linear model: its value, its gradient, its proximal step.

    1/Σs · Σᵢ sᵢ · loss(yᵢ, zᵢ) + alpha · penalty(coef),     z = X coef + intercept

With `Units` the features are standardized where they are read, ``z`` is in the units
of the target, and the weights are those of the standardized features.

The weights are one array ``w`` of shape (n_features + 1,) or
(n_features + 1, n_outputs) whose last row is the intercept; without an
intercept that row is absent. Neither penalty nor weight decay reach it.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from . import _calls
from ._units import Units
from .losses import Loss
from .optimizers import Optimizer
from .penalties import Penalty

_BLOCK = 2**18
"""Elements of X that are read at once where all of it is read in order."""


@dataclass
class LinearObjective:
    """The data and the formula that the weights are to minimise.

    Parameters
    ----------
    X : ndarray or CSR of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Real targets, or −1 and +1; or, with ``n_classes``, integer codes.
    sample_weight : ndarray of shape (n_samples,) or None
        Used as given: a caller whose weights mean proportions scales them to
        mean 1 first.
    loss, penalty : component
    alpha : float
    fit_intercept : bool
    n_classes : int or None, default=None
        The number of columns that class codes stand for.
    units : Units or None, default=None
        Of the dtype of ``X``.
    penalty_unit : float or ndarray of shape (n_outputs,), default=1.0
        What one unit of the penalty of each output is worth in those of the loss.
    """

    X: Any
    y: np.ndarray
    sample_weight: np.ndarray | None
    loss: Loss
    penalty: Penalty
    alpha: float
    fit_intercept: bool
    n_classes: int | None = None
    units: Units | None = None
    penalty_unit: float | np.ndarray = 1.0

    def for_steps(self, optimizer: Optimizer) -> "LinearObjective":
        """Return the objective with the penalty where the optimizer takes it."""
        if not optimizer.proximal:
            return self
        return replace(self, penalty=_calls.as_prox(self.penalty))

    def take(self, rows: np.ndarray) -> "LinearObjective":
        """Return the same objective on a copy of some of the samples."""
        weights = self.sample_weight
        return replace(
            self,
            X=self.X[rows],
            y=self.y[rows],
            sample_weight=None if weights is None else weights[rows],
        )

    def sample(self, n_most: int) -> "LinearObjective":
        """Return the same objective on so many samples at equal distances, or all."""
        n = self.n_samples
        return self.take(np.linspace(0, n - 1, min(n, n_most)).astype(np.intp))

    @property
    def n_samples(self) -> int:
        return self.X.shape[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the weights."""
        outputs = self.y.shape[1:] if self.n_classes is None else (self.n_classes,)
        return (self.X.shape[1] + self.fit_intercept, *outputs)

    def coef(self, w):
        """Return a view of the rows of ``w`` that belong to features."""
        return w[: self.X.shape[1]]

    def gradient(self, w, rows):
        """Return the loss of some rows and the gradient of their mean objective.

        Parameters
        ----------
        w : ndarray of `shape`
        rows : slice or ndarray of int
            The batch. The weighted sum over it is divided by its length, not by
            the sum of its weights: that would be biased towards light rows.

        Returns
        -------
        loss : float
            Weighted sum over the rows, without the penalty.
        g : ndarray of `shape`
        """
        n = len(self.y[rows])
        g = np.zeros_like(w)
        loss = self._add_gradient(g, w, rows, n)
        self.add_penalty_gradient(g, w)
        return loss, g

    def fold(self, w):
        """Return the coefficients and the intercept that ``w`` stands for."""
        if self.units is not None:
            exact, intercept = self.units.fold(w, self.fit_intercept)
            coef = exact.astype(w.dtype, copy=False)
            if coef is not exact:
                # What rounding changes at the center of the data is known.
                intercept = intercept + self.units.center @ (exact - coef)
            return coef, intercept.astype(w.dtype, copy=False)
        coef = self.coef(w)
        return coef, w[-1] if self.fit_intercept else np.zeros(w.shape[1:], w.dtype)

    def unfold(self, coef, intercept):
        """Return the weights that stand for coefficients and an intercept."""
        if self.units is not None:
            return self.units.unfold(coef, intercept, self.fit_intercept)
        last = [np.asarray(intercept)[np.newaxis]] if self.fit_intercept else []
        return np.concatenate([coef, *last])

    def full_gradient(self, w):
        """Return the gradient of the objective over all samples, as one batch.

        ``X`` is read in order, in blocks.
        """
        g = np.zeros_like(w)
        with np.errstate(all="ignore"):
            for rows in self._blocks():
                self._add_gradient(g, w, rows, self.n_samples)
            self.add_penalty_gradient(g, w)
        return g

    def value(self, w) -> float:
        """Return the objective over all samples, in the units of the loss."""
        return self.mean_loss(w) + self.penalty_value(w)

    def mean_loss(self, w) -> float:
        """Return the weighted mean of the loss over all samples, without penalty.

        ``X`` is read in order, in blocks.
        """
        with np.errstate(all="ignore"):
            total = sum(self._loss(w, rows) for rows in self._blocks())
        return total / self.total_weight()

    def in_target_units(self, z):
        """Return raw predictions of the weights as the loss sees them."""
        return z if self.units is None else self.units.offset + self.units.unit * z

    def residual(self, y, z):
        """Return what the gradient is made of: the loss's, in the units of training.

        ``z`` is in the units of the target.
        """
        r = _calls.loss_gradient(self.loss, y, z)
        return r if self.units is None else r * self.units.residual_scale

    def add_penalty_gradient(self, g, w) -> None:
        """Add the gradient of the penalty's smooth part to ``g``."""
        coef = self.coef(g)
        coef += self.alpha * _calls.penalty_gradient(self.penalty, self.coef(w))

    def prox(self, w, step) -> None:
        """Apply the proximal operator of ``step * penalty`` to ``w``, in place.

        ``step`` is a number or an array of the shape of ``w``.
        """
        step = self.alpha * step
        coef = self.coef(w)
        coef[...] = _calls.prox(
            self.penalty, coef, step[: len(coef)] if np.ndim(step) else step
        )

    def project(self, w) -> None:
        """Move ``w`` to the nearest weights that the penalty allows, in place."""
        if self.penalty.has_prox:
            coef = self.coef(w)
            coef[...] = _calls.projection(self.penalty, coef)

    def start_value(self, w) -> float:
        """Return the objective at ``w`` or with weights of zero, if that is more.

        If those cost nothing that is 0, whatever ``w`` costs.
        """
        zero = np.zeros_like(w)
        self.project(zero)  # Bounds may exclude it.
        null = self.null_loss() + self.penalty_value(zero)
        return max(null, self.value(w)) if null and w.any() else null

    def typical_loss(self) -> float:
        """Return what most rows cost at most with weights of zero: 3 times the median.

        Infinite unless it is a loss to which outliers hardly matter, and they the
        greater part of its mean.
        """
        if getattr(self.loss, "start_quantile", None) is None:
            return math.inf
        values = [self._losses_at_zero(rows) for rows in self._blocks()]
        rows = np.concatenate([v.reshape(len(v), -1).sum(axis=1) for v in values])
        median = np.quantile(
            rows, 0.5, weights=self.sample_weight, method="inverted_cdf"
        )
        return 3 * abs(float(median)) or math.inf

    def null_loss(self) -> float:
        """Return the mean loss with weights of zero; ``X`` is not read."""
        with np.errstate(all="ignore"):
            at_zero = sum(
                self._weighted_sum(self._losses_at_zero(rows), rows)
                for rows in self._blocks()
            )
        return at_zero / self.total_weight()

    def squared_row_norms(self) -> np.ndarray:
        """Return the squared lengths of the rows that training sees, in float64."""
        norms = np.full(self.n_samples, float(self.fit_intercept))
        for rows in self._blocks():
            X = self.X[rows].astype(float)
            if self.units is not None:
                X = standardized(X, self.units)
            square = X.multiply(X) if sparse.issparse(X) else X * X
            norms[rows] += np.asarray(square.sum(axis=1)).ravel()
        return norms

    def _losses_at_zero(self, rows):
        y = self._targets(rows)
        z = np.zeros(y.shape, self.X.dtype)
        if self.units is not None:
            z += self.units.offset
        with np.errstate(all="ignore"):
            return _calls.loss_value(self.loss, y, z)

    def penalty_value(self, w) -> float:
        if not self.alpha:
            return 0.0
        coef, unit = self.coef(w), self.penalty_unit
        if np.ndim(unit) == 0:
            return self.alpha * float(unit) * _calls.penalty_value(self.penalty, coef)
        values = [
            _calls.penalty_value(self.penalty.of_output(k), coef[:, k])
            for k in range(coef.shape[1])
        ]
        return self.alpha * float(np.dot(unit, values))

    def total_weight(self) -> float:
        if self.sample_weight is None:
            return float(self.n_samples)
        return float(np.sum(self.sample_weight, dtype=float))

    def _blocks(self):
        size = max(1, _BLOCK * self.n_samples // (self.X.size + self.n_samples))
        starts = range(0, self.n_samples, size)
        return [slice(start, start + size) for start in starts]

    def _loss(self, w, rows) -> float:
        _, y, z = self._predict(w, rows)
        return self._weighted_sum(_calls.loss_value(self.loss, y, z), rows)

    def _add_gradient(self, g, w, rows, n) -> float:
        """Add the loss's part of the gradient, the mean over ``n`` rows, to ``g``."""
        X, y, z = self._predict(w, rows)
        r = self.residual(y, z)
        if self.sample_weight is not None:
            r = (r.T * self.sample_weight[rows]).T
        r = r / n
        coef = self.coef(g)
        coef += X.T @ r
        if self.fit_intercept:
            g[-1] += r.sum(axis=0)
        return self._weighted_sum(_calls.loss_value(self.loss, y, z), rows)

    def _predict(self, w, rows):
        """Return rows as training sees them, their targets and raw predictions."""
        X = self.X[rows]
        if self.units is not None:
            X = standardized(X, self.units)
        z = X @ self.coef(w)
        if self.fit_intercept:
            z += w[-1]
        return X, self._targets(rows), self.in_target_units(z)

    def _targets(self, rows):
        y = self.y[rows]
        if self.n_classes is None:
            return y
        one_hot = np.full((len(y), self.n_classes), -1, dtype=self.X.dtype)
        one_hot[np.arange(len(y)), y] = 1
        return one_hot

    def _weighted_sum(self, values, rows):
        """Return the sum of the losses of some rows."""
        values = values.reshape(len(values), -1).sum(axis=1, dtype=float)
        if self.sample_weight is None:
            return float(values.sum())
        return float(values @ self.sample_weight[rows])


def standardized(X, units):
    """Return rows as training sees them."""
    if not sparse.issparse(X):
        return (X - units.center) * units.inverse_scale
    X = X - _repeated(units.center, X)
    X.data *= units.inverse_scale[X.indices]
    return X


def _repeated(row, X):
    """Return a row as a CSR of the shape and kind of ``X``, the same in all rows."""
    columns = np.flatnonzero(row)
    n = X.shape[0]
    indptr = len(columns) * np.arange(n + 1)
    arrays = np.tile(row[columns], n), np.tile(columns, n), indptr
    return type(X)(arrays, shape=X.shape)

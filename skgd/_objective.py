"""The objective of a linear model: its value, its gradient, its proximal step.

    1/Σs · Σᵢ sᵢ · loss(yᵢ, zᵢ) + alpha · penalty(coef),     z = X coef + intercept

The weights are one array ``w`` of shape (n_features + 1,) or
(n_features + 1, n_outputs) whose last row is the intercept; without an
intercept that row is absent. Neither penalty nor weight decay reach it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .losses import Loss
from .penalties import Penalty


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
    """

    X: Any
    y: np.ndarray
    sample_weight: np.ndarray | None
    loss: Loss
    penalty: Penalty
    alpha: float
    fit_intercept: bool
    n_classes: int | None = None

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
        X, coef = self.X[rows], self.coef(w)
        y, z = self._targets(rows), X @ coef
        if self.fit_intercept:
            z += w[-1]
        loss = self._weighted_sum(self.loss.value(y, z), rows)
        r = self.loss.gradient(y, z)
        if self.sample_weight is not None:
            r = (r.T * self.sample_weight[rows]).T
        r = r / X.shape[0]
        g = np.empty_like(w)
        g[: len(coef)] = X.T @ r
        if self.fit_intercept:
            g[-1] = r.sum(axis=0)
        self.add_penalty_gradient(g, w)
        return loss, g

    def add_penalty_gradient(self, g, w) -> None:
        """Add the gradient of the penalty's smooth part to ``g``."""
        coef = self.coef(g)
        coef += self.alpha * self.penalty.gradient(self.coef(w))

    def prox(self, w, step) -> None:
        """Apply the proximal operator of ``step * penalty`` to ``w``, in place.

        ``step`` is a number or an array of the shape of ``w``.
        """
        step = self.alpha * step
        coef = self.coef(w)
        coef[...] = self.penalty.prox(
            coef, step[: len(coef)] if np.ndim(step) else step
        )

    def sample_loss(self, w) -> float:
        """Return the mean loss of the first samples, at ``w`` or zero if it is more."""
        rows = slice(0, 1000)
        with np.errstate(all="ignore"):
            losses = [self.gradient(v, rows)[0] for v in (w, np.zeros_like(w))]
        return max(losses) / min(1000, self.n_samples)

    def penalty_value(self, w) -> float:
        return self.alpha * self.penalty.value(self.coef(w)) if self.alpha else 0.0

    def total_weight(self) -> float:
        if self.sample_weight is None:
            return float(self.n_samples)
        return float(np.sum(self.sample_weight, dtype=float))

    def _targets(self, rows):
        y = self.y[rows]
        if self.n_classes is None:
            return y
        one_hot = np.full((len(y), self.n_classes), -1, dtype=self.X.dtype)
        one_hot[np.arange(len(y)), y] = 1
        return one_hot

    def _weighted_sum(self, values, rows):
        values = values.reshape(len(values), -1).sum(axis=1, dtype=float)
        if self.sample_weight is None:
            return float(values.sum())
        return float(values @ self.sample_weight[rows])

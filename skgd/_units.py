"""How the numbers of the user and those of training belong together.

Training sees the features ``(X - center) * inverse_scale`` and predicts z for them;
the loss sees ``offset + unit * z``. Nothing is copied: the pass over the data converts
as it reads, and the weights are converted back when they are published.
"""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Units:
    """How the numbers of the user and those of training belong together.

    Attributes
    ----------
    center : ndarray of shape (n_features,)
        Zero for columns that are not centred.
    inverse_scale : ndarray of shape (n_features,)
        Zero for constant columns, which then have no influence.
    offset, unit, residual_scale : ndarray of the shape of one row of the output
        Of shape () or (n_outputs,). The derivative of the loss by the raw
        prediction of the user times ``residual_scale`` is what gradients are made of.
    """

    center: np.ndarray
    inverse_scale: np.ndarray
    offset: np.ndarray
    unit: np.ndarray
    residual_scale: np.ndarray

    def fold(self, w, fit_intercept) -> tuple[np.ndarray, np.ndarray]:
        """Return the coefficients and the intercept that ``w`` stands for.

        Returns
        -------
        coef : ndarray of float64 of shape (n_features, ...)
        intercept : ndarray of float64 of the shape of one row of ``w``
        """
        w = w.astype(float, copy=False)
        coef = self._by_feature(w[: len(self.center)], self.inverse_scale) * self.unit
        intercept = self.offset - self.center @ coef
        if fit_intercept:
            intercept = intercept + self.unit * w[-1]
        return coef, intercept

    def unfold(self, coef, intercept, fit_intercept) -> np.ndarray:
        """Return the weights that stand for coefficients and intercept."""
        scale = inverse(self.inverse_scale)
        coef = coef.astype(float, copy=False)
        w = self._by_feature(coef, scale) / self.unit
        if not fit_intercept:
            return w
        last = (intercept - self.offset + self.center @ coef) / self.unit
        return np.concatenate([w, last[np.newaxis]])

    def for_outputs(self, outputs) -> "Units":
        """Return the same for raw predictions of another shape, as they are."""
        dtype = self.unit.dtype
        ones = np.ones(outputs, dtype)
        offset = np.zeros(outputs, dtype)
        return replace(self, offset=offset, unit=ones, residual_scale=ones)

    @staticmethod
    def _by_feature(coef, factor):
        return coef * (factor if coef.ndim == 1 else factor[:, np.newaxis])


def identity_units(objective) -> Units:
    """Return the units in which the numbers of training are those of the user."""
    d, outputs = objective.X.shape[1], objective.shape[1:]
    ones = np.ones(outputs)
    return Units(np.zeros(d), np.ones(d), np.zeros(outputs), ones, ones)


def same_units(one: Units | None, other: Units | None) -> bool:
    """Return whether two units are equal; None has those of the user."""
    if one is None or other is None or one is other:
        return one is other
    pairs = zip(vars(one).values(), vars(other).values(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def convert(w, old: Units, new: Units, fit_intercept) -> np.ndarray:
    """Return the weights in new units that stand for the same function."""
    moved = new.unfold(*old.fold(w, fit_intercept), fit_intercept)
    return moved.astype(w.dtype)


def inverse(scale):
    with np.errstate(divide="ignore", over="ignore"):
        inverse = 1 / scale.astype(float)
    return np.where(np.isfinite(inverse), inverse, 0.0)

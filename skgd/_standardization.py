"""The units that training works in: standardized features, a target of size 1.

Training sees the features ``(X - center) * inverse_scale`` and predicts z for them;
the loss sees ``offset + unit * z``. Nothing is copied: the pass over the data converts
as it reads, and the weights are converted back when they are published.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from ._core import add_moments
from .losses import ClassificationLoss, Loss, RegressionLoss


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
        coef = self._by_feature(w[: len(self.center)], self.inverse_scale) * self.unit
        intercept = self.offset - self.center.astype(float) @ coef
        if fit_intercept:
            intercept = intercept + self.unit * w[-1].astype(float)
        return coef, intercept

    def unfold(self, coef, intercept, fit_intercept) -> np.ndarray:
        """Return the weights that stand for coefficients and intercept."""
        scale = _inverse(self.inverse_scale)
        w = self._by_feature(coef, scale) / self.unit
        if not fit_intercept:
            return w
        last = (intercept - self.offset + self.center.astype(float) @ coef) / self.unit
        return np.concatenate([w, last[np.newaxis]])

    def for_outputs(self, outputs) -> "Units":
        """Return the same for raw predictions of another shape, as they are."""
        dtype = self.unit.dtype
        ones = np.ones(outputs, dtype)
        offset = np.zeros(outputs, dtype)
        return replace(self, offset=offset, unit=ones, residual_scale=ones)

    @staticmethod
    def _by_feature(coef, factor):
        factor = factor.astype(float)
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


def shallow_copy(instance):
    """Do what `copy.copy` does, in a tenth of the time."""
    twin = object.__new__(type(instance))
    twin.__dict__.update(instance.__dict__)
    return twin


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
        """The share of each column's values that are not zero."""
        return self.table[0] / self.total

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


@dataclass(frozen=True)
class _Scales:
    """Units, and what a penalty is in them; found from ``total`` samples."""

    total: float
    loss: Loss
    units: Units
    alpha_factor: float
    penalty_unit: np.ndarray
    coef_factor: np.ndarray


class Standardizer:
    """What is known of the samples so far, and the units that follow from it.

    In a stream the units follow when a hundredth of the samples is new, or when a
    value is far out: between, finding them would cost more than the step.

    Parameters
    ----------
    objective : LinearObjective
        The first samples, in the units of the user.
    offset : ndarray, default=None
        Where raw predictions start; None: at the best constant, if that is known.
        It stays: another one later would only be another intercept.
    """

    def __init__(self, objective, offset=None):
        self._n_outputs = int(np.prod(objective.shape[1:]))
        self._features = Moments(objective.X.shape[1])
        self._targets = Moments(self._n_outputs)
        self._residuals = Moments(self._n_outputs)
        self._scales: _Scales | None = None
        self.n_samples = 0
        self.offset = offset
        self._add(objective)

    def __setstate__(self, state):
        """Count samples by their weights in a pickle that has not counted them."""
        self.__dict__.update({"n_samples": state["_features"].total} | state)

    def with_more(self, objective) -> "Standardizer":
        """Return what is known after some more samples."""
        known = shallow_copy(self)
        known._features = self._features.copy()
        known._add(objective)
        return known

    def for_outputs(self, outputs) -> "Standardizer":
        """Return the same for a classifier with other columns."""
        known = shallow_copy(self)
        known._n_outputs = int(np.prod(outputs))
        known._targets = known._residuals = Moments(known._n_outputs)
        known.offset = np.zeros(known._n_outputs)
        known._scales = None
        return known

    def apply(self, objective):
        """Return the objective in the units of training."""
        scales = self._scales
        if scales is None or self._is_due(objective, scales):
            self._scales = scales = self._find_scales(objective)
        return replace(
            objective,
            units=scales.units,
            alpha=objective.alpha * scales.alpha_factor,
            penalty=objective.penalty.in_units(scales.coef_factor),
            penalty_unit=scales.penalty_unit,
        )

    def _is_due(self, objective, scales):
        """Whether the units do not fit what is known any more."""
        X = objective.X
        if (
            self._features.total >= 1.01 * scales.total
            or objective.loss is not scales.loss
            or sparse.issparse(X)
            or X.size > 1000
        ):
            return True
        units = scales.units
        return np.abs((X - units.center) * units.inverse_scale).max() > 10

    def _find_scales(self, objective):
        loss, outputs = objective.loss, objective.shape[1:]
        unit, residual_scale = self._target_scales(objective)
        alpha_factor, penalty_unit = 1.0, unit / residual_scale
        if not _shares_units(loss):
            alpha_factor, penalty_unit = float(residual_scale[0]), 1 / residual_scale
        center, scale = self._feature_scales(objective)
        dtype = objective.X.dtype
        units = Units(
            center=center,
            inverse_scale=_inverse(scale).astype(dtype),
            offset=self.offset.reshape(outputs).astype(dtype),
            unit=unit.reshape(outputs).astype(dtype),
            residual_scale=residual_scale.reshape(outputs).astype(dtype),
        )
        return _Scales(
            total=self._features.total,
            loss=loss,
            units=units,
            alpha_factor=alpha_factor,
            penalty_unit=penalty_unit.reshape(outputs),
            coef_factor=np.multiply.outer(units.inverse_scale, units.unit),
        )

    def _add(self, objective):
        self.n_samples += objective.n_samples
        self._features.add(objective.X, objective.sample_weight)
        if isinstance(objective.loss, RegressionLoss):
            self._targets, self._residuals = (
                self._targets.copy(),
                self._residuals.copy(),
            )
            self._add_regression(objective)
        elif self.offset is None:
            self._add_classification(objective)

    def _add_regression(self, objective):
        """Count targets, and the gradient of the loss at their mean."""
        loss, shape = objective.loss, (-1, self._n_outputs)
        for y, weights in _chunks(objective):
            self._targets.add(y.reshape(shape), weights)
        start = np.zeros(shape[1])
        if objective.fit_intercept:
            start = np.atleast_1d(loss.link(self._targets.mean))
        if self.offset is None:
            self.offset = start
            if objective.fit_intercept:
                self.offset = start + _ASIDE * self._unit(objective)
        for y, weights in _chunks(objective):
            z = np.broadcast_to(start, (len(y), shape[1]))
            with np.errstate(all="ignore"):
                r = loss.gradient(y, z.reshape(y.shape)).reshape(shape)
            self._residuals.add(np.ascontiguousarray(r), weights)

    def _add_classification(self, objective):
        """Settle where raw predictions start, from the shares of the classes."""
        k = self._n_outputs
        binary = objective.n_classes is None
        codes = (objective.y > 0).astype(np.intp) if binary else objective.y
        counts = np.bincount(
            codes, objective.sample_weight, minlength=2 if binary else k
        )
        p = counts / counts.sum()
        link = getattr(objective.loss, "link", None)
        if link is None or not objective.fit_intercept or not p.all():
            self.offset = np.zeros(k)
        else:
            start = np.atleast_1d(link(p[1] if binary else p))
            self.offset = start + (_ASIDE if binary else 0.0)

    def _target_scales(self, objective):
        """Return the unit of raw predictions and the factor on residuals."""
        ones = np.ones(self._n_outputs)
        if isinstance(objective.loss, ClassificationLoss):
            return ones, ones
        unit = self._unit(objective)
        residual = np.sqrt(self._residuals.square(0.0))
        known = (unit > 0) & (residual > 0)
        residual = np.where(known, residual, 1.0)
        if not _shares_units(objective.loss):
            return ones, np.full_like(ones, 1 / residual.mean())
        return np.where(known, unit, 1.0), 1 / residual

    def _unit(self, objective):
        """Return the deviation of each target, one if raw predictions are others."""
        mean = self._targets.mean
        center = mean if objective.fit_intercept else np.zeros_like(mean)
        unit = _spread("y", self._targets, center, np.float64)
        return unit if _shares_units(objective.loss) else np.ones_like(mean)

    def _feature_scales(self, objective):
        """Return center and scale of each column, the scale 0 where it is constant.

        A column of mostly zeros is not centred, so that a sparse one stays sparse,
        and its scale is that of the values that are not zero: with a standard
        deviation, a word or a category would count the more the rarer it is.
        """
        features, dtype = self._features, objective.X.dtype
        nonzero, is_centred = features.nonzero, np.zeros(objective.X.shape[1], bool)
        if objective.fit_intercept:
            is_centred = nonzero > 0.5
        center = np.where(is_centred, features.mean, 0.0).astype(dtype)
        scale = _spread("X", features, center.astype(float), dtype)
        scale[~is_centred] /= np.sqrt(np.where(nonzero > 0, nonzero, 1))[~is_centred]
        return center, scale


_ASIDE = 0.01
"""How far from the best constant training starts, in its units.

Exactly there the gradient of the intercept would be nothing but rounding errors, of
which optimizers that normalise gradients make whole steps. Several classes start at
their shares: any order of them would make a label more than a name.
"""


def _shares_units(loss):
    """Whether raw predictions are in the units of the target."""
    cls = type(loss)
    return (
        isinstance(loss, RegressionLoss)
        and cls.link is RegressionLoss.link
        and cls.inverse_link is RegressionLoss.inverse_link
    )


def _spread(name, moments, center, dtype):
    """Return the root mean square about a center, 0 where it is only rounding."""
    square = moments.square(center)
    if not np.isfinite(square).all():
        raise ValueError(
            f"column {int((~np.isfinite(square)).argmax())} of {name} has values whose "
            "squares overflow: standardize=True cannot take them."
        )
    spread = np.sqrt(square)
    rounding = 10 * np.finfo(dtype).eps * np.abs(moments.mean)
    return np.where((spread > rounding) | (center == 0), spread, 0.0)


def _inverse(scale):
    with np.errstate(divide="ignore", over="ignore"):
        inverse = 1 / scale.astype(float)
    return np.where(np.isfinite(inverse), inverse, 0.0)


def _chunks(objective, size=2**16):
    for start in range(0, objective.n_samples, size):
        rows = slice(start, start + size)
        weights = objective.sample_weight
        y = np.ascontiguousarray(objective.y[rows], dtype=float)
        yield y, None if weights is None else weights[rows]

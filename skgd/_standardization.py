"""Which units training works in: standardized features, a target of size 1."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from ._calls import loss_gradient
from ._component import fingerprint
from ._copying import shallow_copy
from ._moments import Moments
from ._units import Units, inverse
from .losses import ClassificationLoss, Loss, RegressionLoss


@dataclass(frozen=True)
class _Scales:
    """Units, and what a penalty is in them; found from ``total`` samples."""

    total: float
    loss: Loss
    units: Units
    alpha_factor: float
    penalty_unit: np.ndarray
    coef_factor: np.ndarray
    is_ignored: np.ndarray
    """Columns of X that are not constant, and that the dtype cannot make use of."""


class Standardizer:
    """What is known of the samples so far, and the units that follow from it.

    In a stream the units follow when a hundredth of the samples is new, or when a
    value is far out. Until then single rows wait to be counted: that, and finding the
    units, would cost more than the step.

    Parameters
    ----------
    objective : LinearObjective
        The first samples, in the units of the user.
    offset : ndarray, default=None
        Where raw predictions start; None: at the best constant, if that is known.
        It stays: another one later would only be another intercept.
    """

    _waiting: tuple[tuple[np.ndarray, np.ndarray], ...] = ()
    """Rows and targets that are not counted yet."""

    _n_waiting: int = 0
    """The number of those rows."""

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
        """Count samples by their weights in a pickle that has not counted them.

        Units that know less than those of today are found anew.
        """
        self.__dict__.update({"n_samples": state["_features"].total} | state)
        if self._scales is not None and not hasattr(self._scales, "is_ignored"):
            self._scales = None

    def with_more(self, objective) -> "Standardizer":
        """Return what is known after some more samples."""
        known = self.with_waiting(objective)
        if known is None:
            known = shallow_copy(self)
            known._features = self._features.copy()
            known._waiting, known._n_waiting = (), 0
            if self._waiting:
                X, y = map(np.concatenate, zip(*self._waiting, strict=True))
                known._add(replace(objective, X=X, y=y, sample_weight=None))
            known._add(objective)
        return known

    def with_waiting(self, objective) -> "Standardizer | None":
        """Return the same with some more rows that wait; None if the units are due."""
        n_waiting = self._n_waiting + objective.n_samples
        if (
            objective.sample_weight is not None
            or n_waiting > _MOST_WAITING
            or self._scales is None
            or self._is_due(objective, self._scales, n_waiting)
        ):
            return None
        known = shallow_copy(self)
        known._waiting = (*self._waiting, (objective.X.copy(), objective.y.copy()))
        known._n_waiting = n_waiting
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

    def complaints(self, last, names=None) -> list[str]:
        """Return what the user should know of the units that `apply` found.

        Parameters
        ----------
        last : Standardizer or None
            Before the samples of this call: what was said of it is not said again.
        names : sequence of str or None
            Of the columns of X.
        """
        scales, before = self._scales, last and last._scales
        if scales is None or scales is before:
            return []
        found = [] if before is None else _jumps(before, scales, names)
        is_new = scales.is_ignored & ~(before.is_ignored if before else False)
        if not is_new.any():
            return found
        columns = _named(np.flatnonzero(is_new), "X", names)
        return [
            *found,
            f"standardize=True gives {columns} the coefficient 0: the numbers differ "
            f"by no more than their rounding to {scales.units.center.dtype}, or are "
            "too small for it. Subtract a constant from them before they are rounded, "
            "or multiply them by one.",
        ]

    def _is_due(self, objective, scales, n_waiting=0):
        """Whether the units do not fit what is known any more."""
        X = objective.X
        if (
            self._features.total + n_waiting >= 1.01 * scales.total
            or fingerprint(objective.loss) != fingerprint(scales.loss)
            or sparse.issparse(X)
            or X.size > 1000
        ):
            return True
        z = ((X - scales.units.center) * scales.units.inverse_scale).ravel()
        # The sum of squares is the quicker bound.
        return not z.dot(z) <= _FAR_OUT**2 and np.abs(z).max() > _FAR_OUT

    def _find_scales(self, objective):
        loss, outputs = objective.loss, objective.shape[1:]
        unit, residual_scale = self._target_scales(objective)
        alpha_factor, penalty_unit = 1.0, unit / residual_scale
        if not _shares_units(loss):
            unit_of_loss = self._unit_of_loss(loss)
            alpha_factor = float(residual_scale[0] * unit_of_loss[0])
            penalty_unit = 1 / residual_scale
        dtype = objective.X.dtype
        _check_representable(unit, residual_scale, dtype)
        center, scale, is_ignored = self._feature_scales(objective, unit.max())
        units = Units(
            center=center,
            inverse_scale=inverse(scale).astype(dtype),
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
            is_ignored=is_ignored,
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
        """Count targets, and the gradient of the loss at their mean.

        For a loss to which outliers hardly matter they count as if at a fence.
        """
        loss, shape = objective.loss, (-1, self._n_outputs)
        fences = _fences(objective)
        for y, weights in _chunks(objective):
            y = y.reshape(shape)
            self._targets.add(y if fences is None else np.clip(y, *fences), weights)
        start = np.zeros(shape[1])
        if objective.fit_intercept:
            start = np.atleast_1d(loss.link(self._targets.mean))
        if self.offset is None:
            self.offset = start
            if objective.fit_intercept and loss.start_quantile is not None:
                self.offset = _quantiles(objective, loss.start_quantile)
            if objective.fit_intercept:
                self.offset = self.offset + _ASIDE * self._unit(objective)
        for y, weights in _chunks(objective):
            z = np.broadcast_to(start, (len(y), shape[1]))
            with np.errstate(all="ignore"):
                r = loss_gradient(loss, y, z.reshape(y.shape)).reshape(shape)
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
            unit_of_loss = self._unit_of_loss(objective.loss)
            common = (residual / unit_of_loss).mean()
            return ones, 1 / (common * unit_of_loss)
        return np.where(known, unit, 1.0), 1 / residual

    def _unit_of_loss(self, loss):
        """Return what the penalty of each output is multiplied by, with a link."""
        if isinstance(loss, ClassificationLoss):
            return np.ones(self._n_outputs)
        return loss.unit_at(self._targets.mean)

    def _unit(self, objective):
        """Return the deviation of each target, one if raw predictions are others."""
        mean = self._targets.mean
        center = mean if objective.fit_intercept else np.zeros_like(mean)
        underflows = self._targets.underflows
        if underflows.any():
            raise ValueError(
                f"column {int(underflows.argmax())} of y has values whose squares "
                "underflow: standardize=True cannot take them. Multiply y by a "
                "constant."
            )
        unit = _spread("y", self._targets, center, np.float64)
        return unit if _shares_units(objective.loss) else np.ones_like(mean)

    def _feature_scales(self, objective, unit):
        """Return center and scale of each column, and which are not made use of.

        The scale is 0 where a column is constant, and where it is not made use of.
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
        with np.errstate(divide="ignore", over="ignore"):
            coef = 10 * max(unit, 1.0) / scale
        is_ignored = (scale == 0) & (features.table[2] > 0) | features.underflows
        is_ignored |= (scale > 0) & (coef > np.finfo(dtype).max)
        return center, np.where(is_ignored, 0.0, scale), is_ignored


_FAR_OUT = 10.0
"""A value that many times its column's scale is the reason to find units anew."""

_MOST_WAITING = 64
"""Rows that wait to be counted at once."""

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
    rounding = np.finfo(dtype).eps * np.abs(moments.mean)
    return np.where((spread > rounding) | (center == 0), spread, 0.0)


def _fences(objective):
    """Return how low and how high the targets of a chunk count; None: as they are.

    Three times the distance of the quartiles beyond them: of 400,000 normal numbers
    one is farther out (J. W. Tukey, "Exploratory Data Analysis", 1977).
    """
    if objective.loss.start_quantile is None or objective.n_samples < _FEWEST_FENCED:
        return None
    low, high = _quantiles(objective, 0.25), _quantiles(objective, 0.75)
    with np.errstate(over="ignore"):
        reach = 3 * (high - low)
    reach[reach == 0] = np.inf
    return low - reach, high + reach


_FEWEST_FENCED = 20
"""Quartiles of fewer targets say too little of where an outlier begins."""


def _quantiles(objective, level):
    """Return the quantile of each target; weights are numbers of samples."""
    y = objective.y.reshape(objective.n_samples, -1).astype(float)
    # With a method for weights, also without them: a weight of 2 is the sample twice.
    return np.quantile(
        y, level, axis=0, weights=objective.sample_weight, method="inverted_cdf"
    )


def _check_representable(unit, residual_scale, dtype):
    """Raise if the dtype of X has no such numbers."""
    limits = np.finfo(dtype)
    sizes = np.stack([unit, residual_scale])
    fits = ((sizes >= limits.tiny) & (sizes <= limits.max)).all(axis=0)
    if not fits.all():
        column = int((~fits).argmax())
        raise ValueError(
            f"column {column} of y has a deviation of {unit[column]:g}, which is "
            f"beyond {dtype}, the dtype of X: standardize=True cannot take it. "
            "Multiply y by a constant, or pass X as float64."
        )


def _jumps(before, after, names):
    """Return what to say of columns that are much farther apart than before."""
    if before.total < _ENOUGH:
        return []
    with np.errstate(all="ignore"):
        of_X = before.units.inverse_scale / after.units.inverse_scale
        of_y = np.ravel(
            np.maximum(
                after.units.unit / before.units.unit,
                before.units.residual_scale / after.units.residual_scale,
            )
        )
    of_X = np.where(after.units.inverse_scale > 0, of_X, 0)
    return [
        f"The deviation of {_named(np.flatnonzero(growth > _JUMP), array, known)} has "
        f"become up to {growth.max():.2g} times what it was, within one call. If that "
        "is an error in some of its rows, train a new model without it, or go on from "
        "a copy from before this call: this one remembers it for long. The same if "
        "units have changed."
        for growth, array, known in ((of_X, "X", names), (of_y, "y", None))
        if (growth > _JUMP).any()
    ]


_JUMP = 100.0
"""A deviation that becomes that many times as large has a cause worth knowing."""

_ENOUGH = 20
"""Samples before which deviations say little."""


def _named(columns, array, names=None):
    """Return columns in words, at most three of them."""
    shown = [repr(str(names[j])) if names is not None else str(j) for j in columns[:3]]
    more = f" and {len(columns) - 3} more" if len(columns) > 3 else ""
    return f"column{'s' * (len(columns) > 1)} {', '.join(shown)}{more} of {array}"


def _chunks(objective, size=2**16):
    for start in range(0, objective.n_samples, size):
        rows = slice(start, start + size)
        weights = objective.sample_weight
        y = np.ascontiguousarray(objective.y[rows], dtype=float)
        yield y, None if weights is None else weights[rows]

"""The check of losses."""

import numpy as np

from ..losses import ClassificationLoss, Loss
from ._settings import call, no_warnings, require, require_real, settings_kept

TARGETS = (-4.0, -1.0, -0.25, 0.0, 0.125, 0.25, 0.5, 0.75, 1.0, 2.0, 4.0)
PREDICTIONS = np.arange(-4, 4.25, 0.25)
LARGEST = {np.float32: 3e38, np.float64: 1e300}


def check_loss(loss):
    """Raise an AssertionError if a loss does not keep the contract of `Loss`.

    It must store nothing but its parameters. ``value`` and ``gradient`` must have
    the shape and the dtype of ``z``, for ``(n,)`` and ``(n, 3)``, float32 and
    float64; treat each row by itself; repeat; and not write to their arguments.
    ``gradient`` must be the numerical derivative of ``value``, at a kink a number
    between the one-sided derivatives. Predictions and targets up to 1e300 (3e38
    in float32) must give finite results without a warning; `saturating` helps.
    ``inverse_link``, where there is one, must be finite and nondecreasing, and
    for a `ClassificationLoss` within [0, 1]. ``link`` must be its inverse.

    Parameters
    ----------
    loss : RegressionLoss or ClassificationLoss
        An instance. Regression losses are checked for targets within their
        ``target_range``.

    Raises
    ------
    AssertionError
        The message names the method, the point and what was expected.

    Examples
    --------
    The expectile loss, an asymmetric squared error:

    >>> import numpy as np
    >>> from skgd.losses import RegressionLoss, saturating
    >>> class Expectile(RegressionLoss):
    ...     def __init__(self, level=0.5):
    ...         self.level = level
    ...
    ...     @saturating
    ...     def value(self, y, z):
    ...         return np.where(y > z, self.level, 1 - self.level) * (y - z) ** 2
    ...
    ...     @saturating
    ...     def gradient(self, y, z):
    ...         return 2 * np.where(y > z, self.level, 1 - self.level) * (z - y)
    >>> check_loss(Expectile(level=0.75))
    >>> Expectile(level=0.75).value(np.array([2.0, -2.0]), np.zeros(2))
    array([3., 1.])
    """
    with settings_kept(loss, Loss):
        for columns in (None, 3):
            for dtype in (np.float32, np.float64):
                y, z = _samples(loss, dtype, columns)
                _check_arrays(loss, y, z)
                _check_rows(loss, y, z)
                _check_inverse_link(loss, z)
                _check_extremes(loss, dtype, columns)
            _check_derivative(loss, y, z)
        _check_link(loss)


def _samples(loss, dtype, columns):
    """Return targets and predictions: round numbers, where kinks are, and others."""
    rng = np.random.default_rng(0)
    targets = _targets(loss, TARGETS)
    y, z = map(np.ravel, np.meshgrid(targets, PREDICTIONS))
    y = np.concatenate([y, y])
    z = np.concatenate([z, z + rng.normal(scale=0.5, size=len(z))])
    return _in_columns(loss, y, z, dtype, columns, rng)


def _targets(loss, candidates):
    if isinstance(loss, ClassificationLoss):
        return [-1.0, 1.0]
    accepted = [y for y in candidates if loss.target_range.accepts(y)]
    require(
        accepted,
        f"{type(loss).__name__}.target_range has none of the targets {candidates}.",
    )
    return accepted


def _in_columns(loss, y, z, dtype, columns, rng):
    if columns is not None:
        order = np.stack([rng.permutation(len(z)) for _ in range(columns)], axis=1)
        y, z = y[order], z[order]
        if isinstance(loss, ClassificationLoss):
            y = np.full(z.shape, -1.0)
            y[np.arange(len(y)), rng.integers(columns, size=len(y))] = 1
    return y.astype(dtype), z.astype(dtype)


def _check_arrays(loss, y, z):
    name = type(loss).__name__
    for method, shapes in (("value", (z.shape, z.shape[:1])), ("gradient", (z.shape,))):
        result = call(loss, method, y, z)
        require(
            isinstance(result, np.ndarray) and result.shape in shapes,
            f"{name}.{method} must return an array of shape {shapes[0]} for z of "
            f"that shape, got {np.shape(result)}.",
        )
        require(
            result.dtype == z.dtype,
            f"{name}.{method} must return {z.dtype} for {z.dtype}, got {result.dtype}.",
        )
        require(
            np.isfinite(result).all(), f"{name}.{method} is not finite for moderate z."
        )


def _check_rows(loss, y, z):
    """Every seventh row alone must give what it gives among the others."""
    for method in ("value", "gradient"):
        among = getattr(loss, method)(y, z)
        alone = getattr(loss, method)(y[3::7], z[3::7])
        tolerance = 100 * np.finfo(z.dtype).eps * (1 + np.abs(among).max())
        require(
            np.shape(alone) == among[3::7].shape
            and np.allclose(alone, among[3::7], rtol=0, atol=tolerance),
            f"{type(loss).__name__}.{method}: the result of a row depends on others.",
        )


def _check_derivative(loss, y, z):
    """`gradient` must lie between the backward and the forward difference.

    Up to their own error these enclose the derivative where it is continuous,
    and at a kink the interval of the subgradients.
    """
    gradient = loss.gradient(y, z)
    size = np.abs(loss.value(y, z)).reshape(len(z), -1).sum(axis=1)
    for column in np.ndindex(z.shape[1:]):
        at = (slice(None), *column)
        backward, forward = (_difference(loss, y, z, at, h) for h in (-1e-5, 1e-5))
        error = 1e-6 * (1 + size + np.abs(backward) + np.abs(forward))
        low = np.minimum(backward, forward) - error
        high = np.maximum(backward, forward) + error
        wrong = (gradient[at] < low) | (gradient[at] > high)
        if wrong.any():
            i = int(np.argmax(wrong))
            raise AssertionError(
                f"{type(loss).__name__}.gradient is not the derivative of value: for "
                f"y={y[i]} and z={z[i]} the differences of value are {backward[i]:.6g} "
                f"and {forward[i]:.6g}, the gradient is {gradient[at][i]:.6g}."
            )


def _difference(loss, y, z, at, h):
    moved = z.copy()
    moved[at] += h
    change = loss.value(y, moved) - loss.value(y, z)
    return change.reshape(len(z), -1).sum(axis=1) / (moved[at] - z[at])


def _check_inverse_link(loss, z):
    if not hasattr(loss, "inverse_link"):
        return
    what = f"{type(loss).__name__}.inverse_link"
    extremes = _extremes(z.dtype.type)
    if z.ndim == 1:
        z = np.sort(np.concatenate([z, extremes]))
    with no_warnings(what):
        result = call(loss, "inverse_link", z)
    require(
        isinstance(result, np.ndarray)
        and result.shape == z.shape
        and result.dtype == z.dtype,
        f"{what} must keep shape {z.shape} and {z.dtype}, got {result!r}.",
    )
    require(np.isfinite(result).all(), f"{what} is not finite.")
    require(z.ndim > 1 or (np.diff(result) >= 0).all(), f"{what} decreases.")
    if isinstance(loss, ClassificationLoss):
        inside = (result >= 0).all() and (result <= 1).all()
        require(inside, f"{what} is not within [0, 1].")


def _check_link(loss):
    if not hasattr(loss, "link"):
        return
    for mean in _means(loss):
        what = f"{type(loss).__name__}.link"
        with no_warnings(what):
            z = np.atleast_1d(require_real(loss.link(mean), what))
        # Classes are the columns of one row, all else are rows.
        has_columns = isinstance(loss, ClassificationLoss) and np.ndim(mean) == 1
        back = loss.inverse_link(z[np.newaxis] if has_columns else z)
        require(
            z.dtype == np.float64 and np.allclose(back, mean, rtol=1e-9, atol=0),
            f"{what} is not the inverse of inverse_link: it gives "
            f"{z} for {mean}, and inverse_link gives {back} for that.",
        )


def _means(loss):
    """Yield what `link` may be given: means, or one probability, or one of each."""
    if isinstance(loss, ClassificationLoss):
        yield from np.array([1e-6, 0.25, 0.5, 0.875])
        yield np.array([0.5, 0.375, 0.125])
    else:
        targets = np.array(_targets(loss, TARGETS))
        yield targets[targets != 0]


def _check_extremes(loss, dtype, columns):
    rng = np.random.default_rng(0)
    targets = _targets(loss, [*_extremes(dtype).tolist(), *TARGETS])
    y, z = map(np.ravel, np.meshgrid(np.asarray(targets), _extremes(dtype)))
    y, z = _in_columns(loss, y, z, dtype, columns, rng)
    for method in ("value", "gradient"):
        what = f"{type(loss).__name__}.{method} on extreme inputs"
        with no_warnings(what):
            result = getattr(loss, method)(y, z)
        finite = np.isfinite(result).reshape(len(z), -1).all(axis=1)
        i = int(np.argmin(finite))
        require(
            finite.all(),
            f"{what} is not finite: {result[i]} for y={y[i]}, z={z[i]}.",
        )


def _extremes(dtype):
    sizes = [0, 1e-30, 1, 1e3, 1e10, LARGEST[dtype]]
    return np.array([-size for size in sizes] + sizes, dtype)

"""The check of penalties."""

from numbers import Real

import numpy as np

from ..penalties import Penalty
from ._settings import call, no_warnings, require, settings_kept

LARGEST = {np.float32: 3e38, np.float64: 1e300}


def check_penalty(penalty, *, shapes=((5,), (5, 3))):
    """Raise an AssertionError if a penalty does not keep the contract of `Penalty`.

    It must store nothing but its parameters. ``gradient`` and ``prox`` must have
    the shape and the dtype of ``w``, repeat, and not write to their arguments.
    ``prox(w, 0)`` must be the nearest point of finite penalty, which is ``w``
    itself where there are no bounds. ``value``, ``gradient`` and ``prox`` must belong
    together: with scalar and vector steps ``s``, the iteration

    ``u ← prox(u − s (u − a + gradient(u)), s)``

    must end at the minimiser of ½‖u − a‖² + ``value(u)``, a convex function;
    the check looks for a lower point nearby. Coefficients up to 1e300 (3e38 in
    float32) must give neither NaN nor a warning. ``in_units(factor)`` must be the
    same penalty for factors of 1, and have a finite value where ``value`` has one for
    the coefficients ``factor * w``. ``as_prox()`` must be the same penalty, and keep
    what is said here.

    Parameters
    ----------
    penalty : Penalty
        An instance.
    shapes : iterable of tuple of int, default=((5,), (5, 3))
        The shapes of the coefficients, for penalties that have arrays as
        parameters.

    Raises
    ------
    AssertionError
        The message names the method and what was expected.

    Examples
    --------
    An L1 norm of the distance from 1, for coefficients that are factors:

    >>> import numpy as np
    >>> from skgd.penalties import Penalty, soft_threshold
    >>> class L1FromOne(Penalty):
    ...     def value(self, w):
    ...         return float(np.sum(np.abs(w - 1), dtype=np.float64))
    ...
    ...     def prox(self, w, step):
    ...         return 1 + soft_threshold(w - 1, step)
    >>> check_penalty(L1FromOne())
    >>> L1FromOne().prox(np.array([-1.0, 0.75, 3.0]), 0.5)
    array([-0.5,  1. ,  2.5])
    """
    with settings_kept(penalty, Penalty):
        for shape in shapes:
            _check(penalty, shape)
            as_prox = _as_prox(penalty, shape)
            if as_prox is not penalty:
                _check(as_prox, shape)


def _check(penalty, shape):
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        w = rng.normal(scale=2, size=shape).astype(dtype)
        _check_arrays(penalty, w)
        _check_projection(penalty, w)
        _check_extremes(penalty, w)
    for scale in (0.5, 2.0, 8.0):
        _check_minimiser(penalty, rng.normal(scale=scale, size=shape), rng)
    _check_units(penalty, w, rng)


def _as_prox(penalty, shape):
    what = f"{type(penalty).__name__}.as_prox"
    same = penalty.as_prox()
    require(isinstance(same, Penalty), f"{what} must return a Penalty, got {same!r}.")
    w = np.random.default_rng(1).normal(scale=2, size=shape)
    w = penalty.prox(w, 0.0)
    require(
        np.isclose(same.value(w), penalty.value(w), rtol=1e-12),
        f"{what} is another penalty: {same.value(w)!r} instead of "
        f"{penalty.value(w)!r} for w={w.tolist()}.",
    )
    return same


def _check_arrays(penalty, w):
    name = type(penalty).__name__
    value = call(penalty, "value", w)
    require(
        isinstance(value, Real), f"{name}.value must be a real number, got {value!r}."
    )
    steps = (0.0, 0.5, np.float64(0.5), np.full(w.shape, 0.5, w.dtype))
    results = [call(penalty, "prox", w, step) for step in steps]
    for method, result in (
        ("gradient", call(penalty, "gradient", w)),
        *(("prox", result) for result in results),
    ):
        require(
            isinstance(result, np.ndarray) and result.shape == w.shape,
            f"{name}.{method} must return an array of the shape of w, {w.shape}, "
            f"got {np.shape(result)}.",
        )
        require(
            result.dtype == w.dtype,
            f"{name}.{method} must return {w.dtype} for {w.dtype}, got {result.dtype}.",
        )
    require(
        np.allclose(results[1], results[3], rtol=1e-6, atol=1e-6),
        f"{name}.prox with a vector of equal steps differs from that with a number.",
    )


def _check_projection(penalty, w):
    name = type(penalty).__name__
    nearest = penalty.prox(w, 0.0)
    require(
        np.isfinite(penalty.value(nearest)),
        f"{name}.prox(w, 0) is a point of infinite value.",
    )
    tolerance = 10 * np.finfo(w.dtype).eps * (1 + np.abs(w))
    require(
        (np.abs(penalty.prox(nearest, 0.0) - nearest) <= tolerance).all(),
        f"{name}.prox(w, 0) moves a point that it has returned.",
    )
    require(
        not np.isfinite(penalty.value(w)) or (np.abs(nearest - w) <= tolerance).all(),
        f"{name}.prox(w, 0) must be w where value(w) is finite.",
    )


def _check_units(penalty, w, rng):
    what = f"{type(penalty).__name__}.in_units"
    same = penalty.in_units(np.ones_like(w))
    require(isinstance(same, Penalty), f"{what} must return a Penalty, got {same!r}.")
    require(
        same.value(w) == penalty.value(w)
        and np.array_equal(same.prox(w, 0.5), penalty.prox(w, 0.5)),
        f"{what} of ones is another penalty.",
    )
    factor = rng.uniform(0.25, 4, size=w.shape).astype(w.dtype)
    inside = penalty.in_units(factor)
    tolerance = 10 * np.finfo(w.dtype).eps * (1 + np.abs(w))
    coef = factor * inside.prox(w, 0.0)
    require(
        (np.abs(penalty.prox(coef, 0.0) - coef) <= 4 * tolerance).all(),
        f"{what}(factor) allows weights whose coefficients value does not allow.",
    )
    allowed = penalty.prox(w, 0.0) / factor
    require(
        (np.abs(inside.prox(allowed, 0.0) - allowed) <= 4 * tolerance).all(),
        f"{what}(factor) does not allow weights whose coefficients value allows.",
    )
    nothing = penalty.in_units(np.zeros_like(w)).prox(w, 0.5)
    require(np.isfinite(nothing).all(), f"{what}(0).prox is not finite.")


def _check_extremes(penalty, w):
    name = type(penalty).__name__
    largest = LARGEST[w.dtype.type]
    for size in (0.0, 1e-30, 1e10, largest):
        extreme = np.sign(w) * w.dtype.type(size)
        with no_warnings(f"{name} on coefficients of size {size:g}"):
            results = [penalty.value(extreme), penalty.gradient(extreme)]
            for step in (0.0, 1e-30, 1.0, 1e10):
                proximal = penalty.prox(extreme, step)
                results.append(proximal)
                require(
                    penalty.value(proximal) < np.inf,
                    f"{name}.prox returns a point of infinite value for "
                    f"coefficients of size {size:g}.",
                )
        require(
            not any(np.isnan(result).any() for result in results),
            f"{name} returns NaN for coefficients of size {size:g}.",
        )


def _check_minimiser(penalty, a, rng):
    name = type(penalty).__name__
    longest = 1 / (1 + _curvature(penalty, a, rng))
    for what, step in (
        ("a step", 0.75 * longest),
        ("a smaller step", 0.25 * longest),
        ("a vector step", longest * rng.uniform(0.25, 0.75, size=a.shape)),
    ):
        u = _proximal_gradient(penalty, a, step)

        def objective(u):
            return 0.5 * np.sum((u - a) ** 2) + penalty.value(u)

        reached = objective(u)
        lower = min(map(objective, _nearby(u, rng)))
        require(
            reached - lower <= 1e-10 * (1 + abs(reached)),
            f"{name}: value, gradient and prox do not belong together. With {what} the "
            f"proximal gradient method for ½‖u − a‖² + value(u) ends at "
            f"{reached:.10g}, but {lower:.10g} is near; a={a.tolist()}.",
        )


def _curvature(penalty, a, rng):
    """Return an estimate of the Lipschitz constant of the gradient."""
    pairs = [a + rng.normal(size=(2, *a.shape)) for _ in range(20)]
    changes = [
        np.linalg.norm(penalty.gradient(u) - penalty.gradient(v))
        / np.linalg.norm(u - v)
        for u, v in pairs
    ]
    return max(changes)


def _proximal_gradient(penalty, a, step):
    u = penalty.prox(a, 0.0)
    for _ in range(5000):
        before = u
        u = penalty.prox(u - step * (u - a + penalty.gradient(u)), step)
        if np.abs(u - before).max() <= 1e-12 * (1 + np.abs(u).max()):
            return u
    raise AssertionError(
        f"{type(penalty).__name__}: value, gradient and prox do not belong together. "
        "The proximal gradient method does not converge."
    )


def _nearby(u, rng):
    """Yield points around ``u``: along each coordinate, at zero, and at random."""
    for i in np.ndindex(u.shape):
        for move in (*np.logspace(-4, 1, 11), *-np.logspace(-4, 1, 11), -u[i]):
            point = u.copy()
            point[i] += move
            yield point
    for size in np.logspace(-4, 0, 100):
        yield u + size * rng.normal(size=u.shape)

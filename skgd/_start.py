"""Where training starts: at random weights or those of the user, with no memory."""

import math

import numpy as np

from ._calls import initial_state


def forget(progress, optimizer):
    """Begin the optimizer's state and the mean of the weights anew."""
    progress.state = initial_state(optimizer, progress.w)
    progress.since = progress.t
    progress.n_averaged = 0


def random_start(objective, seed, coef_init):
    """Return weights for ``init="random"``; coefficients of zero if they are given.

    Those of the user are about another intercept than those of the draw.
    """
    n_features, units = objective.X.shape[1], objective.units
    w = np.random.default_rng(seed).standard_normal(objective.shape)
    w /= math.sqrt(n_features)
    if coef_init is not None:
        w[:n_features] = 0
    elif units is not None:
        w[:n_features][units.inverse_scale == 0] = 0
    return w


def set_start(objective, w, coef_init, intercept_init):
    """Write the user's start values, those that are given, into ``w``."""
    if coef_init is None and intercept_init is None:
        return
    outputs, n_features = objective.shape[1:], objective.X.shape[1]
    coef, intercept = objective.fold(w)
    if coef_init is not None:
        shapes = (
            [(*outputs, n_features)] if outputs else [(n_features,), (1, n_features)]
        )
        coef = _start_values("coef_init", coef_init, shapes, w.dtype)
        coef = coef.reshape(shapes[0]).T
    if intercept_init is not None:
        if not objective.fit_intercept:
            raise ValueError("intercept_init is given, and fit_intercept is False.")
        shapes = [outputs or (1,), ()]
        intercept = _start_values("intercept_init", intercept_init, shapes, w.dtype)
        intercept = intercept.reshape(outputs if intercept.size > 1 else ())
        intercept = np.broadcast_to(intercept, outputs)
    w[...] = objective.unfold(coef, intercept)


def _start_values(name, values, shapes, dtype):
    try:
        with np.errstate(over="ignore"):
            array = np.asarray(values, dtype=dtype)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} must be an array of numbers, got {values!r}."
        ) from None
    if array.shape not in shapes:
        accepted = " or ".join(map(str, shapes))
        raise ValueError(f"{name} must have shape {accepted}, got {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite in {dtype}, got {values!r}.")
    return array

"""Why training diverged, as far as it can be known, and what to change.

Looked for in this order: a user's component that returned something not finite; columns
of extreme size; a rate that is too high for the curvature; targets of extreme size.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from . import _loop
from ._compiled import compiled_penalty, compiled_twin
from ._progress import Progress

_MOST_ROWS = 10_000
_MOST_BATCHES = 1000
_EXTREME_COLUMN = 100.0
_EXTREME_TARGET = 1e4


@dataclass(frozen=True)
class Divergence:
    """Where training was when it blew up.

    Attributes
    ----------
    what : str
        What was seen, and what the coefficients are now.
    best : Progress
        Before the best epoch: what training returned to.
    last : Progress
        Before the pass in which it blew up.
    rate : float
        The highest of the epochs.
    """

    what: str
    best: Progress
    last: Progress
    rate: float


@np.errstate(all="ignore")
def diagnose(objective, plan, divergence, feature_names=None) -> str:
    """Return what made training diverge, and what to change.

    Parameters
    ----------
    objective : LinearObjective
    plan : Plan
    divergence : Divergence
    feature_names : sequence of str, default=None
    """
    broken = _broken_component(objective, plan, divergence.last)
    if broken:
        return broken
    sample = _sample(objective)
    causes = [
        _extreme_column(sample, feature_names),
        _rate_too_high(sample, objective.n_samples, plan, divergence),
        _extreme_target(sample),
    ]
    found = [cause for cause in causes if cause]
    remedies = [f"Lower learning_rate (it was {divergence.rate:g})"]
    remedies += ["set standardize=True"] if objective.units is None else []
    remedies += ["set clip_norm"] if plan.clip_norm is None else []
    return " ".join(found) or ", or ".join(remedies) + "."


def _sample(objective):
    """Return the objective on at most some thousand rows, in float64."""
    sample = objective.sample(_MOST_ROWS)
    return replace(sample, X=sample.X.astype(float))


# Components


class _NotFinite(Exception):
    """A component returned something that is not finite."""


class _Watched:
    """A component whose results are looked at when its arguments were finite."""

    def __init__(self, kind, component):
        self._kind, self._component = kind, component

    def __getattr__(self, name):
        attribute = getattr(self._component, name)
        if name not in ("value", "gradient", "prox", "direction", "scale"):
            return attribute

        def watched(*arguments, **state):
            tame = all(_is_tame(argument) for argument in arguments)
            result = attribute(*arguments, **state)
            if tame and not np.isfinite(result).all():
                raise _NotFinite(
                    f"The {self._kind} {self._component!r} returned values that are "
                    f"not finite from {name}, for arguments that are."
                )
            return result

        return watched


def _is_tame(array):
    """Whether all values are finite, and so are their squares."""
    array = np.asarray(array)
    largest = np.abs(array).max(initial=0) if array.dtype.kind == "f" else 0
    return bool(largest < np.sqrt(np.finfo(float).max))


def _broken_component(objective, plan, last):
    """Return which of the user's own components breaks in the pass, if one does."""
    penalty, optimizer = objective.penalty, plan.optimizer
    own: dict[str, Any] = {}
    if compiled_twin(objective.loss) is None:
        own["loss"] = _Watched("loss", objective.loss)
    if compiled_penalty(penalty, objective.coef(last.w)) is None:
        own["penalty"] = _Watched("penalty", penalty)
    if compiled_twin(optimizer) is None:
        optimizer = _Watched("optimizer", optimizer)
    elif not own:
        return None
    progress = last.copy()
    part = next(plan.parts(progress, at_once=_MOST_BATCHES))
    watched = replace(objective, **own)
    try:
        watched.penalty_value(progress.w)
        _loop.run_batches(watched, optimizer, progress, **part)
    except _NotFinite as broken:
        return str(broken)
    return None


# Data


def _extreme_column(sample, names):
    """Return which column is far larger than the others, if nothing scales them."""
    n_features = sample.X.shape[1]
    if sample.units is not None or n_features < 2:
        return None
    size = _root_mean_square(sample.X)
    worst = int(size.argmax())
    others = np.delete(size, worst)
    median = float(np.median(others[others > 0])) if others.any() else 0.0
    if not size[worst] > _EXTREME_COLUMN * median > 0:
        return None
    name = f"column {worst}" + ("" if names is None else f" ({names[worst]!r})")
    return (
        f"The values of {name} are far larger than those of the others: root mean "
        f"square {size[worst]:.3g}, and {median:.3g} is the median of theirs. Set "
        "standardize=True or scale it."
    )


def _root_mean_square(X):
    largest = max(abs(float(X.max())), abs(float(X.min()))) or 1.0
    X = X / largest
    square = X.multiply(X) if sparse.issparse(X) else X * X
    return largest * np.sqrt(np.asarray(square.mean(axis=0)).ravel())


def _extreme_target(sample):
    if sample.y.dtype.kind != "f":
        return None
    size = np.abs(sample.y)
    largest, median = float(size.max()), float(np.median(size))
    if not largest > _EXTREME_TARGET * median > 0:
        return None
    return (
        f"The targets reach {largest:.3g} and their median size is {median:.3g}: "
        "transform them, e.g. with TransformedTargetRegressor, or take a robust loss."
    )


# Curvature


def _rate_too_high(sample, n_samples, plan, divergence):
    """Return that the rate is above the highest that is stable, if it is known to be.

    In batches of b samples the curvature is, in expectation, that of the expected
    smoothness (Gower et al., "SGD: General Analysis and Improved Rates", ICML 2019),

        n (b − 1) / (b (n − 1)) · L + (n − b) / (b (n − 1)) · L_max

    with L that of the objective and L_max the largest of one sample.
    """
    optimizer: Any = type(plan.optimizer)
    is_own = compiled_twin(plan.optimizer) is None
    if plan.clip_norm or (is_own and "highest_stable_rate" not in vars(optimizer)):
        return None  # What a class inherits holds for the formula it inherits.
    w, n, b = divergence.best.w.astype(float), n_samples, plan.batch_size
    curvature = _largest_curvature(sample, w)
    where = "the objective"
    if curvature is not None and b < n:
        longest = int(sample.squared_row_norms().argmax())
        of_one = _largest_curvature(sample.take(np.array([longest])), w)
        if of_one is not None:
            curvature = (n * (b - 1) * curvature + (n - b) * of_one) / (b * (n - 1))
            where = f"a batch of {b}"
    if not curvature:
        return None
    highest = plan.optimizer.highest_stable_rate(curvature)
    if highest is None or not divergence.rate > highest:
        return None
    return (
        f"Lower learning_rate (it was {divergence.rate:.3g}): "
        f"{optimizer.__name__} is stable up to {highest:.2g}, where the "
        f"curvature of {where} is λ = {curvature:.2g}; at most half of that is safe."
    )


def _largest_curvature(objective, w, n_iterations=30):
    """Return the largest eigenvalue of the second derivative at ``w``.

    By power iteration on differences of gradients; None where they do not determine
    one, because the loss has kinks.
    """
    step = 1e-4 / max(np.sqrt(objective.squared_row_norms().mean()), 1e-100)
    start = objective.full_gradient(w)
    v = np.random.default_rng(0).normal(size=w.shape)
    v /= np.linalg.norm(v)
    for _ in range(n_iterations):
        product = (objective.full_gradient(w + step * v) - start) / step
        curvature = float(np.linalg.norm(product))
        if not 0 < curvature < np.inf:
            return None
        v = product / curvature
    farther = objective.full_gradient(w + 10 * step * v) - start
    same = np.linalg.norm(farther) / (10 * step * curvature)
    return curvature if 0.8 < same < 1.25 else None

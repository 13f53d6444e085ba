"""The learning-rate range test."""

import math
from dataclasses import dataclass

import numpy as np
from sklearn.base import clone

from ._compiled import objective_value, run_batches
from ._model import LinearModel
from ._training import gradient_norm
from ._validation import Instance, Number, check_parameters
from ._warnings import warn

_CONSTRAINTS = {
    "estimator": Instance(
        LinearModel,
        "a GDRegressor or GDClassifier (of a pipeline its last step, with the X that "
        "the steps before it return)",
    ),
    "min_rate": Number(0, closed="neither"),
    "max_rate": Number(0, closed="neither"),
    "n_steps": Number(10, integer=True),
}
_SAMPLE = 2000
"""Samples that the loss is measured on: the same ones, so that it is not noisy."""

_BLOW_UP = 4.0
"""The test ends when the loss is so many times what it was at the start."""


@dataclass(frozen=True)
class LearningRateRange:
    """What `lr_find` found.

    Attributes
    ----------
    learning_rates : ndarray of shape (n_steps_done,)
        The rate of each step, growing geometrically.
    losses : ndarray of shape (n_steps_done,)
        The objective of a fixed sample of the data, after each step.
    suggestion : float
        A fifth of the rate at which the loss begins to rise: the first one at which
        it is higher than before by a twentieth of its whole fall. If it does not rise
        within the range, a fifth of the last rate; a warning says so.
    """

    learning_rates: np.ndarray
    losses: np.ndarray
    suggestion: float


def lr_find(
    estimator, X, y, sample_weight=None, *, min_rate=1e-5, max_rate=10.0, n_steps=200
) -> LearningRateRange:
    """Find a learning rate by a range test: one short run in which the rate grows.

    The rate grows geometrically from step to step, from one that does nothing to one
    that is too high; the test ends early when the loss blows up. The suggestion is a
    place to start a search from, not its result: the best rate also depends on the
    schedule and on the length of the training.

    Parameters
    ----------
    estimator : GDRegressor or GDClassifier
        A clone of it is trained: with its optimizer, loss, penalty, batch size and
        standardization, without its schedule.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight : array-like of shape (n_samples,), default=None
    min_rate, max_rate : float, default=1e-5 and 10.0
        First and last rate, 0 < ``min_rate`` < ``max_rate``.
    n_steps : int, default=200
        Steps from one to the other, at least 10. With fewer batches than steps the
        data is gone over again.

    Returns
    -------
    LearningRateRange

    Raises
    ------
    ValueError, TypeError
        For parameters or data that are not acceptable, and if the loss falls at no
        rate.

    Warns
    -----
    UserWarning
        If the loss does not rise up to ``max_rate``: the suggestion is then lower than
        it could be.

    References
    ----------
    L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", 2017,
    section 3.3: the rate at which the accuracy "becomes ragged" is the upper bound.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skgd import GDClassifier, lr_find
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> found = lr_find(GDClassifier(random_state=0), X, y)
    >>> 0.05 < found.suggestion < 1
    True
    """
    given = {
        "estimator": estimator,
        "min_rate": min_rate,
        "max_rate": max_rate,
        "n_steps": n_steps,
    }
    check_parameters("lr_find", given, _CONSTRAINTS)
    if not min_rate < max_rate:
        raise ValueError(
            f"lr_find: min_rate must be less than max_rate, got {min_rate!r} and "
            f"{max_rate!r}."
        )
    rates = np.geomspace(min_rate, max_rate, n_steps)
    losses = _losses(clone(estimator), X, y, sample_weight, rates)
    rates, (start, *losses) = rates[: len(losses) - 1], losses
    lowest = np.minimum.accumulate(losses)
    fall = losses[0] - lowest[-1] if len(losses) else 0.0
    if not fall > 0:
        is_lower = len(losses) and losses[0] <= start
        remedy = "a higher max_rate" if is_lower else "a lower min_rate"
        raise ValueError(
            f"lr_find: the loss does not fall at any rate from {min_rate:g} to "
            f"{max_rate:g}. Try {remedy}."
        )
    rises = losses > lowest + 0.05 * fall
    if not rises.any():
        warn(
            f"lr_find: the loss does not rise up to max_rate={max_rate:g}, so that the "
            f"suggestion is only a fifth of it. Increase max_rate.",
            UserWarning,
        )
    edge = rates[rises.argmax()] if rises.any() else rates[-1]
    return LearningRateRange(rates, np.array(losses), suggestion=float(edge / 5))


def _losses(estimator, X, y, sample_weight, rates):
    """Return the objective of a fixed sample at the start and after each step.

    It ends before a step after which it is not finite, and with one that blows up.
    """
    objective, plan, progress = estimator._plan_fit(X, y, sample_weight)
    sample = objective.sample(_SAMPLE)
    losses = [objective_value(sample, progress.w)]
    _check_start(losses[0], gradient_norm(objective, progress.w))
    for step, rate in enumerate(rates):
        batch = step % plan.n_batches
        progress.epoch += batch == 0
        run_batches(
            objective,
            plan.optimizer,
            progress,
            np.array([rate]),
            first_batch=batch,
            batch_size=plan.batch_size,
            shuffle=plan.shuffle,
            clip_norm=plan.clip_norm,
        )
        losses.append(objective_value(sample, progress.w))
        if not losses[-1] - losses[0] < (_BLOW_UP - 1) * abs(losses[0]):
            break
    finite = np.isfinite(losses)
    return losses[: None if finite.all() else finite.argmin()]


def _check_start(loss, norm):
    """Raise if no rate can make the loss fall."""
    never = "lr_find: the loss does not fall at any rate: at the start"
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise ValueError(
            f"{never} it is {loss:g}, with a gradient of norm {norm:g}. The values of "
            "X or y are too large or too small; scale them."
        )
    if norm == 0:
        raise ValueError(
            f"{never} its gradient is zero. Is y constant, or is every column of X?"
        )

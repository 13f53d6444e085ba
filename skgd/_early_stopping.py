"""Early stopping: samples held out, scores of them, and the best weights by those.

The samples are split off by index, before anything is learned from them, or are the
user's. A score is that of the weights that would be published; higher is better.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.model_selection import train_test_split

from ._calls import initial_state
from ._objective import LinearObjective
from ._progress import Progress
from ._validation import did_you_mean
from .optimizers import Optimizer


@dataclass(frozen=True)
class Given:
    """What a user passes as validation data: None where nothing is given."""

    X: Any = None
    y: Any = None
    sample_weight: Any = None

    def __bool__(self):
        return self.X is not None

    def check(self, early_stopping: bool, streaming: bool = False) -> None:
        """Raise if a part is missing, or if it would not be used."""
        for one, other in (("X", "y"), ("y", "X"), ("sample_weight", "X")):
            if getattr(self, one) is not None and getattr(self, other) is None:
                raise ValueError(f"{one}_val is given and {other}_val is not.")
        if self and not early_stopping:
            raise ValueError(
                "X_val and y_val are given and early_stopping is False: with "
                "early_stopping=True they decide when training stops."
            )
        if early_stopping and streaming and not self:
            raise ValueError(
                "early_stopping=True needs X_val and y_val in partial_fit: a stream "
                "has nothing to hold out."
            )


def check_scoring_name(scoring) -> None:
    """Raise for a string that names no score."""
    names = ["loss", *get_scorer_names()]
    if isinstance(scoring, str) and scoring not in names:
        raise ValueError(
            "scoring must be 'loss', None, a callable or a name from "
            f"sklearn.metrics.get_scorer_names(), got {scoring!r}."
            + did_you_mean(scoring, names)
        )


def hold_out(
    objective: LinearObjective, fraction: float, seed: int, stratify: bool
) -> tuple[LinearObjective, LinearObjective]:
    """Return the objectives of the samples to train on and of those held out.

    Raises
    ------
    ValueError
        If there are too few samples, or too few of a class with ``stratify``.
    """
    try:
        kept, held_out = train_test_split(
            np.arange(objective.n_samples),
            test_size=fraction,
            stratify=objective.y if stratify else None,
            random_state=seed % 2**32,
        )
    except ValueError as error:
        raise ValueError(
            f"early_stopping=True cannot hold out validation_fraction={fraction} of "
            f"{objective.n_samples} samples: {error} Pass X_val and y_val."
        ) from error
    return objective.take(np.sort(kept)), objective.take(np.sort(held_out))


@dataclass(frozen=True)
class ValidationSet:
    """Samples held out, and how the weights are scored on them.

    Attributes
    ----------
    objective : LinearObjective
        Of the samples, in the units of the user.
    y : ndarray
        Their targets as the user knows them.
    scoring : "loss", str, callable or None
    publish : callable
        Returns a fitted estimator for a `Progress`.
    """

    objective: LinearObjective
    y: np.ndarray
    scoring: Any
    publish: Callable[[Progress], Any]

    def score(self, progress: Progress) -> float:
        """Return the score of what would be published: higher is better.

        ``"loss"`` is the negative mean loss, without the penalty.

        Raises
        ------
        ValueError
            If the scorer returns anything but a number.
        """
        model, samples = self.publish(progress), self.objective
        if self.scoring == "loss":
            coef = model.coef_.reshape(*samples.shape[1:], samples.X.shape[1])
            intercept = model.intercept_.reshape(samples.shape[1:])
            return -samples.mean_loss(samples.unfold(coef.T, intercept))
        # The rows have no names of columns any more.
        vars(model).pop("feature_names_in_", None)
        scorer, weights = check_scoring(model, self.scoring), samples.sample_weight
        options = {} if weights is None else {"sample_weight": weights}
        return self._checked(scorer(model, samples.X, self.y, **options))

    def _checked(self, score) -> float:
        """Return what a scorer returned as a number, or raise."""
        if isinstance(score, np.ndarray) and score.ndim == 0:
            score = score[()]
        if not isinstance(score, Real) or math.isnan(score):
            raise ValueError(
                f"scoring={self.scoring!r} must return a real number that is not NaN, "
                f"higher is better, got {score!r}."
            )
        return float(score)

    def unit(self, progress: Progress) -> float:
        """Return what tolerances are a fraction of.

        That is the loss before training; a score has a unit of its own.
        """
        if self.scoring != "loss":
            return 1.0
        samples = replace(self.objective, units=progress.units, alpha=0.0)
        return min(abs(samples.start_value(progress.w)), samples.typical_loss())


@dataclass
class Best:
    """The best weights so far; an estimator keeps it from call to call of a stream.

    Attributes
    ----------
    score : float
    progress : Progress or None
        A copy of all that belongs to the best weights.
    reference : float
        What a score has to exceed by the tolerance to be an improvement.
    age : int
        For how many scores there has been none.
    unit : float or None
        What tolerances are a fraction of; None: it is not known yet.
    """

    score: float = -math.inf
    progress: Progress | None = None
    reference: float = -math.inf
    age: int = 0
    unit: float | None = None

    def reset(self) -> None:
        """Forget all scores."""
        self.score = self.reference = -math.inf
        self.progress, self.age = None, 0

    def see(self, score: float, progress: Progress, tolerance: float) -> None:
        """Count a score, and keep the weights if it is the best."""
        self.age += 1
        if score > self.reference + tolerance:
            self.reference, self.age = score, 0
        if score > self.score:
            self.score, self.progress = score, progress.copy()


class EarlyStopping:
    """Scores the weights, says when to stop, and returns to the best.

    It is time to stop when ``n_iter_no_change`` scores have brought no improvement of
    more than a tolerance, also within a cycle of the schedule: to wait for its end
    took more epochs in all sets that were tried and gave no better weights.

    Parameters
    ----------
    validation_set : ValidationSet
    progress : Progress
        Before training.
    tol : float or None
        None: training is not stopped.
    n_iter_no_change : int
    best : Best
        What is known from the calls before.
    """

    what = "validation score"
    advice = ""

    def __init__(self, validation_set, progress, tol, n_iter_no_change, best):
        has_grown = best.progress and best.progress.w.shape != progress.w.shape
        self.best = Best() if has_grown else best
        if self.best.unit is None:
            self.best.unit = validation_set.unit(progress)
        self._score = validation_set.score
        self._tolerance = (tol or 0.0) * self.best.unit
        self._patience = n_iter_no_change
        self.is_asked = tol is not None

    def see(self, progress: Progress) -> float:
        """Score the weights, and keep them if they are the best."""
        score = self._score(progress)
        self.best.see(score, progress, self._tolerance)
        return score

    @property
    def has_waited(self) -> bool:
        """Whether there was no improvement for long enough."""
        return self.is_asked and self.best.age >= self._patience

    def __call__(self, history, at_rest) -> str | None:
        return "early_stopping" if self.has_waited else None

    def best_of_stream(self, progress: Progress, optimizer: Optimizer) -> Progress:
        """Return the best of all calls, from which a stream may go on."""
        self.best.age = 0
        if self.best.progress is None:
            return progress
        best = self.best.progress.copy()
        if best.since != progress.since:
            # What it remembered belongs to another optimizer.
            best.state, best.since = initial_state(optimizer, best.w), best.t
        return best

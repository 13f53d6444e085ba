"""The parameters of the estimators: what they accept, and what they stand for."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from numbers import Integral
from operator import is_, itemgetter
from typing import Any

from ._component import IMMUTABLE, fingerprint
from ._early_stopping import check_scoring_name
from ._plan import Settings, choose_optimizer
from ._validation import (
    Boolean,
    Choice,
    Constraint,
    Instance,
    Number,
    as_random_state,
    check_parameters,
)
from .losses import LOSSES, Loss, as_loss
from .optimizers import OPTIMIZERS, AdaGrad, Adam, Optimizer
from .penalties import PENALTIES, Penalty, resolve_penalty
from .schedules import SCHEDULES, LinearRestarts, as_schedule

_REGISTRIES = {
    "optimizer": OPTIMIZERS,
    "loss": LOSSES,
    "penalty": PENALTIES,
    "schedule": SCHEDULES,
}
_WORDS = ("auto",)
_FOR_AUTO = {"optimizer": Adam, "schedule": LinearRestarts}
_SCHEDULES_OF_SGD = {
    "constant": "constant",
    "optimal": "optimal",
    "invscaling": "inverse_scaling",
    "adaptive": "reduce_on_plateau",
}

_POSITIVE = Number(0, closed="neither")
_COUNT = Number(1, integer=True)

CONSTRAINTS: dict[str, Constraint] = {
    "alpha": Number(0, closed="left"),
    "l1_ratio": Number(0, 1),
    "fit_intercept": Boolean(),
    "learning_rate": Choice("auto") | _POSITIVE,
    "batch_size": Choice("auto", None) | _COUNT,
    "max_iter": _COUNT,
    "tol": Choice(None) | Number(0, closed="left"),
    "n_iter_no_change": _COUNT,
    "coef_tol": Choice(None) | Number(0, closed="left"),
    "early_stopping": Boolean(),
    "scoring": Choice(None) | Instance((str, Callable), "a name or a callable"),
    "validation_fraction": Number(0, 1, closed="neither"),
    "shuffle": Boolean(),
    "standardize": Choice("auto") | Boolean(),
    "average": Choice("auto", "tail") | Boolean() | _COUNT,
    "clip_norm": Choice(None) | _POSITIVE,
    "init": Choice("zeros", "random"),
    "warm_start": Boolean(),
    "record_gradient_norm": Boolean(),
    "verbose": Boolean() | Number(0, integer=True),
}
"""Of both estimators."""


@cache
def parameter_values(cls: Any) -> Callable[[dict], tuple]:
    """Return what takes the values of all parameters from the attributes."""
    return itemgetter(*inspect.signature(cls).parameters)


@dataclass(frozen=True)
class Parts:
    """The parameters of one call, validated and with every name resolved."""

    loss: Loss
    penalty: Penalty
    settings: Settings
    chooses_optimizer: bool

    def for_fit(self, objective) -> "Parts":
        """Return the same with the optimizer that "auto" stands for in `fit`."""
        if not self.chooses_optimizer:
            return self
        return self._with(choose_optimizer(self.settings, objective))

    def going_on(self, last) -> "Parts":
        """Return the same with the optimizer that "auto" has stood for so far."""
        is_other = type(last) is not type(self.settings.optimizer)
        was_chosen = is_other and fingerprint(last) == fingerprint(AdaGrad())
        return self._with(last) if self.chooses_optimizer and was_chosen else self

    def _with(self, optimizer):
        return replace(self, settings=replace(self.settings, optimizer=optimizer))


class Resolved:
    """What some values of the parameters are resolved to."""

    def __init__(self, values, parts: Parts):
        self.parts, self._values = parts, values
        self._fingerprints = list(map(fingerprint, values))
        self._changeable = [
            i for i, value in enumerate(values) if type(value) not in IMMUTABLE
        ]

    def holds_for(self, values) -> bool:
        """Whether these are the same settings."""
        if all(map(is_, values, self._values)):
            known = self._fingerprints
            return all(fingerprint(values[i]) == known[i] for i in self._changeable)
        return self._fingerprints == list(map(fingerprint, values))


def resolve(estimator) -> Parts:
    """Return the parameters of an estimator, validated and resolved.

    Raises
    ------
    TypeError, ValueError
        The message names the first that is not acceptable.
    """
    owner, given = type(estimator).__name__, estimator.get_params(deep=False)
    _reject_schedule_as_rate(owner, given["learning_rate"])
    check_parameters(owner, given, estimator.constraints)
    as_random_state(owner, given["random_state"])
    check_scoring_name(given["scoring"])
    penalty = resolve_penalty(given["penalty"], l1_ratio=given["l1_ratio"])
    optimizer, is_auto = Adam(), _is_auto(given["optimizer"])
    if not is_auto:
        optimizer = resolve_optimizer(given["optimizer"], penalty, owner, _WORDS)
    schedule, rate, size = (
        given[name] for name in ("schedule", "learning_rate", "batch_size")
    )
    if not _is_auto(schedule):
        schedule = as_schedule(schedule, words=_WORDS)
    settings = Settings(
        optimizer=optimizer,
        schedule=schedule,
        learning_rate=rate if _is_auto(rate) else float(rate),
        batch_size=int(size) if isinstance(size, Integral) else size,
        shuffle=bool(given["shuffle"]),
        clip_norm=given["clip_norm"],
        average=_averaged_from(given["average"]),
        standardize=bool(given["standardize"]),
    )
    return Parts(resolve_loss(estimator), penalty, settings, is_auto)


def resolve_optimizer(value, penalty, owner, words=()) -> Optimizer:
    """Return a validated optimizer of its own that can be used with a penalty."""
    optimizer = OPTIMIZERS.resolve(value, words=words)
    if penalty.has_prox and not optimizer.has_scale:
        raise ValueError(
            f"{owner}: optimizer={value!r} cannot be used with the penalty "
            f"{penalty!r}: its proximal step needs a method Optimizer.scale, which "
            f"{type(optimizer).__name__} does not have."
        )
    return optimizer


def _averaged_from(average) -> Any:
    """Return the step from which weights are averaged, None, or a word."""
    if isinstance(average, str):
        return average
    return int(average) or None


def resolve_loss(estimator) -> Loss:
    """Return the loss of an estimator, of the kind that it takes, or raise."""
    kind = estimator.loss_kind
    loss = as_loss(estimator.loss, kind)
    if not isinstance(loss, kind):
        raise ValueError(
            f"loss must be a {kind.__name__} for {type(estimator).__name__}, e.g. one "
            f"of {LOSSES.names_of(kind)}, got {estimator.loss!r}."
        )
    return loss


def _reject_schedule_as_rate(owner, rate):
    """Raise for what is a ``learning_rate`` in scikit-learn's SGD."""
    if isinstance(rate, str) and rate in _SCHEDULES_OF_SGD:
        raise ValueError(
            f"{owner}: learning_rate must be 'auto' or a number, got {rate!r}. How the "
            f"rate changes is said by schedule={_SCHEDULES_OF_SGD[rate]!r}."
        )


def check_has_parameters(key, name, value) -> None:
    """Raise if ``key`` is a parameter of a component that has none, such as a name."""
    has_own = hasattr(value, "set_params") and not isinstance(value, type)
    if name in _REGISTRIES and not has_own:
        what = "it" if callable(value) else "a name"
        raise ValueError(
            f"{key} cannot be set on {name}={value!r}: {what} has no parameters. Pass "
            f"an instance: {name}={_example(name, value)}."
        )


def _is_auto(value):
    return isinstance(value, str) and value == "auto"


def _example(parameter, name):
    """Return how the component would be written as an instance, as a hint."""
    registry = _REGISTRIES[parameter]
    if _is_auto(name) and parameter in _FOR_AUTO:
        return f"{_FOR_AUTO[parameter].__name__}()"
    is_known = isinstance(name, str) and name in registry
    return f"{registry[name].__name__}()" if is_known else "an instance"

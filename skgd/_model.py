"""What both estimators share: parameters, validation, training, attributes."""

import inspect
import math
from dataclasses import dataclass
from functools import cache
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ._compiled import with_contiguous_rows
from ._component import fingerprint
from ._data import check_sample_weight, check_X, check_X_y, drop_weightless
from ._loop import Progress
from ._objective import LinearObjective
from ._training import (
    Settings,
    learning_rates,
    report,
    run_pass,
    train,
    warn_diverged,
    warn_past_end,
)
from ._validation import Boolean, Choice, Constraint, Number, check_parameters
from ._version import __version__
from .losses import LOSSES, Loss
from .optimizers import OPTIMIZERS, Optimizer
from .penalties import PENALTIES, Penalty, resolve_penalty
from .schedules import SCHEDULES, as_schedule

_REGISTRIES = {
    "optimizer": OPTIMIZERS,
    "loss": LOSSES,
    "penalty": PENALTIES,
    "schedule": SCHEDULES,
}
_POSITIVE = Number(0, closed="neither")
_COUNT = Number(1, integer=True)


@cache
def _parameter_names(cls: Any) -> list[str]:
    return list(inspect.signature(cls).parameters)


@dataclass(frozen=True)
class _Parts:
    """The parameters of one call, validated and with every name resolved."""

    loss: Loss
    penalty: Penalty
    settings: Settings


class LinearModel(BaseEstimator):
    """Base of `GDRegressor` and `GDClassifier`.

    A subclass has the parameters of ``__init__``, the kind of losses it takes,
    and turns its targets into those of the losses and back.
    """

    loss_curve_: list[float]

    loss_kind: ClassVar[type[Loss]]
    """The losses that the estimator takes."""

    target_options: ClassVar[dict] = {}
    """How ``y`` is validated."""

    constraints: ClassVar[dict[str, Constraint]] = {
        "alpha": Number(0, closed="left"),
        "l1_ratio": Number(0, 1),
        "fit_intercept": Boolean(),
        "learning_rate": Choice("auto") | _POSITIVE,
        "batch_size": Choice("auto", None) | _COUNT,
        "max_iter": _COUNT,
        "tol": Choice(None) | Number(0, closed="left"),
        "n_iter_no_change": _COUNT,
        "early_stopping": Boolean(),
        "validation_fraction": Number(0, 1, closed="neither"),
        "shuffle": Boolean(),
        "standardize": Choice("auto") | Boolean(),
        "average": Boolean() | _COUNT,
        "clip_norm": Choice(None) | _POSITIVE,
        "warm_start": Boolean(),
        "verbose": Boolean() | Number(0, integer=True),
    }

    def fit(
        self, X, y, sample_weight=None, *, coef_init=None, intercept_init=None
    ) -> Self:
        """Train from the start, or with ``warm_start`` from where training stopped.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            C-ordered arrays and CSR matrices of float32 or float64 are read in
            place; anything else is converted.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets; several outputs in a regression only.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0 of the samples; only their proportions matter. A weight
            of 2 is the sample twice, a weight of 0 the sample left out.
        coef_init : array-like of the shape of ``coef_``, default=None
            Coefficients to start from; default zeros.
        intercept_init : float or array-like of shape (n_outputs,), default=None
            Intercepts to start from; default zeros.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            For parameters or data that are not acceptable; the estimator is then
            as it was before the call.
        """
        model = self._scratch()
        model._fit(X, y, sample_weight, coef_init, intercept_init)
        self.__dict__ = model.__dict__
        return self

    def set_params(self, **params) -> Self:
        """Set parameters, also of components given as instances.

        Parameters
        ----------
        **params : dict
            As in ``set_params(alpha=0.1, optimizer__beta1=0.8)``.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If there is no such parameter, in particular for a parameter of a
            component that is given by its name.
        """
        for key in params:
            name, _, inner = key.partition("__")
            value = params.get(name, getattr(self, name, None))
            named = value is None or isinstance(value, str)
            if inner and named and name in _REGISTRIES:
                raise ValueError(
                    f"{key} cannot be set on {name}={value!r}: a name has no "
                    f"parameters. Pass an instance: {name}={_example(name, value)}."
                )
        return super().set_params(**params)

    def _scratch(self):
        """Return an object with the same attributes, to be changed or thrown away."""
        model = object.__new__(type(self))
        model.__dict__.update(self.__dict__)
        return model

    def _fit(self, X, y, sample_weight, coef_init, intercept_init):
        parts = self._parts()
        resume = self.warm_start and hasattr(self, "_progress")
        objective = self._objective(
            parts, X, y, sample_weight, resume=resume, streaming=False
        )
        if resume:
            self._check_resumable(objective)
            progress, curve = self._progress.copy(), self.loss_curve_
            self._fit_state(progress, parts)
            if coef_init is not None or intercept_init is not None:
                _set_start(objective, progress.w, coef_init, intercept_init)
                _forget(progress, parts.settings.optimizer)
        else:
            progress = self._new_progress(parts, objective, coef_init, intercept_init)
            curve = []
        history = train(
            objective,
            parts.settings,
            progress,
            max_iter=int(self.max_iter),
            tol=self.tol,
            n_iter_no_change=int(self.n_iter_no_change),
            verbose=self.verbose,
        )
        self.loss_curve_ = curve + history.loss_curve
        self._publish(parts, progress, history.stop_reason)

    def _partial_fit(self, X, y, sample_weight, **target_options):
        """One pass, in place; whole steps taken before an exception are kept."""
        model = self._scratch()
        parts = model._parts()
        settings = parts.settings
        resume = hasattr(model, "_progress")
        objective = model._objective(
            parts,
            X,
            y,
            sample_weight,
            resume=resume,
            streaming=True,
            **target_options,
        )
        n_batches = settings.n_batches(objective.n_samples)
        if resume:
            model._check_resumable(objective)
        else:
            model._progress = model._new_progress(parts, objective)
            model._progress.steps_per_epoch = n_batches
            model.loss_curve_ = []
        progress = model._progress
        schedule = settings.schedule.resolve(progress.steps_per_epoch, None)
        rates = learning_rates(settings, schedule, progress.t, n_batches)
        warn_past_end(schedule, progress.t + n_batches)
        memory = progress.state, progress.since, progress.n_averaged
        model._fit_state(progress, parts)
        before = progress.copy()
        stop_reason = "partial_fit"
        try:
            value = run_pass(objective, settings, progress, before, schedule, rates)
        except BaseException:
            if progress.t > before.t:
                model._publish(parts, progress, stop_reason)
                self.__dict__ = model.__dict__
            else:
                progress.epoch = before.epoch
                progress.state, progress.since, progress.n_averaged = memory
            raise
        model.loss_curve_.append(value)
        report(self.verbose, progress, value)
        if not math.isfinite(value):
            stop_reason = "diverged"
        model._publish(parts, progress, stop_reason)
        self.__dict__ = model.__dict__
        if stop_reason == "diverged":
            warn_diverged(settings)
        return self

    def _parts(self) -> _Parts:
        """Return the parameters resolved, those of the last call if they are equal."""
        parameters = self.__dict__
        cls: Any = type(self)
        names = _parameter_names(cls)
        current = [fingerprint(parameters[name]) for name in names]
        if parameters.get("_resolved", (None,))[0] != current:
            self._resolved = current, self._resolve()
        return self._resolved[1]

    def _resolve(self) -> _Parts:
        values = self.get_params(deep=False)
        check_parameters(type(self).__name__, values, self.constraints)
        self._check_random_state()
        if self.early_stopping:
            raise NotImplementedError("early_stopping=True is not implemented yet.")
        if self.standardize is True:
            raise NotImplementedError("standardize=True is not implemented yet.")
        optimizer = OPTIMIZERS.resolve(self.optimizer)
        auto, size = self.learning_rate == "auto", self.batch_size
        settings = Settings(
            optimizer=optimizer,
            schedule=as_schedule(self.schedule),
            learning_rate=float(
                optimizer.default_learning_rate if auto else self.learning_rate
            ),
            batch_size=int(size) if isinstance(size, Integral) else size,
            shuffle=bool(self.shuffle),
            clip_norm=self.clip_norm,
            average_from=int(self.average) or None,
        )
        penalty = resolve_penalty(self.penalty, l1_ratio=self.l1_ratio)
        if penalty.has_prox and type(optimizer).scale is Optimizer.scale:
            raise ValueError(
                f"optimizer={self.optimizer!r} cannot be used with the penalty "
                f"{penalty!r}: its proximal step needs a method {Optimizer.__name__}"
                f".scale, which {type(optimizer).__name__} does not have."
            )
        return _Parts(loss=self._resolve_loss(), penalty=penalty, settings=settings)

    def _resolve_loss(self):
        loss = LOSSES.resolve(self.loss)
        if not isinstance(loss, self.loss_kind):
            fitting = [
                name for name, cls in LOSSES.items() if issubclass(cls, self.loss_kind)
            ]
            raise ValueError(
                f"loss must be a {self.loss_kind.__name__} for "
                f"{type(self).__name__}, e.g. one of {sorted(fitting)}, "
                f"got {self.loss!r}."
            )
        return loss

    def _objective(
        self, parts, X, y, sample_weight, *, resume, streaming, **target_options
    ):
        """Return the objective on validated data, in the dtype of the weights."""
        options = dict(self.target_options, reset=not resume)
        if resume:
            options["dtype"] = [self._progress.w.dtype]
        X, y = check_X_y(self, X, y, **options)
        weights = check_sample_weight(sample_weight, X.shape[0])
        X, y, weights = drop_weightless(X, y, weights)
        y, n_classes = self._encode(y, parts.loss, X.dtype, resume, **target_options)
        weights = self._weigh_classes(y, weights, n_classes, streaming)
        X, y, weights = drop_weightless(X, y, weights)
        if weights is not None and not streaming:
            weights = _with_mean_one(weights)
        if weights is not None:
            weights = weights.astype(X.dtype, copy=False)
        return LinearObjective(
            X=with_contiguous_rows(X),
            y=y,
            sample_weight=weights,
            loss=parts.loss,
            penalty=parts.penalty,
            alpha=float(self.alpha),
            fit_intercept=bool(self.fit_intercept),
            n_classes=n_classes,
        )

    def _encode(self, y, loss, dtype, resume, **target_options):
        """Return the targets of the loss, and the number of classes they code."""
        raise NotImplementedError

    def _weigh_classes(self, y, sample_weight, n_classes, streaming):
        """Return the sample weights times those of the classes."""
        return sample_weight

    def _new_progress(self, parts, objective, coef_init=None, intercept_init=None):
        w = np.zeros(objective.shape, dtype=objective.X.dtype)
        _set_start(objective, w, coef_init, intercept_init)
        state = parts.settings.optimizer.init(w)
        return Progress(w=w, state=state, seed=self._draw_seed())

    def _check_resumable(self, objective):
        """Raise if the weights are not those of such an objective."""
        if self._progress.w.shape != objective.shape:
            raise ValueError(
                f"{type(self).__name__} cannot go on: its weights have shape "
                f"{self._progress.w.shape}, and with this data and fit_intercept="
                f"{self.fit_intercept} they would have shape {objective.shape}. "
                "Start with a new estimator, or with warm_start=False."
            )

    def _fit_state(self, progress, parts):
        """Give another optimizer than that of the last call a state of its own."""
        last = getattr(self, "optimizer_", None)
        optimizer = parts.settings.optimizer
        if last is None or optimizer is last:
            return
        keys = optimizer.init(progress.w).keys()
        if type(optimizer) is not type(last) or keys != progress.state.keys():
            _forget(progress, optimizer)

    def _check_random_state(self):
        try:
            return check_random_state(self.random_state)
        except ValueError:
            raise ValueError(
                f"{type(self).__name__}: random_state must be None, an integer in "
                f"[0, 2**32) or a RandomState, got {self.random_state!r}."
            ) from None

    def _draw_seed(self):
        if self.random_state is None:
            return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
        if isinstance(self.random_state, Integral):
            return int(self.random_state)
        return int(self._check_random_state().randint(2**31 - 1))

    def _publish(self, parts, progress, stop_reason):
        """Set the fitted attributes."""
        self._progress = progress
        weights = progress.result
        n_features = len(weights) - bool(self.fit_intercept)
        intercept = (
            weights[-1] if self.fit_intercept else np.zeros_like(weights[:1]).sum(0)
        )
        self.coef_ = self._shape_coef(weights[:n_features].T.copy())
        self.intercept_ = np.atleast_1d(intercept).copy()
        self.loss_, self.penalty_ = parts.loss, parts.penalty
        self.optimizer_ = parts.settings.optimizer
        self.schedule_ = parts.settings.schedule
        self.optimizer_state_ = progress.state
        self.t_ = progress.t
        self.n_iter_ = len(self.loss_curve_)
        self.stop_reason_ = stop_reason

    def _shape_coef(self, coef):
        return coef

    def _raw_prediction(self, X):
        """Return z of shape (n_samples,) or (n_samples, n_outputs)."""
        check_is_fitted(self)
        X = check_X(self, X, reset=False)
        with np.errstate(all="ignore"):
            z = X @ self.coef_.T + self.intercept_
        return z

    def __sklearn_is_fitted__(self):
        return hasattr(self, "coef_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def __getstate__(self):
        state = {**super().__getstate__(), "_skgd_version": __version__}
        state.pop("_resolved", None)
        return state


def _with_mean_one(weights):
    """Return proportions as weights of mean 1, None if they are all the same."""
    weights = weights / weights.max()
    return None if weights.min() == 1 else weights / weights.mean()


def _forget(progress, optimizer):
    """Begin the optimizer's state and the mean of the weights anew."""
    progress.state, progress.since = optimizer.init(progress.w), progress.t
    progress.n_averaged = 0


def _set_start(objective, w, coef_init, intercept_init):
    """Write the user's start values, those that are given, into ``w``."""
    outputs, n_features = objective.shape[1:], objective.X.shape[1]
    if coef_init is not None:
        shapes = (
            [(*outputs, n_features)] if outputs else [(n_features,), (1, n_features)]
        )
        coef = _start_values("coef_init", coef_init, shapes, w.dtype)
        objective.coef(w)[...] = coef.reshape(shapes[0]).T
    if intercept_init is not None:
        if not objective.fit_intercept:
            raise ValueError("intercept_init is given, and fit_intercept is False.")
        shapes = [outputs or (1,), ()]
        intercept = _start_values("intercept_init", intercept_init, shapes, w.dtype)
        w[-1] = intercept if outputs else intercept.reshape(())


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


def _example(parameter, name):
    """Return how the component would be written as an instance, as a hint."""
    registry = _REGISTRIES[parameter]
    return f"{registry[name].__name__}()" if name in registry else "an instance"

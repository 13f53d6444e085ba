"""What both estimators share: parameters, validation, training, attributes."""

import inspect
import math
import time
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from ._callback_support import CallbackSupport
from ._calls import initial_state, projection
from ._compiled import with_contiguous_rows
from ._data import (
    check_same,
    check_sample_weight,
    check_total_weight,
    check_X,
    check_X_y,
    checksums,
    drop_weightless,
    is_valid,
)
from ._diagnosis import Divergence, diagnose
from ._display import Display, print_pass
from ._early_stopping import Best, EarlyStopping, Given, ValidationSet, hold_out
from ._objective import LinearObjective
from ._parameters import (
    CONSTRAINTS,
    Parts,
    Resolved,
    check_has_parameters,
    parameter_values,
    resolve,
)
from ._plan import BATCH_SIZE, plan_training, warn_past_end
from ._progress import Progress
from ._repetition import Repetition
from ._run import Run
from ._standardization import Standardizer
from ._start import forget, random_start, set_start
from ._stopping import Stopping, tell_schedule
from ._training import (
    GradientNorms,
    blow_up_of_stream,
    gradient_norm,
    train,
    train_once,
)
from ._validation import Constraint, draw_seed
from ._version import __version__
from ._warnings import warn
from .losses import Loss

_CURVES = (
    "loss_curve",
    "learning_rate_curve",
    "time_curve",
    "update_curve",
    "gradient_norm_curve",
    "validation_curve",
)
"""Of `History`; the attributes have an underscore at their end."""


class LinearModel(CallbackSupport, BaseEstimator):
    """Base of `GDRegressor` and `GDClassifier`.

    A subclass has the parameters of ``__init__``, the kind of losses it takes,
    and turns its targets into those of the losses and back.
    """

    loss_curve_: list[float]
    validation_curve_: list[float]
    learning_rate_curve_: list[float]
    time_curve_: list[float]
    update_curve_: list[int]
    gradient_norm_curve_: list[float]

    _unfinished: Run | None = None
    """A fit that was interrupted, for the next `fit` to end."""

    _resolved: Resolved | None = None
    """The parameters of the last call."""

    _repetition: Repetition | None = None
    """The last call of `partial_fit`, if others may be like it."""

    loss_kind: ClassVar[type[Loss]]
    """The losses that the estimator takes."""

    target_options: ClassVar[dict] = {}
    """How ``y`` is validated."""

    constraints: ClassVar[dict[str, Constraint]] = CONSTRAINTS

    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
        coef_init=None,
        intercept_init=None,
    ) -> Self:
        """Train from the start, or with ``warm_start`` from where training stopped.

        An estimator from `skgd.callbacks.Checkpoint.load` goes on with the fit that was
        interrupted.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            C-ordered arrays and CSR matrices of float32 or float64 are read in
            place; anything else is converted. Only the rows that are kept are copied
            if some have the weight 0, or if ``early_stopping`` splits off its own.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets; several outputs in a regression only.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0 of the samples; only their proportions matter. A weight
            of 2 is the sample twice, a weight of 0 the sample left out, and a class
            with it that has no others; its values have to be finite all the same, as
            in scikit-learn.
        X_val, y_val : array-like, default=None
            Samples like ``X`` and ``y`` that are not trained on and decide when
            training stops. Only with ``early_stopping=True``, which otherwise
            splits them off ``X`` and ``y``. In a pipeline that transforms ``X``
            see its ``transform_input``.
        sample_weight_val : array-like of shape (n_samples_val,), default=None
            Weights of those samples in their score.
        coef_init : array-like of the shape of ``coef_``, default=None
            Coefficients to start from, in place of those that ``init`` gives.
        intercept_init : float or array-like of shape (n_outputs,), default=None
            Intercepts to start from, in place of those that ``init`` gives.

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
        data, given = (X, y, sample_weight), Given(X_val, y_val, sample_weight_val)
        model._fit(data, given, (coef_init, intercept_init), self._call_back)
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
            component that is given by its name or is a function.
        """
        for key in params:
            name, _, inner = key.partition("__")
            value = params.get(name, getattr(self, name, None))
            if inner:
                check_has_parameters(key, name, value)
        return super().set_params(**params)

    def _scratch(self):
        """Return an object with the same attributes, to be changed or thrown away."""
        model = object.__new__(type(self))
        model.__dict__.update(self.__dict__)
        return model

    def _fit(self, data, given, start, call_back):
        """Train; ``call_back`` shows the training to the user's callbacks."""
        parts = self._parts()
        given.check(self.early_stopping)
        objective, held_out, plan, run = self._begin_run(parts, data, given, start)
        early = self._early_stopping(
            parts, plan, objective, run.progress, held_out, run.best
        )
        stopping = Stopping(
            max_iter=int(self.max_iter),
            tol=self.tol,
            n_iter_no_change=int(self.n_iter_no_change),
            coef_tol=self.coef_tol,
        )
        norms = [GradientNorms(objective)] if self.record_gradient_norm else []
        with Display(int(self.verbose), stopping.max_iter) as display:
            call_back(
                lambda callbacks: train(
                    objective, plan, run, stopping, early, [*norms, display, *callbacks]
                ),
                data,
                lambda: vars(self._snapshot(parts, plan, objective, run)),
                max_epochs=max(stopping.max_iter - run.n_epochs, 0),
            )
            display.end(run)
        self._publish_run(parts, plan, objective, run)
        if run.stop_reason == "diverged":
            self._warn_diverged(objective, plan, run.divergence())

    def _begin_run(self, parts, data, given, start):
        """Return what to train on, the plan, and the state before the next epoch."""
        run = None if self._unfinished is None else self._unfinished.copy()
        if run is not None:
            self._progress, start = run.progress, (None, None)
        resume = run is not None or (self.warm_start and hasattr(self, "_progress"))
        objective = self._objective(parts, *data, resume=resume, streaming=False)
        parts = parts.going_on(self.optimizer_) if resume else parts.for_fit(objective)
        held_out = self._validation_objective(objective, given) if given else None
        sums = None
        if run is not None or self._callbacks:
            sums = checksums(objective, held_out)
        if run is not None:
            check_same(type(self).__name__, run.data, sums)
        seed = self._progress.seed if resume else self._draw_seed()
        if self.early_stopping and not given:
            objective, held_out = self._hold_out(objective, seed)
        self._begin_curves(resume, run)
        objective, progress = self._begin(
            parts, objective, seed, start, resume=resume, streaming=False
        )
        if run is None:
            progress.begin_fit()
        n_epochs = max(int(self.max_iter) - (run.n_epochs if run else 0), 0)
        plan = plan_training(parts.settings, objective, progress, n_epochs)
        if run is None:
            so_far = self._last("time_curve_"), self._last("update_curve_")
            run = Run.begin(objective, progress, *so_far)
        run.progress, run.data = progress, sums
        return objective, held_out, plan, run

    def _plan_fit(self, X, y, sample_weight):
        """Return the objective, the plan and the start of a `fit`; begin it."""
        data = X, y, sample_weight
        objective, _, plan, run = self._begin_run(
            self._parts(), data, Given(), (None, None)
        )
        return objective, plan, run.progress

    def _partial_fit(self, X, y, sample_weight, given, **target_options):
        """One pass; an exception keeps the whole steps taken before it."""
        is_plain = sample_weight is None and not given
        if is_plain and not any(v is not None for v in target_options.values()):
            model = self._repeated(X, y)
            if model is not None:
                self.__dict__ = model.__dict__
                return self
        model = self._scratch()
        data = (X, y, sample_weight)
        parts, plan, objective, progress, early = model._begin_pass(
            data, given, target_options
        )
        rates = plan.rates(progress, plan.n_batches)
        warn_past_end(plan.schedule, progress.t + plan.n_batches)
        before, start = progress.copy(), time.perf_counter()
        try:
            value, done = train_once(objective, plan, progress, before, rates)
            seconds = time.perf_counter() - start
            score = early and early.see(progress)
            norm = math.nan
            if self.record_gradient_norm:
                norm = gradient_norm(objective, progress.w)
            tell_schedule(plan, progress, value, score)
        except BaseException:
            if progress.t > before.t:
                model._publish(parts, plan, objective, progress, "partial_fit")
                self.__dict__ = model.__dict__
            raise
        problem = blow_up_of_stream(objective, progress, value)
        reason = "diverged" if problem else "partial_fit"
        if early is not None:
            model._best = early.best
            if early.has_waited and not problem:
                reason = "early_stopping"
                progress = early.best_of_stream(progress, plan.optimizer)
                objective = replace(objective, units=progress.units)
        model._publish(parts, plan, objective, progress, reason)
        rate = float(rates[0])
        model._append_to_curves(value, rate, seconds, done, norm, score)
        model._prepare_repetition(parts, plan, objective, progress)
        self.__dict__ = model.__dict__
        if self.verbose:
            print_pass(progress, value, score)
        if problem:
            divergence = Divergence(problem, before, before, float(rates.max()))
            self._warn_diverged(objective, plan, divergence)
        return self

    def _begin_pass(self, data, given, target_options):
        """Return what a call of `partial_fit` trains on, the plan and where it is."""
        parts = self._parts()
        given.check(self.early_stopping, streaming=True)
        resume = hasattr(self, "_progress")
        if resume:
            parts = parts.going_on(self.optimizer_)
        objective = self._objective(
            parts, *data, resume=resume, streaming=True, **target_options
        )
        held_out = self._validation_objective(objective, given) if given else None
        seed = self._progress.seed if resume else self._draw_seed()
        objective, progress = self._begin(
            parts, objective, seed, resume=resume, streaming=True
        )
        if not resume:
            self._begin_curves(resume)
        plan = plan_training(parts.settings, objective, progress)
        best = replace(self._best, unit=None) if given else None
        early = self._early_stopping(parts, plan, objective, progress, held_out, best)
        return parts, plan, objective, progress, early

    def _prepare_repetition(self, parts, plan, objective, progress):
        """Let the next call be quick if it is like this one, of a few rows."""
        is_small = objective.y.ndim == 1 and is_valid(
            self, objective.X, {"reset": False}
        )
        is_watched = self.early_stopping or self.record_gradient_norm or self.verbose
        if is_small and plan.n_batches == 1 and not is_watched:
            repetition = Repetition(parts, plan, objective, progress)
            if repetition.is_possible:
                self._repetition = repetition

    def _repeated(self, X, y):
        """Return the model after a call like the last one, None if this is another."""
        repetition, start = self._repetition, time.perf_counter()
        if repetition is None or repetition.parts is not self._parts():
            return None
        dtype = self._progress.w.dtype
        options = {"dtype": (dtype,), "reset": False}
        size = repetition.parts.settings.batch_size
        if (
            not is_valid(self, X, options)
            or not X.flags.c_contiguous
            or len(X) > (BATCH_SIZE if size == "auto" else size or math.inf)
        ):
            return None
        targets = self._encode_known(y, len(X), repetition.parts.loss, dtype)
        if targets is None:
            return None
        outcome = repetition.take(self._progress, X, targets)
        if outcome is None:
            return None
        objective, progress, value, rate = outcome
        model = self._scratch()
        seconds = time.perf_counter() - start
        model._publish(
            repetition.parts, repetition.plan, objective, progress, "partial_fit"
        )
        model._append_to_curves(value, rate, seconds, 1, math.nan)
        model._repetition = repetition
        return model

    def _warn_diverged(self, objective, plan, divergence):
        names = getattr(self, "feature_names_in_", None)
        cause = diagnose(objective, plan, divergence, names)
        warn(f"Training diverged: {divergence.what} {cause}", ConvergenceWarning)

    def _begin_curves(self, resume, run=None):
        """Give the curves lists of their own, without the epochs of a run."""
        for name in _CURVES:
            curve = getattr(self, f"{name}_", []) if resume else []
            n_known = len(curve) - (len(getattr(run.history, name)) if run else 0)
            setattr(self, f"{name}_", curve[:n_known])
        self._best = Best()

    def _append_to_curves(self, value, rate, seconds, updates, norm, score=None):
        """Take note of a pass; seconds and updates are those of it alone.

        The lists are those of the estimator before the pass: to be called when nothing
        can fail any more.
        """
        entries = {
            "loss_curve_": value,
            "learning_rate_curve_": rate,
            "time_curve_": self._last("time_curve_") + seconds,
            "update_curve_": self._last("update_curve_") + updates,
            "gradient_norm_curve_": norm,
            "validation_curve_": score,
        }
        for name, entry in entries.items():
            if entry is not None:
                self.__dict__.setdefault(name, []).append(entry)
        self.n_iter_ = len(self.loss_curve_)

    def _last(self, curve):
        """Return how much of what the curve sums up there has been so far."""
        entries = getattr(self, curve, None)
        return entries[-1] if entries else 0

    def _hold_out(self, objective, seed):
        """Return the objectives of the samples to train on and of those held out."""
        kept, held_out = hold_out(
            objective, self.validation_fraction, seed, is_classifier(self)
        )
        weights = _with_mean_one(kept.sample_weight)
        return replace(kept, sample_weight=weights), held_out

    def _validation_objective(self, objective, given):
        """Return the objective of the user's validation samples, for their loss."""
        try:
            X, y = check_X_y(
                self,
                given.X,
                given.y,
                **self.target_options,
                reset=False,
                dtype=[objective.X.dtype],
            )
            weights = check_sample_weight(given.sample_weight, X.shape[0])
            X, y, weights = drop_weightless(X, y, weights)
            y = self._encode_like(y, objective)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"X_val, y_val, sample_weight_val: {error}") from error
        return replace(objective, X=with_contiguous_rows(X), y=y, sample_weight=weights)

    def _early_stopping(self, parts, plan, objective, progress, held_out, best):
        """Return the rule of ``early_stopping``, None without samples held out."""
        if held_out is None:
            return None
        model = self._scratch()

        def publish(progress):
            model._publish(parts, plan, objective, progress, "")
            return model

        y = self._decode(held_out.y)
        return EarlyStopping(
            ValidationSet(held_out, y, self.scoring, publish),
            progress,
            self.tol,
            int(self.n_iter_no_change),
            best,
        )

    def _parts(self) -> Parts:
        """Return the parameters resolved, those of the last call if they are equal."""
        cls: Any = type(self)
        values = parameter_values(cls)(self.__dict__)
        known = self._resolved
        if known is None or not known.holds_for(values):
            self._resolved = known = Resolved(values, resolve(self))
        return known.parts

    def _objective(
        self, parts, X, y, sample_weight, *, resume, streaming, **target_options
    ):
        """Return the objective on validated data, in the dtype of the weights."""
        options = dict(self.target_options, reset=not resume)
        if resume:
            options["dtype"] = [self._progress.w.dtype]
        X, y = check_X_y(self, X, y, **options)
        weights = check_sample_weight(sample_weight, X.shape[0])
        X, y, weights = drop_weightless(X, y, weights, as_given=streaming)
        y, n_classes = self._encode(y, parts.loss, X.dtype, resume, **target_options)
        weights = self._weigh_classes(y, weights, n_classes, streaming)
        X, y, weights = drop_weightless(X, y, weights, as_given=streaming)
        if streaming:
            check_total_weight(weights, X.dtype)
        else:
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

    def _encode_like(self, y, objective):
        """Return targets of the loss that are coded as those of the objective."""
        raise NotImplementedError

    def _encode_known(self, y, n_samples, loss, dtype):
        """Return the targets of the loss as before, None if there is anything new."""
        raise NotImplementedError

    def _decode(self, y):
        """Return the user's targets for those of the loss."""
        return y

    def _weigh_classes(self, y, sample_weight, n_classes, streaming):
        """Return the sample weights times those of the classes."""
        return sample_weight

    def _begin(
        self,
        parts,
        objective,
        seed,
        start=(None, None),
        *,
        resume,
        streaming,
    ):
        """Return the objective in the units of training, and weights to start from."""
        if resume:
            progress = self._progress.copy()
            self._make_resumable(progress, objective, parts.settings.optimizer)
            self._fit_state(progress, parts)
        else:
            w = np.zeros(objective.shape, dtype=objective.X.dtype)
            progress = Progress(w=w, state={}, seed=seed)
        if parts.settings.standardize:
            objective = self._standardized(objective, progress, streaming)
        else:
            progress.standardizer = None
        if resume:
            progress.convert(objective, parts.settings.optimizer)
        progress.units = objective.units
        if not resume and self.init == "random":
            progress.w[...] = random_start(objective, seed, coef_init=start[0])
        set_start(objective, progress.w, *start)
        # Converting units may have rounded a weight past its bound.
        objective.project(progress.w)
        if not resume or any(values is not None for values in start):
            forget(progress, parts.settings.optimizer)
        return objective, progress

    def _standardized(self, objective, progress, streaming):
        """Return the objective in the units that the data of this call give."""
        last = progress.standardizer
        if last is None:
            progress.standardizer = Standardizer(objective)
        elif streaming:
            progress.standardizer = last.with_more(objective)
        else:
            progress.standardizer = Standardizer(objective, last.offset)
        objective = progress.standardizer.apply(objective)
        names = getattr(self, "feature_names_in_", None)
        known = last if streaming else None
        for complaint in progress.standardizer.complaints(known, names):
            warn(complaint, UserWarning)
        return objective

    def _make_resumable(self, progress, objective, optimizer):
        """Raise if the weights are not those of such an objective."""
        if progress.w.shape != objective.shape:
            raise ValueError(
                f"{type(self).__name__} cannot go on: its weights have shape "
                f"{progress.w.shape}, and with this data and fit_intercept="
                f"{self.fit_intercept} they would have shape {objective.shape}. "
                "Give it data of as many outputs and the fit_intercept of the calls "
                "before, or begin anew with sklearn.base.clone(estimator)."
            )

    def _fit_state(self, progress, parts):
        """Give another optimizer than that of the last call a state of its own."""
        last = getattr(self, "optimizer_", None)
        optimizer = parts.settings.optimizer
        if last is None or optimizer is last:
            return
        keys = initial_state(optimizer, progress.w).keys()
        if type(optimizer) is not type(last) or keys != progress.state.keys():
            forget(progress, optimizer)

    def _draw_seed(self):
        return draw_seed(type(self).__name__, self.random_state)

    def _snapshot(self, parts, plan, objective, run):
        """Return an estimator whose training ends now, and how it could go on."""
        model = self._scratch()
        model._publish_run(parts, plan, objective, run)
        model._run = run.copy()
        return model

    def _publish_run(self, parts, plan, objective, run):
        """Set the fitted attributes after a run."""
        for name in _CURVES:
            curve = getattr(self, f"{name}_") + getattr(run.history, name)
            setattr(self, f"{name}_", curve)
        reason = run.stop_reason or "unfinished"
        self._publish(
            parts, plan, objective, run.outcome(objective, plan.optimizer), reason
        )

    def _publish(self, parts, plan, objective, progress, stop_reason):
        """Set the fitted attributes."""
        for name in ("_run", "_unfinished", "_repetition"):
            self.__dict__.pop(name, None)
        self._progress = progress
        coef, intercept = objective.fold(progress.result(plan.optimizer))
        if objective.units is not None and parts.penalty.has_prox:
            # Converting units may have rounded a coefficient past its bound.
            coef = projection(parts.penalty, coef)
        self.coef_ = self._shape_coef(coef.T.copy())
        self.intercept_ = np.atleast_1d(intercept).copy()
        self.loss_, self.penalty_ = parts.loss, parts.penalty
        self.optimizer_, self.schedule_ = plan.optimizer, plan.schedule
        self.learning_rate_ = plan.base_rate(progress)
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

    def __setstate__(self, state):
        """Give parameters that are newer than a pickle their defaults."""
        parameters = inspect.signature(type(self)).parameters.items()
        defaults = {
            name: p.default for name, p in parameters if p.default is not p.empty
        }
        super().__setstate__(defaults | state)

    def __getstate__(self):
        state = {**super().__getstate__(), "_skgd_version": __version__}
        for name in ("_resolved", "_repetition"):
            state.pop(name, None)
        return state


def _with_mean_one(weights):
    """Return proportions as weights of mean 1, None if they are all the same."""
    if weights is None:
        return None
    weights = weights / weights.max()
    return None if weights.min() == 1 else weights / weights.mean()

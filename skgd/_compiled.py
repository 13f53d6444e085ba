"""The compiled pass over the data, and which components it knows.

Every built-in loss, penalty and optimizer has a compiled twin. Whatever has none
is called back from the same pass, once for each batch.
"""

from functools import cache
from inspect import getattr_static
from typing import Any

import numpy as np
from scipy import sparse

from . import _calls, losses, optimizers, penalties
from ._core import evaluate, run_pass
from .optimizers import tell_rate

LOSS_TWINS: dict[type, tuple[str, tuple[str, ...]]] = {
    losses.SquaredError: ("squared_error", ()),
    losses.AbsoluteError: ("absolute_error", ()),
    losses.Huber: ("huber", ("delta",)),
    losses.PseudoHuber: ("pseudo_huber", ("delta",)),
    losses.LogCosh: ("log_cosh", ()),
    losses.Quantile: ("quantile", ("level",)),
    losses.EpsilonInsensitive: ("epsilon_insensitive", ("epsilon",)),
    losses.SquaredEpsilonInsensitive: ("squared_epsilon_insensitive", ("epsilon",)),
    losses.Poisson: ("half_deviance", ("power",)),
    losses.Gamma: ("half_deviance", ("power",)),
    losses.Tweedie: ("half_deviance", ("power",)),
    losses.LogLoss: ("log_loss", ()),
    losses.Hinge: ("hinge", ()),
    losses.SquaredHinge: ("squared_hinge", ()),
    losses.ModifiedHuber: ("modified_huber", ()),
    losses.Perceptron: ("perceptron", ()),
}
"""The name of the twin and its parameters, in its order."""

_ADAM = ("beta1", "beta2", "eps")

OPTIMIZER_TWINS: dict[type, tuple[str, tuple[str, ...]]] = {
    optimizers.SGD: ("sgd", ()),
    optimizers.Momentum: ("momentum", ("momentum",)),
    optimizers.Nesterov: ("nesterov", ("momentum",)),
    optimizers.AdaGrad: ("adagrad", ("eps", "eps_inside_sqrt")),
    optimizers.RMSProp: (
        "rmsprop",
        ("rho", "momentum", "centered", "eps", "eps_inside_sqrt"),
    ),
    optimizers.AdaDelta: ("adadelta", ("rho", "eps")),
    optimizers.Adam: ("adam", _ADAM),
    optimizers.AMSGrad: ("amsgrad", _ADAM),
    optimizers.AdamW: ("adam", _ADAM),
    optimizers.AdaMax: ("adamax", _ADAM),
    optimizers.NAdam: ("nadam", (*_ADAM, "momentum_decay")),
    optimizers.RAdam: ("radam", _ADAM),
    optimizers.AdaBelief: ("adabelief", _ADAM),
    optimizers.Yogi: ("yogi", _ADAM),
    optimizers.Lion: ("lion", ("beta1", "beta2")),
    optimizers.RProp: ("rprop", ("eta_minus", "eta_plus", "delta_min", "delta_max")),
    optimizers.FTRL: ("ftrl", ("beta",)),
    optimizers.COCOB: ("cocob", ("alpha",)),
    optimizers.DoG: ("dog", ("eps",)),
    optimizers.Prodigy: ("prodigy", (*_ADAM, "coefficient")),
    optimizers.ScheduleFreeSGD: ("schedule_free_sgd", ("beta",)),
    optimizers.ScheduleFreeAdamW: ("schedule_free_adamw", _ADAM),
}

_L1_AND_L2 = {
    penalties.NoPenalty: lambda penalty: (0.0, 0.0),
    penalties.L2: lambda penalty: (0.0, 1.0),
    penalties.L1: lambda penalty: (1.0, 0.0),
    penalties.ElasticNet: lambda penalty: (
        float(penalty.l1_ratio),
        1 - float(penalty.l1_ratio),
    ),
    penalties._InProx: lambda penalty: (penalty.l1, penalty.l2),
}


_TWINS = LOSS_TWINS | OPTIMIZER_TWINS
_BUILT_IN = {*_TWINS, *_L1_AND_L2, penalties.Box, penalties.NonNegative}
_LEFT_TO_IT = {
    *("__init__", "__doc__", "init", "validate", "inverse_link", "unit_at"),
    *("averaged", "relocate"),
    *dir(object),
}
"""What a class may override without changing what its twin computes."""


def compiled_twin(component) -> tuple[str, tuple[float, ...]] | None:
    """Return the twin of a loss or an optimizer: its name and its parameters.

    None for a component that is not built in, or whose class overrides a formula
    of the built-in class that it derives from.
    """
    cls = _built_in(component)
    if cls is None:
        return None
    name, parameters = _TWINS[cls]
    return name, tuple(float(getattr(component, p)) for p in parameters)


def compiled_penalty(penalty, coef):
    """Return the twin of a penalty, or None as for `compiled_twin`.

    Returns
    -------
    l1, l2 : float
        The weights of the 1-norm and of half the squared 2-norm.
    lower, upper : ndarray of the shape and dtype of ``coef``, or None
        The bounds.
    in_prox : bool
        Whether the squared norm is in the proximal operator, not in the gradient.
    """
    cls = _built_in(penalty)
    if cls is None:
        return None
    if cls in _L1_AND_L2:
        return *_L1_AND_L2[cls](penalty), None, None, cls is penalties._InProx
    inner = compiled_penalty(penalties.resolve_penalty(penalty.penalty), coef)
    if inner is None or inner[2] is not None:
        return None
    lower, upper = map(np.ascontiguousarray, penalty.bounds(coef))
    return *inner[:2], lower, upper, inner[4]


def _built_in(component):
    """Return the built-in class whose formulas a component has, None without one."""
    kind: Any = type(component)
    cls, formulas = _built_in_class(kind)
    return cls if formulas.isdisjoint(vars(component)) else None


@cache
def _built_in_class(cls: Any):
    built_in = next((c for c in cls.__mro__ if c in _BUILT_IN), None)
    if built_in is None:
        return None, frozenset()
    formulas = {
        name: getattr_static(built_in, name)
        for name in set(dir(built_in)) - _LEFT_TO_IT
        if callable(getattr(built_in, name))
    }
    same = all(getattr_static(cls, name) is f for name, f in formulas.items())
    return (built_in if same else None), frozenset(formulas)


def has_sparse_steps(objective, optimizer, *, clip_norm, is_averaged) -> bool:
    """Whether a step costs what the non-zeros of its batch cost (``lazy.hpp``).

    With other optimizers and settings a step on sparse rows moves all weights.
    """
    penalty = objective.for_steps(optimizer).penalty
    name, _ = compiled_twin(optimizer) or ("", ())
    is_known = name in ("sgd", "adagrad", "ftrl") and compiled_twin(objective.loss)
    kind = _built_in(penalty)
    if not (is_known and kind in _L1_AND_L2 and clip_norm is None):
        return False
    if name != "sgd" and optimizer.weight_decay > 0:
        return False
    l1, l2 = (objective.alpha * part for part in _L1_AND_L2[kind](penalty))
    in_prox = kind is penalties._InProx
    if l2 > 0 and in_prox == (name == "sgd"):
        return False
    has_prox = l1 > 0 or (l2 > 0 and in_prox)
    return sparse.issparse(objective.X) and not (is_averaged and has_prox)


def with_contiguous_rows(X):
    """Return ``X`` as the compiled pass reads it; a copy only if that is needed."""
    if sparse.issparse(X):
        return _with_contiguous_arrays(X)
    contiguous = X.shape[1] <= 1 or X.strides[1] == X.itemsize
    whole = X.strides[0] % X.itemsize == 0
    return X if contiguous and whole and X.flags.aligned else np.array(X, order="C")


def _with_contiguous_arrays(X):
    """Return a CSR whose arrays are contiguous, native and have one type of index."""
    index = np.int32 if X.indices.dtype == X.indptr.dtype == np.int32 else np.int64
    given = X.data, X.indices, X.indptr
    native = X.dtype if X.dtype.isnative else X.dtype.newbyteorder("=")
    types = native, index, index
    arrays = [
        np.ascontiguousarray(a, dtype=t) for a, t in zip(given, types, strict=True)
    ]
    if all(new is old for new, old in zip(arrays, given, strict=True)):
        return X
    # Not through the constructor, which may change the type of one index array.
    whole = X.copy()
    whole.data, whole.indices, whole.indptr = arrays
    return whole


def run_batches(
    objective,
    optimizer,
    progress,
    rates,
    *,
    first_batch=0,
    batch_size,
    shuffle,
    clip_norm=None,
    average_from=None,
    average_power=0,
    engine=None,
) -> float:
    """Do what `skgd._loop.run_batches` does, by the core.

    ``engine`` is one of `skgd._core.engines`, None for the fastest.

    Raises
    ------
    ValueError
        If an array does not have the shape or the type that it must have.
    KeyboardInterrupt, and what a component raises
        Everything is then as it was after the last whole step.
    """
    objective = objective.for_steps(optimizer)
    hooks = _Hooks(objective, optimizer, progress)
    first = first_batch * batch_size
    n_left = -(-(objective.n_samples - first) // batch_size)
    given = {
        **_data(objective, progress.w),
        **_parts(objective, optimizer, progress, hooks, batch_size),
        "first": first,
        "stop": min(first + len(rates) * batch_size, objective.n_samples),
        "shuffle": (progress.seed, progress.epoch) if shuffle else None,
        "batch_size": batch_size,
        "rates": _checked("rates", rates, (min(len(rates), n_left),), np.float64),
        "clip_norm": -1 if clip_norm is None else clip_norm,
        "engine": engine,
    }
    return _run(given, progress, average_from, average_power)


def _run(given, progress, average_from=None, average_power=0):
    if average_from is not None:
        average_from = max(average_from - progress.since, 1)
        if not progress.n_averaged:
            progress.average = np.zeros_like(progress.w)
    clock = np.array([progress.t - progress.since, progress.n_averaged])
    try:
        return run_pass(
            **given,
            clock=clock,
            average=None if average_from is None else progress.average,
            average_from=-1 if average_from is None else average_from,
            average_power=average_power,
        )
    finally:
        t, progress.n_averaged = clock.tolist()
        progress.t = t + progress.since


class OneBatch:
    """`run_batches` for one batch after another of the same kind.

    Parameters
    ----------
    objective : LinearObjective
        With a batch of this kind; another has other values, and may have other rows.
    optimizer : Optimizer
    progress : Progress
    clip_norm : float or None
    """

    def __init__(self, objective, optimizer, progress, clip_norm):
        objective = objective.for_steps(optimizer)
        hooks = _Hooks(objective, optimizer, progress)
        self._given = {
            **_data(objective, progress.w),
            **_parts(objective, optimizer, progress, hooks, objective.n_samples),
            "first": 0,
            "shuffle": None,
            "clip_norm": -1 if clip_norm is None else clip_norm,
            "engine": None,
        }
        for name in ("w", "X", "y", "state"):
            self._given[name] = None

    @property
    def is_compiled(self) -> bool:
        """Whether no component is called back; one that is would keep arrays."""
        twins = (self._given[name] for name in ("loss", "penalty", "optimizer"))
        return all(twin is not None for twin in twins)

    def run(self, X, y, progress, rates, averaging) -> float:
        """Take the step for a C-ordered ``X`` and return the sum of its losses."""
        n = len(X)
        given = {
            **self._given,
            "w": progress.w,
            "X": X,
            "y": y,
            "n_samples": n,
            "stop": n,
            "batch_size": n,
            "state": progress.state,
            "rates": rates,
        }
        return _run(given, progress, **averaging)


def objective_value(objective, w) -> float:
    """Return what `LinearObjective.value` does."""
    if compiled_twin(objective.loss) is None:
        return objective.value(w)
    total = _evaluate(objective, w, None)
    return total / objective.total_weight() + objective.penalty_value(w)


def full_gradient(objective, w):
    """Return what `LinearObjective.full_gradient` does."""
    if compiled_twin(objective.loss) is None:
        return objective.full_gradient(w)
    g = np.zeros_like(w)
    _evaluate(objective, w, g)
    with np.errstate(all="ignore"):
        objective.add_penalty_gradient(g, w)
    return g


def _evaluate(objective, w, g, engine=None):
    return evaluate(
        **_data(objective, w),
        loss=compiled_twin(objective.loss),
        g=g,
        engine=engine,
    )


def _data(objective, w):
    return {
        "w": _checked("w", w, objective.shape, objective.X.dtype),
        **_rows(objective),
        **_targets(objective, w),
        "units": _units(objective),
    }


def _units(objective):
    """Return what the features are standardized by, and the units of the outputs."""
    units = objective.units
    if units is None:
        return None
    n_features, outputs = objective.X.shape[1], objective.shape[1:]
    shapes = {
        "center": (n_features,),
        "inverse_scale": (n_features,),
        "offset": outputs,
        "unit": outputs,
        "residual_scale": outputs,
    }
    return [
        _checked(name, np.asarray(getattr(units, name)), shape, objective.X.dtype)
        for name, shape in shapes.items()
    ]


def _rows(objective):
    X = with_contiguous_rows(objective.X)
    is_sparse = sparse.issparse(X)
    return {
        "X": _checked("X", X.data if is_sparse else X, None, "f"),
        "indices": X.indices if is_sparse else None,
        "indptr": X.indptr if is_sparse else None,
        "n_samples": X.shape[0],
        "n_features": X.shape[1],
        "fit_intercept": objective.fit_intercept,
    }


def _targets(objective, w):
    n, y, weights = objective.n_samples, objective.y, objective.sample_weight
    codes = objective.n_classes is not None
    if y.ndim == 2 and y.strides[1] != y.itemsize:
        y = y.copy(order="C")
    if weights is not None:
        weights = _checked("sample_weight", weights, (n,), "f")
    return {
        "y": _checked(
            "y", y, (n,) if codes else (n, *w.shape[1:]), "i" if codes else "f"
        ),
        "sample_weight": weights,
        "n_outputs": w.shape[1] if w.ndim == 2 else 0,
    }


def _parts(objective, optimizer, progress, hooks, batch_size):
    """Return the twins or else hooks, and the arrays that a step changes."""
    w, state = progress.w, progress.state
    loss = compiled_twin(objective.loss)
    penalty = compiled_penalty(objective.penalty, objective.coef(w))
    rule = compiled_twin(optimizer)
    if rule is not None:
        for name, array in state.items():
            like = (w.shape, w.dtype) if array.ndim else ((), np.float64)
            _checked(f"state {name!r}", array, *like)
    if loss is None:
        hooks.make_batch(min(batch_size, objective.n_samples))
    if rule is None or penalty is None:
        hooks.make_step()
    return {
        "loss": loss,
        "penalty": penalty,
        "optimizer": rule,
        "alpha": objective.alpha,
        "weight_decay": optimizer.weight_decay,
        "state": state,
        "loss_hook": hooks.loss,
        "direction_hook": hooks.direction,
        "penalty_gradient_hook": hooks.penalty_gradient,
        "prox_hook": hooks.prox,
        **hooks.arrays,
    }


def _checked(name, array, shape, dtype):
    """Return an array that is what the compiled code, which looks at none, expects.

    ``dtype`` is that of an array that is contiguous, or a kind.
    """
    fits = (
        array.shape == (array.shape if shape is None else shape)
        and array.dtype.isnative
    )
    if isinstance(dtype, str):
        fits = fits and array.dtype.kind == dtype and array.dtype.itemsize in (4, 8)
    else:
        fits = fits and array.dtype == dtype and array.flags.c_contiguous
    if not fits:
        raise ValueError(
            f"{name} must be of shape {shape} and type {dtype}, got {array.dtype} "
            f"{array.shape} with strides {array.strides}."
        )
    return array


_QUIET = np.errstate(all="ignore")


class _Hooks:
    """The Python components of a pass, and the arrays they share with it."""

    def __init__(self, objective, optimizer, progress):
        self._objective, self._optimizer = objective, optimizer
        self._w, self._state = progress.w, progress.state
        names = ["g", "d", "scale", "batch_y", "batch_z", "batch_r", "batch_values"]
        self.arrays: dict[str, Any] = dict.fromkeys(names)

    def make_batch(self, size):
        for name in ("batch_y", "batch_z", "batch_r"):
            self.arrays[name] = np.empty((size, *self._w.shape[1:]), self._w.dtype)
        self.arrays["batch_values"] = np.empty(size)
        self._batch = [_calls.read_only(self.arrays[n]) for n in ("batch_y", "batch_z")]

    def make_step(self):
        for name in ("g", "d", "scale"):
            self.arrays[name] = np.empty_like(self._w)
        self._given = _calls.read_only(self._w), _calls.read_only(self.arrays["g"])

    @_QUIET
    def loss(self, size):
        objective = self._objective
        y, z = (array[:size] for array in self._batch)
        z = _calls.read_only(objective.in_target_units(z))
        values = _calls.loss_value(objective.loss, y, z).reshape(size, -1)
        self.arrays["batch_values"][:size] = values.sum(axis=1, dtype=float)
        self.arrays["batch_r"][:size] = objective.residual(y, z)

    @_QUIET
    def direction(self, t, rate):
        tell_rate(self._state, rate)
        arguments = self._optimizer, *self._given, t, self._state
        self.arrays["d"][...] = _calls.direction(*arguments)
        if self._objective.penalty.has_prox:
            self.arrays["scale"][...] = _calls.scale(*arguments)

    @_QUIET
    def penalty_gradient(self):
        self._objective.add_penalty_gradient(self.arrays["g"], self._w)

    @_QUIET
    def prox(self, rate):
        self._objective.prox(self._w, rate * self.arrays["scale"])

"""A function to be minimised: its derivatives, and what the loop needs of it."""

import copy
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from scipy.optimize import approx_fprime

from . import _calls
from ._autodiff import BACKENDS, find_backend, scalar_function
from ._validation import did_you_mean
from .penalties import Penalty

_EPS = np.finfo(float).eps


class Function(ABC):
    """A function of a vector with its derivatives, and how often each was computed.

    ``fun`` is given a copy of the vector: what it writes there is lost.
    """

    def __init__(self, fun):
        self.fun = fun
        self.nfev = 0
        self.njev = 0

    @abstractmethod
    def value_and_gradient(self, x, *args) -> tuple[float, np.ndarray]:
        """Return fun(x, *args) and its gradient, in the dtype of ``x``."""

    def value(self, x, *args) -> float:
        self.nfev += 1
        return _number(self.fun(x.copy(), *args))

    def noise(self, x, value) -> float:
        """Return what the rounding of values adds to an entry of the gradient."""
        return 0.0

    def hessian(self, x, *args) -> np.ndarray:
        """Return the matrix of second derivatives, symmetric."""
        hessian = _central_difference(
            lambda x: self.value_and_gradient(x, *args)[1], x, _EPS ** (1 / 3)
        )
        return _symmetric(hessian, x.size)


class WithGradient(Function):
    """A function whose gradient is another one, ``jac``."""

    def __init__(self, fun, jac):
        super().__init__(fun)
        self.jac = jac

    def value_and_gradient(self, x, *args):
        self.njev += 1
        value = self.value(x, *args)
        return value, _vector(self.jac(x.copy(), *args), x, "jac")


class ReturningBoth(Function):
    """A function that returns its value and its gradient."""

    def value_and_gradient(self, x, *args):
        self.njev += 1
        return self._both(x, *args)

    def value(self, x, *args):
        return self._both(x, *args)[0]

    def _both(self, x, *args):
        self.nfev += 1
        both = self.fun(x.copy(), *args)
        if not (isinstance(both, tuple | list) and len(both) == 2):
            raise ValueError(
                "fun must return its value and its gradient, a pair, for jac=True, "
                f"got {both!r}."
            )
        return _number(both[0]), _vector(both[1], x, "the second return value of fun")


class ByDifferences(Function):
    """A function without a gradient: central differences within the bounds.

    The step is ∛ε · max(1, |x|), for the rounding error of machine precision ε.
    Where it would leave the bounds the difference is one-sided, inwards.
    """

    def __init__(self, fun, lower=-np.inf, upper=np.inf):
        super().__init__(fun)
        self.lower = lower
        self.upper = upper

    def value_and_gradient(self, x, *args):
        self.njev += 1
        gradient = self._gradient(x, _EPS ** (1 / 3), *args)
        return self.value(x, *args), gradient.astype(x.dtype)

    def noise(self, x, value):
        # A quotient has the error of two values; there is one for each direction.
        return 2 * _EPS ** (2 / 3) * abs(value)

    def hessian(self, x, *args):
        # The step of the inner difference and of the outer: that of a second one.
        step = _EPS ** (1 / 4)
        hessian = _central_difference(lambda x: self._gradient(x, step, *args), x, step)
        return _symmetric(hessian, x.size)

    def _gradient(self, x, relative_step, *args):
        def value(x):
            return self.value(np.clip(x, self.lower, self.upper), *args)

        return _central_difference(value, x, relative_step, self.lower, self.upper)


class ByAutodiff(Function):
    """A function written for a package that differentiates it."""

    def __init__(self, fun, backend):
        super().__init__(fun)
        self.backend = find_backend(backend, "jac")

    def value_and_gradient(self, x, *args):
        self.nfev += 1
        self.njev += 1
        with self.backend.precision():
            function = scalar_function(self.backend, self.fun, args)
            value, gradient = self.backend.value_and_gradient(function, x.copy())
        return value, _vector(gradient, x, "the gradient")

    def value(self, x, *args):
        self.nfev += 1
        with self.backend.precision():
            function = scalar_function(self.backend, self.fun, args)
            return _number(function(self.backend.array(x.copy())))

    def hessian(self, x, *args):
        with self.backend.precision():
            function = scalar_function(self.backend, self.fun, args)
            return self.backend.hessian(function, x.copy())


def as_function(fun, jac, lower=-np.inf, upper=np.inf) -> Function:
    """Return ``fun`` with the derivatives that ``jac`` stands for: see `minimize`."""
    if not callable(fun):
        raise TypeError(f"fun must be a function of x, got {fun!r}.")
    if callable(jac):
        return WithGradient(fun, jac)
    if jac is True:
        return ReturningBoth(fun)
    if jac is None or jac is False:
        return ByDifferences(fun, lower, upper)
    if not isinstance(jac, str) or jac not in BACKENDS:
        raise ValueError(
            "jac must be a function, True, None or one of "
            f"{sorted(BACKENDS)}, got {jac!r}." + did_you_mean(jac, BACKENDS)
        )
    return ByAutodiff(fun, jac)


def as_vector(x, owner, name):
    """Return a float vector, float32 if it was, or raise."""
    accepted = "a number or a vector of at least one finite real number"
    message = f"{owner}: {name} must be {accepted}, got {x!r}."
    try:
        array = np.atleast_1d(np.asarray(x))
    except ValueError:
        raise ValueError(message) from None
    if array.dtype.kind not in "fiu":
        raise TypeError(message)
    if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all():
        raise ValueError(message)
    return array if array.dtype == np.float32 else array.astype(float)


class FunctionObjective:
    """What the loop minimises: ±fun(w, *batch, *args) + alpha · penalty(w).

    Parameters
    ----------
    function : Function
    penalty : Penalty
    alpha : float
    data : tuple of arrays of the same length
        The function is given the same rows of each. Without data there is one
        batch, and the function is given none.
    args : tuple
    maximize : bool
        Whether the sign is minus.
    """

    def __init__(self, function, *, penalty: Penalty, alpha, data, args, maximize):
        self.function = function
        self.penalty = penalty
        self.alpha = alpha
        self.data = data
        self.args = args
        self.sign = -1.0 if maximize else 1.0
        self.n_samples = data[0].shape[0] if data else 1
        self._cache: dict[str, Any] = {"rows": None}

    def for_steps(self, optimizer) -> "FunctionObjective":
        """Return the objective with the penalty where the optimizer takes it."""
        if not optimizer.proximal:
            return self
        twin = copy.copy(self)
        twin.penalty = _calls.as_prox(self.penalty)
        return twin

    def evaluate(self, w):
        """Return the objective on all data, and the gradient of its smooth part."""
        value, g = self._loss(w, slice(0, self.n_samples))
        return value + self.alpha * _calls.penalty_value(self.penalty, w), g

    def gradient(self, w, rows):
        """Return the loss of a batch, and the gradient of its smooth objective."""
        return self._loss(w, rows)

    def coef(self, w):
        return w

    def prox(self, w, step) -> None:
        w[...] = _calls.prox(self.penalty, w, self.alpha * step)

    def _loss(self, w, rows):
        value, g = self._value_and_gradient(w, rows)
        g = self.sign * g + self.alpha * _calls.penalty_gradient(self.penalty, w)
        return self.sign * value, g

    def _value_and_gradient(self, w, rows):
        # A step begins where the last iteration was evaluated.
        last = self._cache
        both = isinstance(rows, slice) and isinstance(last["rows"], slice)
        if both and rows == last["rows"] and np.array_equal(w, last["w"]):
            return last["result"]
        batch = [array[rows] for array in self.data]
        result = self.function.value_and_gradient(w, *batch, *self.args)
        self._cache.update(rows=rows, w=w.copy(), result=result)
        return result


def _central_difference(function, x, relative_step, lower=-np.inf, upper=np.inf):
    """Return the derivatives of a number or a vector by each entry of ``x``."""
    x = x.astype(float)
    step = relative_step * np.maximum(1, np.abs(x))
    forward = np.where(x + step > upper, -step, step)
    backward = np.where(x - step < lower, step, -step)
    return (
        approx_fprime(x, function, forward) + approx_fprime(x, function, backward)
    ) / 2


def _symmetric(matrix, n):
    # SciPy returns a vector for one variable.
    matrix = matrix.reshape(n, n)
    return (matrix + matrix.T) / 2


def _number(value):
    array = np.asarray(value)
    if array.dtype.kind not in "fiub" or array.size != 1:
        raise ValueError(f"fun must return a real number, got {value!r}.")
    return float(array.reshape(()))


def _vector(value, x, name):
    array = np.asarray(value)
    if array.dtype.kind not in "fiu" or array.size != x.size or array.ndim > 1:
        raise ValueError(
            f"{name} must be real numbers of shape {x.shape}, got {value!r}."
        )
    return array.reshape(x.shape).astype(x.dtype)

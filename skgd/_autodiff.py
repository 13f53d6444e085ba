"""Derivatives by automatic differentiation, by whichever package is installed.

Each of PyTorch, JAX and autograd needs the same four things here: arrays of its own
from NumPy's, a value with its gradient, a Hessian, and whether a value was made of the
array to differentiate by.
"""

import math
import warnings
from contextlib import nullcontext
from importlib import import_module

import numpy as np


class Torch:
    """PyTorch: the function is written with ``torch`` operations on tensors."""

    def __init__(self):
        self.torch = import_module("torch")
        self.array_types = (self.torch.Tensor,)

    def array(self, x):
        return self.torch.tensor(x)

    def value_and_gradient(self, function, x):
        x = self.torch.tensor(x, requires_grad=True)
        value = function(x)
        (g,) = self.torch.autograd.grad(value, x)
        return value.item(), g.numpy()

    def hessian(self, function, x):
        hessian = self.torch.autograd.functional.hessian
        return hessian(function, self.torch.tensor(x)).numpy()

    def is_traced(self, value):
        return isinstance(value, self.torch.Tensor) and value.requires_grad

    def precision(self):
        return nullcontext()


class Jax:
    """JAX, with float64 switched on for the length of the call.

    Nothing is compiled: the function may contain what cannot be.
    """

    def __init__(self):
        self.jax = import_module("jax")
        self.array_types = (self.jax.Array,)

    def array(self, x):
        return self.jax.numpy.asarray(x)

    def value_and_gradient(self, function, x):
        value, g = self.jax.value_and_grad(function)(self.array(x))
        return float(value), np.array(g)

    def hessian(self, function, x):
        return np.array(self.jax.hessian(function)(self.array(x)))

    def is_traced(self, value):
        return isinstance(value, self.jax.core.Tracer)

    def precision(self):
        return self.jax.enable_x64(True)


class Autograd:
    """HIPS autograd: the function is written with ``autograd.numpy``."""

    array_types = (np.ndarray, np.generic)

    def __init__(self):
        self.autograd = import_module("autograd")

    def array(self, x):
        return x

    def value_and_gradient(self, function, x):
        value, g = self.autograd.value_and_grad(function)(x)
        return float(value), g

    def hessian(self, function, x):
        with warnings.catch_warnings():
            # A gradient may be constant: that is no mistake.
            warnings.filterwarnings("ignore", "Output seems independent of input")
            return self.autograd.hessian(function)(x)

    def is_traced(self, value):
        return self.autograd.tracer.isbox(value)

    def precision(self):
        return nullcontext()


BACKENDS = {"autograd": Autograd, "torch": Torch, "jax": Jax}
"""The packages, in the order in which they are tried."""


def find_backend(name, parameter):
    """Return the backend of that name.

    Parameters
    ----------
    name : {"autograd", "torch", "jax"}
    parameter : str
        What names it, in the error message.

    Raises
    ------
    ImportError
        If its package is not installed; the message has the extra to install.
    """
    try:
        return BACKENDS[name]()
    except ImportError as error:
        raise ImportError(
            f"{parameter}={name!r} needs the package {name}, which is not installed: "
            f"pip install 'skgd[{name}]'."
        ) from error


def scalar_function(backend, fun, args):
    """Return ``fun`` of one array, with ``args`` in the arrays of the backend."""
    args = [backend.array(a) if isinstance(a, np.ndarray) else a for a in args]

    def function(x):
        value = fun(x, *args)
        if not hasattr(value, "reshape"):
            raise TypeError(
                f"fun must return a number made of x by {type(backend).__name__}'s "
                f"operations for jac={type(backend).__name__.lower()!r}, got {value!r}."
            )
        if math.prod(value.shape) != 1:
            raise ValueError(
                "fun must return a real number, got an array of shape "
                f"{tuple(value.shape)}."
            )
        return value.reshape(())

    return function


def elementwise_values(backend, function, y, z):
    """Return function(y, z), of the shape of ``z`` or one number for each row."""
    values = _own_values(backend, function, y, z)
    _check_shape(values, function, z)
    return np.asarray(values)


def elementwise_derivative(backend, function, y, z):
    """Return the derivative of function(y, z) by ``z``.

    It is the gradient of the sum, as no row depends on the ``z`` of another.
    """

    def total(y, z):
        values = _traced_values(backend, function, y, z)
        _check_shape(values, function, z)
        return values.sum()

    return _gradient(backend, total, y, z)


def backend_of(function):
    """Return the name of the first package that differentiates function(y, z) by z.

    It is tried with two targets of 1 and predictions of ½; if it fails, with two rows.

    Raises
    ------
    ImportError
        If none is installed; the message has the extras.
    TypeError
        If the function fails with all that are; the message says how with each.
    """
    failures: dict[str, Exception] = {}
    for name in BACKENDS:
        try:
            backend = find_backend(name, "backend")
        except ImportError:
            continue
        failure = _failure(backend, function, (2,))
        if failure is None or _failure(backend, function, (2, 3)) is None:
            return name
        failures[name] = failure
    if not failures:
        raise ImportError(
            f"loss: the derivative of the function {function!r} needs one of the "
            f"packages {', '.join(BACKENDS)}, and none is installed: "
            "pip install 'skgd[autograd]', 'skgd[torch]' or 'skgd[jax]'."
        )
    said = " ".join(f"With {name}: {error!r}." for name, error in failures.items())
    raise TypeError(
        f"loss: no installed package differentiates the function {function!r}; write "
        f"it with the operations of one, e.g. autograd.numpy in place of numpy. {said}"
    ) from next(iter(failures.values()))


def _failure(backend, function, shape):
    """Return the exception if a function of that shape cannot be differentiated."""
    y, z = np.ones(shape), np.full(shape, 0.5)

    def total(y, z):
        return _traced_values(backend, function, y, z).sum()

    try:
        with np.errstate(all="ignore"):
            _own_values(backend, function, y, z)
            _gradient(backend, total, y, z)
    except Exception as error:
        return error
    return None


def _gradient(backend, total, y, z):
    with backend.precision():
        y = backend.array(y)
        return backend.value_and_gradient(lambda z: total(y, z), z)[1]


def _own_values(backend, function, y, z):
    """Return function(y, z) in the arrays of the backend.

    Those of another are no error by themselves: JAX computes with NumPy's, but in
    float32.
    """
    with backend.precision():
        values = function(backend.array(y), backend.array(z))
    if not isinstance(values, backend.array_types):
        raise _not_its_own(backend, values)
    return values


def _traced_values(backend, function, y, z):
    values = function(y, z)
    if not backend.is_traced(values):
        raise _not_its_own(backend, values)
    return values


def _not_its_own(backend, values):
    return TypeError(
        "loss: the function must return what it makes of z by the operations of "
        f"{type(backend).__name__.lower()}, got {values!r}."
    )


def _check_shape(values, function, z):
    """Raise if there is not one value for each element or row of z."""
    shapes = tuple(z.shape), tuple(z.shape[:1])
    if tuple(values.shape) not in shapes:
        accepted = " or ".join(map(str, dict.fromkeys(shapes)))
        raise ValueError(
            f"loss: the function {function!r} must return the loss of each prediction, "
            f"no mean or sum: an array of shape {accepted}, as z has, got an array of "
            f"shape {tuple(values.shape)}."
        )

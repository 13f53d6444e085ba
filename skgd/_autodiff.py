"""Derivatives by automatic differentiation, by whichever package is installed.

Each of PyTorch, JAX and autograd needs the same three things here: arrays of its own
from NumPy's, a value with its gradient, and a Hessian.
"""

import math
import warnings
from contextlib import nullcontext
from importlib import import_module

import numpy as np

from ._validation import did_you_mean


class Torch:
    """PyTorch: the function is written with ``torch`` operations on tensors."""

    def __init__(self):
        self.torch = _import("torch", "torch")

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

    def precision(self):
        return nullcontext()


class Jax:
    """JAX, with float64 switched on for the length of the call.

    Nothing is compiled: the function may contain what cannot be.
    """

    def __init__(self):
        self.jax = _import("jax", "jax")

    def array(self, x):
        return self.jax.numpy.asarray(x)

    def value_and_gradient(self, function, x):
        value, g = self.jax.value_and_grad(function)(self.array(x))
        return float(value), np.array(g)

    def hessian(self, function, x):
        return np.array(self.jax.hessian(function)(self.array(x)))

    def precision(self):
        return self.jax.enable_x64(True)


class Autograd:
    """HIPS autograd: the function is written with ``autograd.numpy``."""

    def __init__(self):
        self.autograd = _import("autograd", "autograd")

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

    def precision(self):
        return nullcontext()


BACKENDS = {"torch": Torch, "jax": Jax, "autograd": Autograd}
"""What ``jac`` may name."""


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


def find_backend(name):
    """Return the backend of that name.

    Raises
    ------
    ValueError
        If there is none; the message has the nearest one.
    ImportError
        If its package is not installed; the message has the extra to install.
    """
    if name not in BACKENDS:
        raise ValueError(
            "jac must be a function, True, None or one of "
            f"{sorted(BACKENDS)}, got {name!r}." + did_you_mean(name, BACKENDS)
        )
    return BACKENDS[name]()


def _import(package, extra):
    try:
        return import_module(package)
    except ImportError as error:
        raise ImportError(
            f"jac={extra!r} needs the package {package}, which is not installed: "
            f"pip install 'skgd[{extra}]'."
        ) from error

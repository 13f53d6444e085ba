"""Penalties: what the coefficients cost, and the bounds they keep to.

A penalty has a smooth part, whose gradient joins that of the loss, and a rest,
which is applied after each step by its proximal operator: zeros come out
exactly zero, and bounds are kept exactly. It does not know the optimizer.

Wherever a penalty is a parameter, ``None`` stands for `NoPenalty`;
`resolve_penalty` turns what the user gave into an instance.
"""

import copy
import math
import sys
from abc import abstractmethod
from typing import ClassVar

import numpy as np

from . import _calls
from ._component import Component, Registry
from ._validation import Number


class Penalty(Component):
    """Base class of the penalties.

    A subclass writes `value` and, as far as it has them, the `gradient` of the
    smooth part and the `prox` of the rest.

    Examples
    --------
    >>> class TowardsOne(Penalty):
    ...     def value(self, w):
    ...         return 0.5 * float(np.sum((w - 1) ** 2))
    ...
    ...     def gradient(self, w):
    ...         return w - 1
    >>> TowardsOne().gradient(np.array([0.0, 3.0]))
    array([-1.,  2.])
    >>> TowardsOne().has_prox
    False
    """

    @property
    def has_prox(self) -> bool:
        """Whether there is a part that is not smooth."""
        return type(self).prox is not Penalty.prox

    @abstractmethod
    def value(self, w) -> float:
        """Return the penalty of the coefficients ``w``, both parts."""

    def gradient(self, w):
        """Return the gradient of the smooth part."""
        return np.zeros_like(w)

    def prox(self, w, step):
        r"""Return the proximal operator of the rest.

        .. math:: \arg\min_u \; \tfrac12 \|u - w\|^2 / \text{step} + \text{rest}(u)

        Parameters
        ----------
        w : ndarray of shape (n_features,) or (n_features, n_outputs)
            The coefficients; not to be written.
        step : float or ndarray that broadcasts to ``w``, >= 0

        Returns
        -------
        ndarray of the shape and dtype of ``w``
        """
        return w

    def as_prox(self) -> "Penalty":
        """Return the same penalty with its smooth part in the proximal operator, too.

        For optimizers that are ``proximal``. Without a formula for that, the smooth
        part stays in the gradient, as in a subclass with a formula of its own.
        """
        return self

    def in_units(self, factor) -> "Penalty":
        """Return the penalty of weights that stand for coefficients ``factor * w``.

        Norms are taken of the weights as they are; bounds are for coefficients.

        Parameters
        ----------
        factor : ndarray of the shape of ``w``, >= 0
            Zero where a weight stands for nothing.
        """
        return self

    def of_output(self, k) -> "Penalty":
        """Return the penalty of one column of coefficients for several outputs."""
        return self


PENALTIES = Registry("penalty", Penalty)
"""The penalties by name."""


def resolve_penalty(penalty, *, parameter="penalty", **defaults) -> Penalty:
    """Return a validated penalty of its own for a name, an instance or ``None``.

    Parameters
    ----------
    penalty : str, Penalty or None
        ``None`` is the same as ``"none"``.
    parameter : str, default="penalty"
        The name of the parameter in error messages.
    **defaults
        Arguments for the class of a name, those that its ``__init__`` has.

    Raises
    ------
    ValueError, TypeError
        As ``Registry.resolve``: for a name that is not known, or what is none of these.

    Examples
    --------
    >>> resolve_penalty(None)
    NoPenalty()
    >>> resolve_penalty("elasticnet", l1_ratio=0.25)
    ElasticNet(l1_ratio=0.25)
    """
    name_or_instance = "none" if penalty is None else penalty
    return PENALTIES.resolve(name_or_instance, parameter=parameter, **defaults)


@PENALTIES.register("none")
class NoPenalty(Penalty):
    """No penalty at all, 0: what ``penalty=None`` stands for.

    Examples
    --------
    >>> import numpy as np
    >>> NoPenalty().value(np.array([3.0, 4.0]))
    0.0
    """

    def value(self, w):
        return 0.0


@PENALTIES.register("l2")
class L2(Penalty):
    """Half the squared Euclidean norm, ½‖w‖² (ridge).

    Shrinks all coefficients, the large ones most, and makes none of them zero.

    References
    ----------
    A. E. Hoerl and R. W. Kennard, "Ridge Regression: Biased Estimation for
    Nonorthogonal Problems", 1970.

    Examples
    --------
    >>> import numpy as np
    >>> L2().value(np.array([3.0, 4.0]))
    12.5
    """

    def value(self, w):
        return _half_sum_of_squares(w)

    def gradient(self, w):
        return w

    def as_prox(self):
        return _InProx(0.0, 1.0) if _has_formulas_of(L2, self) else self


@PENALTIES.register("l1")
class L1(Penalty):
    """The sum of the absolute values, ‖w‖₁ (lasso).

    Makes coefficients exactly zero: for few relevant features among many.

    References
    ----------
    R. Tibshirani, "Regression Shrinkage and Selection via the Lasso", 1996.

    Examples
    --------
    >>> import numpy as np
    >>> L1().value(np.array([3.0, -4.0]))
    7.0
    >>> L1().prox(np.array([3.0, -4.0, 0.5]), 1.0)
    array([ 2., -3.,  0.])
    """

    def value(self, w):
        return _sum_of_absolutes(w)

    def prox(self, w, step):
        return soft_threshold(w, step)


@PENALTIES.register("elasticnet")
class ElasticNet(Penalty):
    r"""A mixture of both norms, :math:`\rho\|w\|_1 + \tfrac{1-\rho}{2}\|w\|^2`.

    Selects features as `L1` does, but keeps correlated ones together.

    Parameters
    ----------
    l1_ratio : float in [0, 1], default=0.15
        :math:`\rho`, the weight of the 1-norm.

    References
    ----------
    H. Zou and T. Hastie, "Regularization and variable selection via the
    elastic net", 2005.

    Examples
    --------
    >>> import numpy as np
    >>> ElasticNet(l1_ratio=0.5).prox(np.array([0.2, -0.8]), 1.0)
    array([ 0. , -0.3])
    """

    constraints: ClassVar = {"l1_ratio": Number(0, 1)}

    def __init__(self, l1_ratio=0.15):
        self.l1_ratio = l1_ratio

    def value(self, w):
        rho = float(self.l1_ratio)
        return rho * _sum_of_absolutes(w) + (1 - rho) * _half_sum_of_squares(w)

    def gradient(self, w):
        return (1 - float(self.l1_ratio)) * w

    def prox(self, w, step):
        return soft_threshold(w, step * float(self.l1_ratio))

    def as_prox(self):
        rho = float(self.l1_ratio)
        return _InProx(rho, 1 - rho) if _has_formulas_of(ElasticNet, self) else self


def _has_formulas_of(cls, penalty):
    """Whether a penalty of a subclass is still that of the class."""
    names = "value", "gradient", "prox"
    return all(getattr(type(penalty), name) is getattr(cls, name) for name in names)


class _InProx(Penalty):
    """An elastic net whose proximal operator is that of both norms."""

    def __init__(self, l1, l2):
        self.l1 = l1
        self.l2 = l2

    def value(self, w):
        return self.l1 * _sum_of_absolutes(w) + self.l2 * _half_sum_of_squares(w)

    def prox(self, w, step):
        with np.errstate(over="ignore", under="ignore"):
            shrink = 1 / (1 + np.asarray(step) * self.l2)
            u = soft_threshold(w, step * self.l1) if self.l1 else w
            return u * shrink.astype(w.dtype)


@PENALTIES.register("box")
class Box(Penalty):
    r"""Bounds on the coefficients, lower <= w <= upper, with or without a penalty.

    .. math:: \text{penalty}(w) \text{ if } l \le w \le u, \text{ else } \infty

    The bounds hold exactly, from the first step on, after rounding to the dtype
    of the coefficients.

    Parameters
    ----------
    lower : float or array, default=-inf
        Of shape (n_features,) or (n_features, n_outputs); the first holds for every
        output.
    upper : float or array, default=inf
        The same; ``lower <= upper`` everywhere.
    penalty : str, Penalty or None, default=None
        The penalty inside the bounds, a sum over the coefficients.

    Notes
    -----
    The proximal operator is that of ``penalty``, clipped to the bounds. This is
    exact for a penalty that is a sum of convex functions of one coefficient: in
    one dimension the minimiser over an interval is the nearest point to the
    minimiser over the line. For others, such as norms of groups, it is not.

    References
    ----------
    N. Parikh and S. Boyd, "Proximal Algorithms", 2014, for the operators.

    Examples
    --------
    >>> import numpy as np
    >>> Box(lower=-1, upper=[1.0, 2.0]).prox(np.array([3.0, 3.0]), 0.5)
    array([1., 2.])
    >>> Box(upper=2, penalty="l1").prox(np.array([-0.25, 2.25, 4.0]), 0.5)
    array([0.  , 1.75, 2.  ])
    """

    def __init__(self, lower=-math.inf, upper=math.inf, penalty=None):
        self.lower = lower
        self.upper = upper
        self.penalty = penalty

    def validate(self):
        super().validate()
        owner = type(self).__name__
        lower = _as_bound(owner, "lower", self.lower)
        upper = _as_bound(owner, "upper", self.upper)
        if not _ordered(lower, upper):
            raise ValueError(
                f"{owner}: lower must be at most upper, less than inf and of a shape "
                f"that fits it, and upper more than -inf, got lower={self.lower!r} "
                f"and upper={self.upper!r}."
            )
        resolve_penalty(self.penalty, parameter=f"{owner}: penalty")

    def value(self, w):
        lower, upper = self.bounds(w)
        inside = np.all((lower <= w) & (w <= upper))
        return _calls.penalty_value(self._inner, w) if inside else math.inf

    def gradient(self, w):
        return _calls.penalty_gradient(self._inner, w)

    def prox(self, w, step):
        return np.clip(_calls.prox(self._inner, w, step), *self.bounds(w))

    def in_units(self, factor):
        known = np.where(factor > 0, factor, 1)
        lower, upper = (
            np.where(factor > 0, bound / known, free)
            for bound, free in zip(
                self.bounds(factor), (-math.inf, math.inf), strict=True
            )
        )
        return self._with(lower, upper, self._inner.in_units(factor))

    def of_output(self, k):
        lower, upper = (
            bound[:, k] if bound.ndim == 2 else bound
            for bound in (np.asarray(self.lower), np.asarray(self.upper))
        )
        return self._with(lower, upper, self._inner.of_output(k))

    def as_prox(self):
        return self._with(self.lower, self.upper, _calls.as_prox(self._inner))

    def _with(self, lower, upper, penalty):
        box = copy.copy(self)
        box.lower, box.upper, box.penalty = lower, upper, penalty
        return box

    @property
    def _inner(self):
        """The nested penalty, without the cost of `resolve_penalty` in every step."""
        if self.penalty is None:
            return NoPenalty()
        named = isinstance(self.penalty, str)
        return PENALTIES[self.penalty]() if named else self.penalty

    def bounds(self, w):
        """Return both bounds in the dtype of ``w`` and in a shape that fits it."""
        return [
            _bound_for(w, type(self).__name__, name, getattr(self, name))
            for name in ("lower", "upper")
        ]


@PENALTIES.register("nonnegative")
class NonNegative(Box):
    """Coefficients that are not negative, w >= 0, with or without a penalty.

    The same as ``Box(lower=0)``: for effects whose sign is known.

    Parameters
    ----------
    penalty : str, Penalty or None, default=None
        The penalty inside the bounds, a sum over the coefficients:
        ``NonNegative(penalty="l1")`` is the non-negative lasso.

    References
    ----------
    L. Breiman, "Better Subset Regression Using the Nonnegative Garrote", 1995,
    for the use of the constraint.

    Examples
    --------
    >>> import numpy as np
    >>> NonNegative(penalty="l1").prox(np.array([-1.0, 0.25, 2.0]), 0.5)
    array([0. , 0. , 1.5])
    """

    lower = 0.0
    upper = math.inf

    def __init__(self, penalty=None):
        self.penalty = penalty


def soft_threshold(w, threshold):
    """Return ``w`` moved towards zero by ``threshold``, and zero if it gets there.

    Parameters
    ----------
    w : ndarray
    threshold : float or array-like >= 0
        One for all, or one for each weight.

    Returns
    -------
    ndarray
        Of the shape and dtype of ``w``.

    Examples
    --------
    >>> soft_threshold(np.array([3.0, -0.5]), 1.0)
    array([2., 0.])
    """
    with np.errstate(over="ignore", under="ignore"):
        threshold = np.asarray(threshold).astype(w.dtype)
    return w - np.clip(w, -threshold, threshold)


def _sum_of_absolutes(w):
    with np.errstate(over="ignore"):
        return _finite(np.sum(np.abs(w), dtype=np.float64))


def _half_sum_of_squares(w):
    flat = np.ravel(w).astype(np.float64, copy=False)
    # Not np.dot, whose threads may have to wait for a core.
    return _finite(0.5 * float(np.einsum("i,i", flat, flat)))


def _finite(total):
    """Return a number that overflowed as the largest float: inf is for bounds."""
    return min(float(total), sys.float_info.max)


def _as_bound(owner, name, bound):
    """Return a bound as a float array.

    Raises
    ------
    TypeError
        If it is not a number or an array of them.
    ValueError
        If it is NaN or has more than two dimensions.
    """
    accepted = "a real number or an array of them with one or two dimensions, not NaN"
    message = f"{owner}: {name} must be {accepted}, got {bound!r}."
    try:
        array = np.asarray(bound)
    except ValueError:
        raise ValueError(message) from None
    if array.dtype.kind not in "fiu":
        raise TypeError(message)
    if array.ndim > 2 or np.isnan(array).any():
        raise ValueError(message)
    return array


def _ordered(lower, upper):
    """Whether the bounds leave room for a finite coefficient everywhere."""
    if lower.ndim == 1 and upper.ndim == 2:
        lower = lower[:, np.newaxis]
    if upper.ndim == 1 and lower.ndim == 2:
        upper = upper[:, np.newaxis]
    try:
        return bool(np.all((lower <= upper) & (lower < np.inf) & (upper > -np.inf)))
    except ValueError:
        return False


def _bound_for(w, owner, name, bound):
    """Return a bound in the dtype of ``w``, broadcast to its shape."""
    with np.errstate(over="ignore", under="ignore"):
        array = np.asarray(bound).astype(w.dtype)
    if array.ndim == 1 and w.ndim == 2:
        array = array[:, np.newaxis]
    try:
        return np.broadcast_to(array, w.shape)
    except ValueError:
        raise ValueError(
            f"{owner}: {name} must be a number or have a shape that broadcasts to "
            f"that of the coefficients, {w.shape}, got shape {np.shape(bound)}."
        ) from None

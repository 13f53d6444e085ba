"""Losses: what a raw prediction z costs when the target is y.

A loss is elementwise and knows no data: neither features nor weights, nor
means, nor the names of the classes. ``y`` and ``z`` are float arrays of the
same shape and dtype, ``(n,)`` or one column per output ``(n, k)``. Classes come
as −1 and +1; with ``k`` classes the column of the sample's class is +1 and the
others are −1.

Where a derivative jumps (a kink), `Loss.gradient` returns the value nearest to
zero of those between the two one-sided derivatives; `Perceptron` is the
exception and says why. For a function of the user it is what the package returns.
"""

import inspect
import math
from abc import abstractmethod
from collections.abc import Callable
from functools import wraps
from typing import ClassVar

import numpy as np
from scipy.special import expit, logit

from ._autodiff import (
    BACKENDS,
    backend_of,
    elementwise_derivative,
    elementwise_values,
    find_backend,
)
from ._component import Component, Registry
from ._validation import Choice, Instance, Number, did_you_mean


class Loss(Component):
    """Base class of the losses. Derive from `RegressionLoss` or `ClassificationLoss`.

    A subclass writes `value` and `gradient`. Where the derivative jumps (a
    kink) its docstring says which of the one-sided derivatives is returned.

    Examples
    --------
    >>> issubclass(LOSSES["hinge"], Loss)
    True
    """

    @abstractmethod
    def value(self, y, z):
        """Return the loss of each prediction.

        Parameters
        ----------
        y, z : ndarray of shape (n,) or (n, k)
            Targets and raw predictions; not to be written.

        Returns
        -------
        ndarray of the shape of ``z``; of shape (n,) if the loss couples columns
        """

    @abstractmethod
    def gradient(self, y, z):
        """Return the derivative of `value` with respect to ``z``.

        Returns
        -------
        ndarray of the shape and dtype of ``z``
        """


class RegressionLoss(Loss):
    """A loss for targets that are real numbers.

    Examples
    --------
    >>> class Quartic(RegressionLoss):
    ...     def value(self, y, z):
    ...         return 0.25 * (y - z) ** 4
    ...
    ...     def gradient(self, y, z):
    ...         return (z - y) ** 3
    >>> Quartic().gradient(np.array([1.0]), np.array([3.0]))
    array([8.])
    """

    target_range: ClassVar[Number] = Number()
    """The targets for which the loss is defined."""

    start_quantile: ClassVar[float | None] = None
    """The quantile of the targets where training on standardized data starts.

    For a loss whose derivative is bounded, so that outliers hardly matter: then they
    decide neither the start nor the unit of the target nor when training ends. None:
    training starts at the mean.
    """

    def inverse_link(self, z):
        """Return the predicted target for the raw prediction ``z``."""
        return z

    def link(self, mean):
        """Return the raw prediction for a target; the inverse of `inverse_link`.

        Training on standardized data starts at that of the mean target. A loss
        whose raw predictions are not in the units of the target overrides both.
        """
        return mean

    def unit_at(self, mean):
        """Return how the loss grows with the unit of the target, for a mean target.

        Training on standardized data multiplies the penalty by it if the loss has a
        link: then the unit of the target does not matter.
        """
        return np.ones_like(mean)


class ClassificationLoss(Loss):
    """A loss for targets −1 and +1.

    A loss whose raw prediction determines a probability also has
    ``inverse_link(z)``: for shape (n,) the probability of +1, for shape (n, k)
    that of each class, up to a factor for each row. And ``link(p)``: the raw
    prediction for a probability of +1 in (0, 1), or for one of each class.

    Examples
    --------
    >>> class Exponential(ClassificationLoss):
    ...     def value(self, y, z):
    ...         return np.exp(-y * z)
    ...
    ...     def gradient(self, y, z):
    ...         return -y * np.exp(-y * z)
    >>> Exponential().gradient(np.array([1.0, -1.0]), np.zeros(2))
    array([-1.,  1.])
    """


LOSSES = Registry("loss", Loss)
"""The losses by name."""


def saturating(formula):
    """Decorate `Loss.value` or `Loss.gradient` so that overflow stays finite.

    What overflows becomes the largest finite number of the dtype of ``z``, what
    underflows becomes zero, both without a warning, and the result has the
    dtype of ``z``. NaN stays NaN, so the formula itself must not contain
    inf − inf, inf / inf or 0 · inf.

    Examples
    --------
    >>> import numpy as np
    >>> class Quartic(RegressionLoss):
    ...     @saturating
    ...     def value(self, y, z):
    ...         return 0.25 * (z - y) ** 4
    ...
    ...     @saturating
    ...     def gradient(self, y, z):
    ...         return (z - y) ** 3
    >>> Quartic().gradient(np.zeros(2), np.array([2.0, -1e200]))
    array([ 8.00000000e+000, -1.79769313e+308])
    """

    @wraps(formula)
    def saturated(self, y, z):
        limit = np.finfo(z.dtype).max
        with np.errstate(over="ignore", under="ignore"):
            result = np.clip(formula(self, y, z), -limit, limit)
            return result.astype(z.dtype, copy=False)

    return saturated


# Regression. The error e = z − y may be infinite after overflow.


@LOSSES.register("squared_error")
class SquaredError(RegressionLoss):
    """Squared error, ½(y − z)²: estimates the mean.

    The usual choice when the noise has no heavy tails. Other libraries and
    texts leave out the ½: their gradient is twice this.

    Examples
    --------
    >>> import numpy as np
    >>> SquaredError().value(np.array([3.0]), np.array([1.0]))
    array([2.])
    """

    @saturating
    def value(self, y, z):
        return 0.5 * (y - z) ** 2

    @saturating
    def gradient(self, y, z):
        return z - y


@LOSSES.register("absolute_error")
class AbsoluteError(RegressionLoss):
    """Absolute error, ``|y − z|``: estimates the median.

    An outlier counts by its distance and not by the square of it. Twice
    `Quantile` at level ½. At the kink z = y the derivative is 0, between the
    one-sided −1 and +1.

    Examples
    --------
    >>> import numpy as np
    >>> AbsoluteError().value(np.array([3.0, 3.0]), np.array([1.0, 3.5]))
    array([2. , 0.5])
    """

    start_quantile: ClassVar = 0.5

    @saturating
    def value(self, y, z):
        return np.abs(z - y)

    @saturating
    def gradient(self, y, z):
        return np.sign(z - y)


@LOSSES.register("huber")
class Huber(RegressionLoss):
    r"""Huber loss: squared near the target, absolute far from it.

    .. math::
        \ell(e) = \begin{cases}
            \tfrac12 e^2 & |e| \le \delta \\
            \delta\,(|e| - \tfrac12 \delta) & |e| > \delta
        \end{cases}
        \qquad e = z - y

    Estimates a location between the mean (δ → ∞) and the median (δ → 0): for
    data that are mostly well behaved, with some outliers. It has no kink.

    Parameters
    ----------
    delta : float > 0, default=1.35
        :math:`\delta`, in the unit of the target. At 1.35 standard deviations
        the estimate has 95 % of the mean's efficiency on normal noise.

    References
    ----------
    P. J. Huber, "Robust Estimation of a Location Parameter", 1964.

    Examples
    --------
    >>> import numpy as np
    >>> Huber(delta=1.0).value(np.zeros(2), np.array([0.5, 3.0]))
    array([0.125, 2.5  ])
    """

    constraints: ClassVar = {"delta": Number(0, closed="neither")}
    start_quantile: ClassVar = 0.5

    def __init__(self, delta=1.35):
        self.delta = delta

    @saturating
    def value(self, y, z):
        distance = np.abs(z - y)
        inside = np.minimum(distance, self.delta)
        return inside * (distance - 0.5 * inside)

    @saturating
    def gradient(self, y, z):
        return np.clip(z - y, -self.delta, self.delta)


@LOSSES.register("pseudo_huber")
class PseudoHuber(RegressionLoss):
    r"""Pseudo-Huber loss: a Huber loss whose derivatives are all continuous.

    .. math:: \ell(e) = \delta^2 \left(\sqrt{1 + (e/\delta)^2} - 1\right),
        \qquad e = z - y

    Close to ½e² near the target and to ``δ|e|`` far from it. For the same data as
    `Huber`, with methods that want a smooth curvature.

    Parameters
    ----------
    delta : float > 0, default=1.35
        :math:`\delta`, in the unit of the target.

    References
    ----------
    P. Charbonnier et al., "Deterministic edge-preserving regularization in
    computed imaging", 1997.

    Examples
    --------
    >>> import numpy as np
    >>> PseudoHuber(delta=3.0).value(np.zeros(1), np.array([4.0]))
    array([6.])
    """

    constraints: ClassVar = {"delta": Number(0, closed="neither")}
    start_quantile: ClassVar = 0.5

    def __init__(self, delta=1.35):
        self.delta = delta

    # With tan θ = e/δ the formula is δ e tan(θ/2) and its derivative δ sin θ:
    # nothing cancels for small errors and nothing is inf / inf for large ones.

    @saturating
    def value(self, y, z):
        e = z - y
        return self.delta * np.tan(0.5 * np.arctan(e / self.delta)) * e

    @saturating
    def gradient(self, y, z):
        return self.delta * np.sin(np.arctan((z - y) / self.delta))


@LOSSES.register("log_cosh")
class LogCosh(RegressionLoss):
    r"""Logarithm of the hyperbolic cosine of the error.

    .. math:: \ell(e) = \log\cosh e, \qquad e = z - y

    Close to ½e² near the target and to ``|e| − log 2`` far from it: a smooth
    robust loss without a parameter, for targets whose noise is of the order of 1.

    References
    ----------
    P. J. Green, "Bayesian reconstructions from emission tomography data using a
    modified EM algorithm", 1990.

    Examples
    --------
    >>> import numpy as np
    >>> LogCosh().value(np.zeros(2), np.array([0.01, 100.0])).round(8)
    array([5.00000000e-05, 9.93068528e+01])
    """

    start_quantile: ClassVar = 0.5

    @saturating
    def value(self, y, z):
        distance = np.abs(z - y)
        near = np.log1p(2 * np.sinh(0.5 * np.minimum(distance, 1)) ** 2)
        far = distance + np.log1p(np.exp(-2 * distance)) - math.log(2)
        return np.where(distance < 1, near, far)

    @saturating
    def gradient(self, y, z):
        return np.tanh(z - y)


@LOSSES.register("quantile")
class Quantile(RegressionLoss):
    r"""Quantile (pinball) loss: estimates a quantile.

    .. math:: \ell(y, z) = q \max(y - z, 0) + (1 - q) \max(z - y, 0)

    For prediction intervals, or when being too low costs more than being too
    high. At the kink z = y the derivative is 0, between the one-sided −q and
    1 − q.

    Parameters
    ----------
    level : float in (0, 1), default=0.5
        :math:`q`, the part of the targets that shall lie below the prediction.

    References
    ----------
    R. Koenker and G. Bassett, "Regression Quantiles", 1978.

    Examples
    --------
    >>> import numpy as np
    >>> Quantile(level=0.75).value(np.array([3.0, 3.0]), np.array([1.0, 5.0]))
    array([1.5, 0.5])
    """

    constraints: ClassVar = {"level": Number(0, 1, closed="neither")}

    def __init__(self, level=0.5):
        self.level = level

    @property
    def start_quantile(self):
        """The quantile that the loss estimates."""
        return self.level

    @saturating
    def value(self, y, z):
        return np.where(z > y, (1 - self.level) * (z - y), self.level * (y - z))

    @saturating
    def gradient(self, y, z):
        return np.where(z > y, 1 - self.level, np.where(z < y, -self.level, 0))


@LOSSES.register("epsilon_insensitive")
class EpsilonInsensitive(RegressionLoss):
    r"""Absolute error beyond a margin: linear support vector regression.

    .. math:: \ell(y, z) = \max(0, |y - z| - \varepsilon)

    For targets whose small errors do not matter. At the kinks ``|y − z| = ε`` the
    derivative is 0, that of the flat side.

    Parameters
    ----------
    epsilon : float >= 0, default=0.1
        :math:`\varepsilon`, in the unit of the target.

    References
    ----------
    V. Vapnik, "The Nature of Statistical Learning Theory", 1995.

    Examples
    --------
    >>> import numpy as np
    >>> EpsilonInsensitive(epsilon=0.5).value(np.zeros(2), np.array([0.25, 2.0]))
    array([0. , 1.5])
    """

    constraints: ClassVar = {"epsilon": Number(0)}
    start_quantile: ClassVar = 0.5

    def __init__(self, epsilon=0.1):
        self.epsilon = epsilon

    @saturating
    def value(self, y, z):
        return np.maximum(0, np.abs(z - y) - self.epsilon)

    @saturating
    def gradient(self, y, z):
        e = z - y
        return np.where(np.abs(e) > self.epsilon, np.sign(e), 0)


@LOSSES.register("squared_epsilon_insensitive")
class SquaredEpsilonInsensitive(RegressionLoss):
    r"""Squared error beyond a margin.

    .. math:: \ell(y, z) = \max(0, |y - z| - \varepsilon)^2

    Without the ½ of `SquaredError`, as in scikit-learn and LIBLINEAR. It has no
    kink.

    Parameters
    ----------
    epsilon : float >= 0, default=0.1
        :math:`\varepsilon`, in the unit of the target.

    References
    ----------
    C.-H. Ho and C.-J. Lin, "Large-scale Linear Support Vector Regression", 2012.

    Examples
    --------
    >>> import numpy as np
    >>> loss = SquaredEpsilonInsensitive(epsilon=0.5)
    >>> loss.value(np.zeros(2), np.array([0.25, 2.0]))
    array([0.  , 2.25])
    """

    constraints: ClassVar = {"epsilon": Number(0)}

    def __init__(self, epsilon=0.1):
        self.epsilon = epsilon

    @saturating
    def value(self, y, z):
        return np.maximum(0, np.abs(z - y) - self.epsilon) ** 2

    @saturating
    def gradient(self, y, z):
        e = z - y
        return 2 * np.sign(e) * np.maximum(0, np.abs(e) - self.epsilon)


# Regression with a log link: z is the logarithm of the predicted mean.


class _HalfDeviance(RegressionLoss):
    """Half the unit deviance of a Tweedie distribution of power p in [1, 2]."""

    power: float

    def inverse_link(self, z):
        """Return the mean exp(z), kept between the least and the largest float."""
        limits = np.finfo(z.dtype)
        with np.errstate(over="ignore", under="ignore"):
            return np.clip(np.exp(z), limits.tiny, limits.max)

    def link(self, mean):
        """Return log(mean), finite also for a mean of zero."""
        return np.log(np.maximum(mean, np.finfo(mean.dtype).tiny))

    def unit_at(self, mean):
        """Return the mean to the power 2 − p, like which the deviance grows."""
        return np.where(mean > 0, mean, 1.0) ** (2 - self.power)

    @saturating
    def value(self, y, z):
        a, b = 2 - self.power, 1 - self.power
        z = np.minimum(z, np.log(np.finfo(z.dtype).max))  # as the mean saturates
        positive = y > 0
        d = np.where(positive, z - np.log(np.where(positive, y, 1)), 0)
        return _power_difference(y, z, d, a) - y**a * _expm1_over(b, d)

    @saturating
    def gradient(self, y, z):
        limit = np.finfo(z.dtype).max
        reciprocal = np.minimum(np.exp((1 - self.power) * z), limit)
        return np.exp((2 - self.power) * z) - y * reciprocal


def _power_difference(y, z, d, a):
    """Return (μᵃ − yᵃ)/a for μ = exp(z) and d = log(μ/y), or its limit d at a = 0."""
    if a == 0:
        return d
    near = (y > 0) & (a * d < 1)
    return np.where(near, y**a * _expm1_over(a, d), (np.exp(a * z) - y**a) / a)


def _expm1_over(a, d):
    """Return (exp(a d) − 1)/a, or its limit d at a = 0."""
    return d if a == 0 else np.expm1(a * d) / a


@LOSSES.register("poisson")
class Poisson(_HalfDeviance):
    r"""Half the Poisson deviance with log link: for counts and frequencies.

    .. math:: \ell(y, z) = \mu - y + y \log(y/\mu), \qquad \mu = e^z

    Estimates the mean, for targets y >= 0 whose variance grows like their
    mean. Zero at a perfect fit: the terms constant in z are kept, so that its
    mean is half of `sklearn.metrics.mean_poisson_deviance`, the data term of
    ``PoissonRegressor``. The same as ``Tweedie(power=1)``.

    The prediction exp(z), and everything that depends on it, saturates at the
    largest finite number of the dtype.

    References
    ----------
    P. McCullagh and J. A. Nelder, "Generalized Linear Models", 1989.

    Examples
    --------
    >>> import numpy as np
    >>> Poisson().value(np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    array([1., 0.])
    >>> Poisson().inverse_link(np.array([0.0, 1e4]))
    array([1.00000000e+000, 1.79769313e+308])
    """

    power = 1
    target_range: ClassVar = Number(0)


@LOSSES.register("gamma")
class Gamma(_HalfDeviance):
    r"""Half the gamma deviance with log link: for positive, skewed targets.

    .. math:: \ell(y, z) = \log(\mu/y) + y/\mu - 1, \qquad \mu = e^z

    Estimates the mean, for targets y > 0 whose standard deviation grows like
    their mean: errors count relative to the prediction. Zero at a perfect fit:
    its mean is half of `sklearn.metrics.mean_gamma_deviance`, the data term of
    ``GammaRegressor``. The same as ``Tweedie(power=2)``.

    The prediction exp(z), and everything that depends on it, saturates at the
    largest finite number of the dtype.

    References
    ----------
    P. McCullagh and J. A. Nelder, "Generalized Linear Models", 1989.

    Examples
    --------
    >>> import numpy as np
    >>> Gamma().gradient(np.array([1.0, 3.0]), np.array([0.0, 0.0]))
    array([ 0., -2.])
    """

    power = 2
    target_range: ClassVar = Number(0, closed="neither")


@LOSSES.register("tweedie")
class Tweedie(_HalfDeviance):
    r"""Half the Tweedie deviance with log link: for totals that may be zero.

    .. math:: \ell(y, z) = \frac{\mu^{2-p} - y^{2-p}}{2-p}
        - y\, \frac{\mu^{1-p} - y^{1-p}}{1-p}, \qquad \mu = e^z

    Estimates the mean, for targets whose variance grows like the p-th power of
    their mean. Between 1 and 2 these are sums of a Poisson number of gamma
    variables, such as yearly claims: y >= 0, with a positive probability of
    exactly 0. The ends are the limits of the formula, `Poisson` and `Gamma`
    (y > 0). Zero at a perfect fit: its mean is half of
    `sklearn.metrics.mean_tweedie_deviance`, the data term of
    ``TweedieRegressor`` with ``link="log"``.

    The prediction exp(z), and everything that depends on it, saturates at the
    largest finite number of the dtype.

    Parameters
    ----------
    power : float in [1, 2], default=1.5
        :math:`p`. Outside this interval the loss is not convex in z.

    References
    ----------
    B. Jørgensen, "Exponential Dispersion Models", 1987.

    Examples
    --------
    >>> import numpy as np
    >>> Tweedie(power=1.5).value(np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    array([2., 0.])
    """

    constraints: ClassVar = {"power": Number(1, 2)}

    def __init__(self, power=1.5):
        self.power = power

    @property
    def target_range(self):
        """The targets for which the loss is defined: y > 0 at power 2, else y >= 0."""
        return Gamma.target_range if self.power == 2 else Poisson.target_range


# Classification. The margin y z is positive where the prediction is right.


@LOSSES.register("log_loss")
class LogLoss(ClassificationLoss):
    r"""Logistic loss (cross-entropy): estimates the probabilities of the classes.

    .. math::
        \ell(y, z) &= \log(1 + e^{-yz}) && \text{shape } (n,) \\
        \ell(y, z) &= \log \sum_j e^{z_j} - z_c && \text{shape } (n, k)

    where c is the column of the sample's class, y = +1. With ``k`` >= 2 columns
    it couples them (softmax, multinomial logistic regression) and the value
    has shape (n,). The usual choice for classification; the one to take when
    probabilities matter. Values keep their relative precision down to the
    smallest float.

    References
    ----------
    D. R. Cox, "The Regression Analysis of Binary Sequences", 1958.

    Examples
    --------
    >>> import numpy as np
    >>> y, z = np.array([1.0, -1.0]), np.array([0.0, 1.0])
    >>> LogLoss().value(y, z)
    array([0.69314718, 1.31326169])
    >>> LogLoss().inverse_link(np.array([[0.0, 0.0, np.log(2)]]))
    array([[0.25, 0.25, 0.5 ]])
    """

    @saturating
    def value(self, y, z):
        if z.ndim == 1:
            return np.logaddexp(0, -y * z)
        limit = np.finfo(z.dtype).max
        z_c = np.where(y > 0, z, 0).sum(axis=1, keepdims=True)
        behind = np.clip(z - z_c, -limit, limit)
        largest = behind.max(axis=1, keepdims=True)
        terms = np.exp(behind - largest)
        # The largest term is 1; log1p of the others is exact when they are small.
        np.put_along_axis(terms, behind.argmax(axis=1)[:, None], 0, axis=1)
        return largest[:, 0] + np.log1p(terms.sum(axis=1))

    @saturating
    def gradient(self, y, z):
        if z.ndim == 1:
            return -y * expit(-y * z)
        others = np.where(y > 0, 0, _softmax(z))
        # Probability − 1 for the class itself, without the cancellation.
        return np.where(y > 0, -others.sum(axis=1, keepdims=True), others)

    def inverse_link(self, z):
        """Return probabilities: expit(z) of +1, or the softmax of each row."""
        return expit(z) if z.ndim == 1 else _softmax(z)

    def link(self, p):
        """Return the log-odds of +1, or the logarithm for each class."""
        return logit(p) if np.ndim(p) == 0 else np.log(p)


def _softmax(z):
    """Return exp(z) with each row divided by its sum."""
    with np.errstate(over="ignore", under="ignore"):
        terms = np.exp(z - z.max(axis=1, keepdims=True))
        return terms / terms.sum(axis=1, keepdims=True)


@LOSSES.register("hinge")
class Hinge(ClassificationLoss):
    """Hinge loss, max(0, 1 − yz): the linear support vector machine.

    Looks for the widest margin between the classes; has no probabilities. At
    the kink yz = 1 the derivative is 0, that of the flat side.

    References
    ----------
    C. Cortes and V. Vapnik, "Support-Vector Networks", 1995.

    Examples
    --------
    >>> import numpy as np
    >>> Hinge().value(np.array([1.0, -1.0]), np.array([0.25, 0.25]))
    array([0.75, 1.25])
    """

    def value(self, y, z):
        return np.maximum(0, 1 - y * z)

    def gradient(self, y, z):
        return np.where(y * z < 1, -y, 0)


@LOSSES.register("squared_hinge")
class SquaredHinge(ClassificationLoss):
    """Squared hinge loss, max(0, 1 − yz)²: a support vector machine without kinks.

    Punishes large violations of the margin more than `Hinge` does. Without a
    factor ½, as in scikit-learn and LIBLINEAR.

    References
    ----------
    K.-W. Chang, C.-J. Hsieh and C.-J. Lin, "Coordinate Descent Method for
    Large-scale L2-loss Linear Support Vector Machines", 2008.

    Examples
    --------
    >>> import numpy as np
    >>> SquaredHinge().value(np.array([1.0, -1.0]), np.array([0.5, 0.5]))
    array([0.25, 2.25])
    """

    @saturating
    def value(self, y, z):
        return np.maximum(0, 1 - y * z) ** 2

    @saturating
    def gradient(self, y, z):
        return -2 * y * np.maximum(0, 1 - y * z)


@LOSSES.register("modified_huber")
class ModifiedHuber(ClassificationLoss):
    r"""Modified Huber loss: a squared hinge that is linear for outliers.

    .. math::
        \ell(y, z) = \begin{cases}
            \max(0, 1 - yz)^2 & yz \ge -1 \\
            -4yz & yz < -1
        \end{cases}

    For classes with mislabelled samples. It has probabilities, clipped to the
    ends 0 and 1 where the margin is met. It has no kink.

    References
    ----------
    T. Zhang, "Solving large scale linear prediction problems using stochastic
    gradient descent algorithms", 2004. Probabilities: B. Zadrozny and C. Elkan,
    "Transforming classifier scores into accurate multiclass probability
    estimates", 2002.

    Examples
    --------
    >>> import numpy as np
    >>> ModifiedHuber().value(np.array([1.0, 1.0]), np.array([0.5, -2.0]))
    array([0.25, 8.  ])
    >>> ModifiedHuber().inverse_link(np.array([-3.0, 0.0, 0.5]))
    array([0.  , 0.5 , 0.75])
    """

    @saturating
    def value(self, y, z):
        margin = y * z
        return np.where(margin < -1, -4 * margin, np.maximum(0, 1 - margin) ** 2)

    @saturating
    def gradient(self, y, z):
        return -2 * y * np.clip(1 - y * z, 0, 2)

    def inverse_link(self, z):
        """Return (clip(z, −1, 1) + 1)/2 in each column."""
        return (np.clip(z, -1, 1) + 1) / 2

    def link(self, p):
        """Return 2p − 1 in each column."""
        return 2 * p - 1


@LOSSES.register("perceptron")
class Perceptron(ClassificationLoss):
    """Perceptron loss, max(0, −yz): only the mistakes count.

    Stops as soon as every sample is on its side, with whatever margin. At the
    kink z = 0 the derivative is −y: an undecided prediction counts as a
    mistake, or weights of zero would never be left.

    References
    ----------
    F. Rosenblatt, "The Perceptron", 1958.

    Examples
    --------
    >>> import numpy as np
    >>> Perceptron().value(np.array([1.0, -1.0]), np.array([0.25, 0.25]))
    array([0.  , 0.25])
    >>> Perceptron().gradient(np.array([1.0, -1.0]), np.zeros(2))
    array([-1.,  1.])
    """

    def value(self, y, z):
        return np.maximum(0, -y * z)

    def gradient(self, y, z):
        return np.where(y * z <= 0, -y, 0)


# Functions of the user


class _FromFunction(Loss):
    """What the two losses below share: all but the kind of targets."""

    constraints: ClassVar = {
        "function": Instance(Callable, "a function of y and z"),
        "backend": Choice(*BACKENDS),
    }

    def __init__(self, function, backend):
        self.function = function
        self.backend = backend

    def validate(self):
        super().validate()
        _check_signature(self.function)

    @saturating
    def value(self, y, z):
        backend = find_backend(self.backend, "backend")
        return elementwise_values(backend, self.function, y, z)

    @saturating
    def gradient(self, y, z):
        backend = find_backend(self.backend, "backend")
        return elementwise_derivative(backend, self.function, y, z)


class RegressionFromFunction(_FromFunction, RegressionLoss):
    """A loss of a regression as a plain function; its derivative is automatic.

    Estimators wrap a function in it by themselves, ``loss=f``, with the first of
    autograd, PyTorch and JAX that is installed and differentiates it.

    Parameters
    ----------
    function : callable
        ``function(y, z)`` returns the loss of each prediction, an array of the shape
        of ``z``; or of shape (n,) for ``z`` of shape (n, k), if it couples columns.
        Targets come first. It is written with the operations of the package, on its
        arrays: for autograd ``autograd.numpy`` in place of ``numpy``.
    backend : {"autograd", "torch", "jax"}
        The package, installed with the extra of the same name.

    Raises
    ------
    ImportError
        When computing, if the package is not installed.
    ValueError
        When computing, if the function returns another shape, e.g. a mean.
    TypeError
        When computing, if what the function returns is not made of ``z`` by the
        operations of the package.

    See Also
    --------
    RegressionLoss : As a class, with the derivative by hand: several times as fast.

    Notes
    -----
    At a kink the derivative is what the package returns. Raw predictions are in the
    units of the target and training on standardized data starts at the mean: a loss
    with a link, or one to which outliers hardly matter, had better be a class.

    A lambda works but cannot be pickled; a function of a module can.

    Examples
    --------
    >>> import numpy as np
    >>> def quartic(y, z):
    ...     return 0.25 * (y - z) ** 4
    >>> loss = RegressionFromFunction(quartic, backend="autograd")
    >>> loss.gradient(np.array([1.0]), np.array([3.0]))
    array([8.])
    """


class ClassificationFromFunction(_FromFunction, ClassificationLoss):
    """A loss of a classification as a plain function; its derivative is automatic.

    Estimators wrap a function in it by themselves, ``loss=f``, with the first of
    autograd, PyTorch and JAX that is installed and differentiates it. There are no
    probabilities.

    Parameters
    ----------
    function : callable
        ``function(y, z)`` with targets −1 and +1 first, as in
        `RegressionFromFunction`. With k > 2 classes there are k columns, and an
        elementwise function takes each class against the rest.
    backend : {"autograd", "torch", "jax"}
        The package, installed with the extra of the same name.

    Raises
    ------
    ImportError, ValueError, TypeError
        As in `RegressionFromFunction`.

    See Also
    --------
    ClassificationLoss : As a class, which may have probabilities.

    Examples
    --------
    >>> import autograd.numpy as np
    >>> def exponential(y, z):
    ...     return np.exp(-y * z)
    >>> loss = ClassificationFromFunction(exponential, backend="autograd")
    >>> loss.gradient(np.array([1.0, -1.0]), np.zeros(2))
    array([-1.,  1.])
    """


def as_loss(value, kind) -> Loss:
    """Return a validated loss of its own for what a user may pass as one.

    Parameters
    ----------
    value : str, Loss or callable
        A name is looked up, an instance cloned, a function ``loss(y, z)`` wrapped: in
        a `RegressionFromFunction` or a `ClassificationFromFunction`. To find the
        package it is called with two targets of 1 and two predictions of ½.
    kind : {RegressionLoss, ClassificationLoss}
        What a function is a loss of.

    Raises
    ------
    ValueError
        If the name is not known; the message has the nearest one. If ``kind`` is
        neither of both.
    TypeError
        If it is none of these, or a class instead of an instance; or if no installed
        package differentiates the function.
    ImportError
        If it is a function and none of the packages is installed.

    Examples
    --------
    >>> as_loss("huber", RegressionLoss)
    Huber()
    >>> as_loss(lambda y, z: (y - z) ** 4, RegressionLoss).backend
    'autograd'
    """
    if kind not in _FROM_FUNCTION:
        raise ValueError(
            "as_loss: kind must be RegressionLoss or ClassificationLoss, the class, "
            f"got {kind!r}."
        )
    is_known = not isinstance(value, str) or value in LOSSES
    if is_known and isinstance(value, str | type | Loss):
        return LOSSES.resolve(value)
    if callable(value):
        _check_signature(value)
        return LOSSES.resolve(_FROM_FUNCTION[kind](value, backend_of(value)))
    known = LOSSES.names_of(kind)
    message = (
        f"loss must be a name from {known}, an instance of {kind.__name__} or a "
        f"function of y and z, got {value!r}."
    )
    if isinstance(value, str):
        raise ValueError(message + did_you_mean(value, known))
    raise TypeError(message)


_FROM_FUNCTION = {
    RegressionLoss: RegressionFromFunction,
    ClassificationLoss: ClassificationFromFunction,
}


def _check_signature(function):
    try:
        signature = inspect.signature(function)
    except ValueError:  # of compiled code
        return
    try:
        signature.bind("y", "z")
    except TypeError:
        raise TypeError(
            "loss: the function must take two arguments, the targets y and the raw "
            f"predictions z, got {function!r} with the parameters {signature}."
        ) from None

"""Optimizers: how a gradient becomes a direction.

Every optimizer is its parameters, the arrays it needs (``init``) and one
formula (``direction``), written as in its paper. The training loop holds the
arrays and moves the weights, in one place and for all of them::

    w ← w − rate · direction(w, g, t; state)

They stand in the order of their complexity.

With equal parameters they follow PyTorch, and where it has none of the name
Optax, step by step; each docstring says where those depart from the paper.
Gradients are finite; where a rule squares them, those whose squares would
overflow count as the largest whose squares do not.
"""

import math
from abc import abstractmethod
from typing import ClassVar

import numpy as np

from ._component import Component, Registry
from ._validation import Boolean, Number, check_parameters

_OF_THE_CLASS = {
    "default_learning_rate": Number(0, closed="neither"),
    "weight_decay": Number(0),
    "proximal": Boolean(),
}
"""What a subclass may set, and what is accepted."""


class Optimizer(Component):
    """Base class of the optimizers.

    A subclass writes `direction`, `init` if it has state, and sets
    ``default_learning_rate``. It knows neither the rate nor the data.

    Examples
    --------
    >>> class SignDescent(Optimizer):
    ...     def direction(self, w, g, t):
    ...         return np.sign(g)
    >>> from skgd import GDRegressor
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
    >>> model = GDRegressor(optimizer=SignDescent(), alpha=0, learning_rate=0.1)
    >>> model.fit(X, y).coef_.round(1)
    array([2.])
    """

    default_learning_rate: ClassVar[float] = 0.01
    """The rate that ``learning_rate="auto"`` stands for."""

    @property
    def has_scale(self) -> bool:
        """Whether it can be used with a proximal operator: see `scale`."""
        return type(self).scale is not Optimizer.scale

    def validate(self):
        super().validate()
        values = {name: getattr(self, name) for name in _OF_THE_CLASS}
        check_parameters(type(self).__name__, values, _OF_THE_CLASS)
        if self.proximal and not self.has_scale:
            raise TypeError(
                f"{type(self).__name__}: proximal is True, for which a proximal step "
                "needs a method scale."
            )

    def learning_rate_for(self, n_features, n_steps) -> float:
        """Return the rate for standardized features, if it is left open.

        Parameters
        ----------
        n_features : int
        n_steps : int or inf
            How many steps the rate has before it has come to rest, if it does.
        """
        return self.default_learning_rate

    def highest_stable_rate(self, curvature) -> float | None:
        """Return the rate above which steps on a parabola grow; None if unknown.

        Parameters
        ----------
        curvature : float > 0
            Its second derivative.
        """
        return None

    proximal: ClassVar[bool] = False
    """Whether steps take the whole penalty by its proximal operator, `Penalty.as_prox`:
    the gradient is then that of the loss alone. Needs `scale`."""

    weight_decay: float = 0.0
    """Decoupled decay: the loop adds ``weight_decay * w`` to the direction of
    every coefficient, never of an intercept."""

    def init(self, w) -> dict[str, np.ndarray]:
        """Return the state before the first step.

        Parameters
        ----------
        w : ndarray
            The weights at the start; not to be kept or written.

        Returns
        -------
        dict of str to ndarray
            New arrays, keyed by the symbols of the paper. Those that count as
            one per weight have the shape and the dtype of ``w``. An entry
            ``"rate"`` (a 0-d array) is filled by the loop with the current
            rate before each step, for the few rules whose formula contains it.
        """
        return {}

    @abstractmethod
    def direction(self, w, g, t, **state):
        """Return the direction to subtract, and update ``state`` in place.

        Parameters
        ----------
        w : ndarray
            The weights; not to be written.
        g : ndarray of the shape of ``w``
            The gradient; not to be written.
        t : int
            The number of this step: 1, 2, …
        **state : ndarray
            The entries of `init`, as keyword arguments, to be changed in place.

        Returns
        -------
        ndarray of the shape and dtype of ``w``
            Only read, before the next call: it may be an entry of the state.
        """

    def scale(self, w, g, t, **state):
        """Return the diagonal matrix that took the gradient to the direction.

        Needed for penalties with a proximal step, such as the 1-norm and bounds.
        Called after `direction` with the same arguments. A proximal step has
        to use the same metric as the gradient step, or its fixed point is not
        a minimum (Yun, Lozano and Yang, "Adaptive Proximal Gradient Methods
        for Structured Neural Networks", NeurIPS 2021). For a gradient that has
        been the same in every step, ``direction == scale * g``.

        Returns
        -------
        float or ndarray of the shape of ``w``
        """
        raise NotImplementedError(f"{type(self).__name__} has no scale.")

    def averaged(self, w, **state):
        """Return the weights to predict with, where they are not those in training.

        Parameters
        ----------
        w : ndarray
            The weights in training; not to be written.
        **state : ndarray
            The entries of `init`, not to be written.

        Returns
        -------
        ndarray of the shape and dtype of ``w``
            Equal to ``w`` before the first step.
        """
        return w

    def relocate(self, move, w, **state) -> None:
        """Follow the weights into other coordinates, and update ``state`` in place.

        Called before the loop replaces ``w`` by ``move(w)``, in the middle of
        training, because the features change their units or their origin: the
        function that the model computes does not change by it. What the state
        knows of gradients stays as it is. An entry that is a position among the
        weights has to move with them; and if the weights are a function of the
        state, that has to give the moved ones, or the next step leads back.

        Parameters
        ----------
        move : callable
            An affine map: takes an array of the shape of ``w`` and returns a new
            one. Each weight is multiplied by a number that is not negative; to the
            intercept a number and a combination of the coefficients are added.
        w : ndarray
            The weights before the move; not to be written.
        **state : ndarray
            The entries of `init`, to be changed in place.
        """


def tell_rate(state, rate) -> None:
    """Fill in the entry ``"rate"`` of a state that has one: see `Optimizer.init`.

    The loop does so before each step; whoever calls `Optimizer.direction` has to.

    Parameters
    ----------
    state : dict of str to ndarray
    rate : float
        The rate of the next step.

    Examples
    --------
    >>> optimizer = ScheduleFreeSGD()
    >>> state = optimizer.init(np.zeros(2))
    >>> tell_rate(state, 0.1)
    >>> state["rate"].tolist()
    0.1
    """
    if "rate" in state:
        state["rate"][...] = rate


OPTIMIZERS = Registry("optimizer", Optimizer)
"""The optimizers by name."""

DECAY = Number(0, 1, closed="left")
"""The part of an average or of a velocity that is kept in a step."""

EPS = Number(1e-20)
"""Summands of a denominator: large enough to count beside a float32 square."""


@OPTIMIZERS.register("sgd")
class SGD(Optimizer):
    r"""Gradient descent: the direction is the gradient.

    .. math:: d_t = g_t

    With one sample a batch it is the stochastic approximation of Robbins and
    Monro, "A Stochastic Approximation Method", 1951.

    Examples
    --------
    >>> import numpy as np
    >>> SGD().direction(np.zeros(2), np.array([1.0, -2.0]), 1)
    array([ 1., -2.])
    """

    def direction(self, w, g, t):
        return g

    def scale(self, w, g, t):
        return 1.0

    def highest_stable_rate(self, curvature):
        return 2 / curvature


@OPTIMIZERS.register("momentum")
class Momentum(Optimizer):
    r"""Gradient descent with momentum (the heavy ball).

    .. math::
        v_t &= \gamma v_{t-1} + g_t \\
        d_t &= v_t

    Parameters
    ----------
    momentum : float in [0, 1), default=0.9
        :math:`\gamma`, the part of the velocity that is kept.

    References
    ----------
    B. T. Polyak, "Some methods of speeding up the convergence of iteration
    methods", 1964. In this form, with the rate outside the velocity, as in
    ``torch.optim.SGD``.

    Examples
    --------
    >>> import numpy as np
    >>> w, optimizer = np.zeros(1), Momentum(momentum=0.5)
    >>> state = optimizer.init(w)
    >>> [float(optimizer.direction(w, np.ones(1), t, **state)[0]) for t in (1, 2, 3)]
    [1.0, 1.5, 1.75]
    """

    default_learning_rate = 0.001
    constraints: ClassVar = {"momentum": DECAY}

    def __init__(self, momentum=0.9):
        self.momentum = momentum

    def init(self, w):
        return {"v": np.zeros_like(w)}

    def direction(self, w, g, t, v):
        v *= self.momentum
        v += g
        return v

    def scale(self, w, g, t, v):
        return _geometric_sum(self.momentum, t)

    def highest_stable_rate(self, curvature):
        return 2 * (1 + self.momentum) / curvature


@OPTIMIZERS.register("nesterov")
class Nesterov(Momentum):
    r"""Momentum that looks ahead (Nesterov's accelerated gradient).

    .. math::
        v_t &= \gamma v_{t-1} + g_t \\
        d_t &= g_t + \gamma v_t

    Parameters
    ----------
    momentum : float in [0, 1), default=0.9
        :math:`\gamma`, the part of the velocity that is kept.

    References
    ----------
    Y. Nesterov, "A method for solving the convex programming problem with
    convergence rate O(1/k²)", 1983. In the form of ``torch.optim.SGD`` with
    ``nesterov=True``, where the gradient is taken at the weights themselves.

    Examples
    --------
    >>> import numpy as np
    >>> w, optimizer = np.zeros(1), Nesterov(momentum=0.5)
    >>> state = optimizer.init(w)
    >>> [float(optimizer.direction(w, np.ones(1), t, **state)[0]) for t in (1, 2, 3)]
    [1.5, 1.75, 1.875]
    """

    def direction(self, w, g, t, v):
        v *= self.momentum
        v += g
        d = self.momentum * v
        d += g
        return d.astype(w.dtype, copy=False)

    def scale(self, w, g, t, v):
        return _geometric_sum(self.momentum, t + 1)

    def highest_stable_rate(self, curvature):
        return 2 * (1 + self.momentum) / (1 + 2 * self.momentum) / curvature


@OPTIMIZERS.register("adagrad")
class AdaGrad(Optimizer):
    r"""AdaGrad: each weight has the rate that its own gradients leave it.

    .. math::
        s_t &= s_{t-1} + g_t^2 \\
        d_t &= g_t / (\sqrt{s_t} + \varepsilon)

    Parameters
    ----------
    eps : float >= 1e-20, default=1e-10
        :math:`\varepsilon`
    initial_accumulator : float >= 0, default=0.0
        :math:`s_0`
    eps_inside_sqrt : bool, default=False
        Whether the denominator is :math:`\sqrt{s_t + \varepsilon}`, as in many
        textbooks. The paper and PyTorch have :math:`\varepsilon` outside.

    Notes
    -----
    The penalty is applied by its proximal operator, in the metric of the step, as in
    the paper's composite mirror descent: :math:`g_t` is the gradient of the loss
    alone. (PyTorch's ``weight_decay`` adds :math:`\alpha w` to it, and so to
    :math:`s_t`.) On sparse rows a step then costs what the non-zeros of its batch
    cost: without a gradient :math:`s` stays as it is, and what the operator does to a
    weight in many steps is known in closed form.

    References
    ----------
    J. Duchi, E. Hazan and Y. Singer, "Adaptive Subgradient Methods for Online
    Learning and Stochastic Optimization", 2011.

    Examples
    --------
    >>> import numpy as np
    >>> w, g = np.zeros(2), np.array([3.0, -0.1])
    >>> optimizer = AdaGrad()
    >>> state = optimizer.init(w)
    >>> optimizer.direction(w, g, 1, **state).round(4)
    array([ 1., -1.])
    >>> optimizer.direction(w, g, 2, **state).round(4)
    array([ 0.7071, -0.7071])
    """

    default_learning_rate = 0.1
    proximal = True
    constraints: ClassVar = {
        "eps": EPS,
        "initial_accumulator": Number(0),
        "eps_inside_sqrt": Boolean(),
    }

    def __init__(self, eps=1e-10, initial_accumulator=0.0, eps_inside_sqrt=False):
        self.eps = eps
        self.initial_accumulator = initial_accumulator
        self.eps_inside_sqrt = eps_inside_sqrt

    def learning_rate_for(self, n_features, n_steps):
        """Return 0.3, as the rate comes to rest, or 0.1 for a rate that stays.

        Found by measurement: see "Defaults" in the documentation.
        """
        return self.default_learning_rate if math.isinf(n_steps) else 0.3

    def init(self, w):
        return {"s": np.full_like(w, self.initial_accumulator)}

    def direction(self, w, g, t, s):
        g = _squarable(g)
        s += g * g
        return g * self.scale(w, g, t, s=s)

    def scale(self, w, g, t, s):
        return 1 / _root(s, self.eps, self.eps_inside_sqrt)


@OPTIMIZERS.register("rmsprop")
class RMSProp(Optimizer):
    r"""RMSProp: the gradient over the root of its mean square.

    .. math::
        s_t &= \rho s_{t-1} + (1 - \rho) g_t^2 \\
        v_t &= \gamma v_{t-1} + g_t / (\sqrt{s_t} + \varepsilon) \\
        d_t &= v_t

    If centred, the mean :math:`m_t = \rho m_{t-1} + (1 - \rho) g_t` makes it a
    variance: :math:`s_t - m_t^2` stands in the place of :math:`s_t`. There is no
    bias correction: the first steps are longer, by :math:`1 / \sqrt{1 - \rho}`.

    Parameters
    ----------
    rho : float in [0, 1), default=0.99
        :math:`\rho`, the part of the averages that is kept.
    momentum : float in [0, 1), default=0.0
        :math:`\gamma`
    centered : bool, default=False
        Whether to divide by the root of the variance.
    eps : float >= 1e-20, default=0.01
        :math:`\varepsilon`. With the 1e-8 of PyTorch a step is never much shorter
        than the rate, however near the minimum: on full batches at a constant
        rate the weights then circle it. Where gradients are much smaller than
        :math:`\varepsilon` this is plain descent at :math:`1/\varepsilon` of the
        rate, and they settle.
    eps_inside_sqrt : bool, default=False
        Whether the denominator is :math:`\sqrt{s_t + \varepsilon}`, as in many
        textbooks. PyTorch has :math:`\varepsilon` outside.

    Notes
    -----
    The entry ``h`` of the state is the velocity that a gradient of 1 would have:
    :math:`h_t = \gamma h_{t-1} + 1 / (\sqrt{s_t} + \varepsilon)`.

    References
    ----------
    T. Tieleman and G. Hinton, "Lecture 6.5: RMSProp", Neural Networks for
    Machine Learning, 2012; momentum and centring as in A. Graves, "Generating
    Sequences With Recurrent Neural Networks", 2013.

    Examples
    --------
    >>> import numpy as np
    >>> w, g = np.zeros(2), np.array([3.0, -0.1])
    >>> optimizer = RMSProp(rho=0.75, eps=1e-8)
    >>> optimizer.direction(w, g, 1, **optimizer.init(w)).round(4)
    array([ 2., -2.])
    """

    default_learning_rate = 0.005
    constraints: ClassVar = {
        "rho": DECAY,
        "momentum": DECAY,
        "centered": Boolean(),
        "eps": EPS,
        "eps_inside_sqrt": Boolean(),
    }

    def __init__(
        self, rho=0.99, momentum=0.0, centered=False, eps=0.01, eps_inside_sqrt=False
    ):
        self.rho = rho
        self.momentum = momentum
        self.centered = centered
        self.eps = eps
        self.eps_inside_sqrt = eps_inside_sqrt

    def init(self, w):
        return {name: np.zeros_like(w) for name in ("s", "m", "v", "h")}

    def direction(self, w, g, t, s, m, v, h):
        g = _squarable(g)
        _average(s, g * g, self.rho)
        _average(m, g, self.rho)
        # A variance of zero may come out as less than zero by rounding.
        square = np.maximum(s - m * m, 0) if self.centered else s
        one = 1 / _root(square, self.eps, self.eps_inside_sqrt)
        h *= self.momentum
        h += one
        v *= self.momentum
        v += g * one
        return v

    def scale(self, w, g, t, s, m, v, h):
        return h


@OPTIMIZERS.register("adadelta")
class AdaDelta(Optimizer):
    r"""AdaDelta: past steps give the unit, so that there is no rate to set.

    .. math::
        s_t &= \rho s_{t-1} + (1 - \rho) g_t^2 \\
        d_t &= \frac{\sqrt{u_{t-1} + \varepsilon}}{\sqrt{s_t + \varepsilon}} g_t \\
        u_t &= \rho u_{t-1} + (1 - \rho) d_t^2

    The paper's rate is 1. :math:`\varepsilon` stands inside the roots, as in the
    paper and in PyTorch: it starts the motion, since :math:`u_0 = 0`.

    Parameters
    ----------
    rho : float in (0, 1), default=0.95
        :math:`\rho`, the part of the averages that is kept.
    eps : float >= 1e-20, default=1e-3
        :math:`\varepsilon`. The paper and PyTorch have 1e-6, with which the motion
        takes some hundred steps to start.

    References
    ----------
    M. D. Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012; it writes
    E[g²] for s and E[Δx²] for u.

    Examples
    --------
    >>> import numpy as np
    >>> w, g = np.zeros(2), np.array([3.0, -0.1])
    >>> optimizer = AdaDelta(rho=0.75, eps=0.01)
    >>> optimizer.direction(w, g, 1, **optimizer.init(w)).round(4)
    array([ 0.1996, -0.0894])
    """

    default_learning_rate = 1.0
    constraints: ClassVar = {"rho": Number(0, 1, closed="neither"), "eps": EPS}

    def __init__(self, rho=0.95, eps=1e-3):
        self.rho = rho
        self.eps = eps

    def init(self, w):
        return {"s": np.zeros_like(w), "u": np.zeros_like(w)}

    def direction(self, w, g, t, s, u):
        g = _squarable(g)
        _average(s, g * g, self.rho)
        d = g * (_root(u, self.eps, inside=True) / _root(s, self.eps, inside=True))
        _average(u, d * d, self.rho)
        return d

    def scale(self, w, g, t, s, u):
        # The formula has u before this step: the update of u, solved for it.
        g = _squarable(g)
        rho, eps = float(self.rho), float(self.eps)
        return np.sqrt((u + rho * eps) / (rho * (s + eps) + (1 - rho) * (g * g)))


@OPTIMIZERS.register("adam")
class Adam(Optimizer):
    r"""Adam: averages of the gradient and of its square, both without bias.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t \\
        v_t &= \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        \hat m_t &= m_t / (1 - \beta_1^t), \quad \hat v_t = v_t / (1 - \beta_2^t) \\
        d_t &= \hat m_t / (\sqrt{\hat v_t} + \varepsilon)

    :math:`\varepsilon` is added to the corrected root, as in Algorithm 1 of the
    paper and in PyTorch. (The faster form at the end of its section 2 adds it
    before the correction.)

    Parameters
    ----------
    beta1 : float in [0, 1), default=0.9
        :math:`\beta_1`, the part of the mean that is kept.
    beta2 : float in [0, 1), default=0.999
        :math:`\beta_2`, the part of the mean square that is kept.
    eps : float >= 1e-20, default=1e-8
        :math:`\varepsilon`

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", 2015.

    Examples
    --------
    >>> import numpy as np
    >>> w, optimizer = np.zeros(2), Adam()
    >>> state = optimizer.init(w)
    >>> optimizer.direction(w, np.array([3.0, -0.1]), 1, **state).round(4)
    array([ 1., -1.])
    >>> optimizer.direction(w, np.array([1.0, 0.1]), 2, **state).round(4)
    array([0.8711, 0.0526])
    """

    constraints: ClassVar = {"beta1": DECAY, "beta2": DECAY, "eps": EPS}

    def __init__(self, beta1=0.9, beta2=0.999, eps=1e-8):
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps

    def learning_rate_for(self, n_features, n_steps):
        """Return 1/√max(100, n_features, n_steps); a rate that stays is at most 0.03.

        Found by measurement, on many data sets: see "Defaults" in the documentation.
        """
        if math.isinf(n_steps):
            return min(0.03, 1 / math.sqrt(n_features))
        return 1 / math.sqrt(max(100, n_features, n_steps))

    def init(self, w):
        return {"m": np.zeros_like(w), "v": np.zeros_like(w)}

    def direction(self, w, g, t, m, v):
        g = _squarable(g)
        _average(m, g, self.beta1)
        _average(v, g * g, self.beta2)
        return _debiased(m, self.beta1, t) * self.scale(w, g, t, m=m, v=v)

    def scale(self, w, g, t, m, v):
        return 1 / _root(_debiased(v, self.beta2, t), self.eps)


@OPTIMIZERS.register("amsgrad")
class AMSGrad(Adam):
    r"""AMSGrad: Adam whose denominator forgets no large gradient.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t \\
        v_t &= \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        v^{\max}_t &= \max(v^{\max}_{t-1}, v_t) \\
        d_t &= \frac{m_t / (1 - \beta_1^t)}
               {\sqrt{v^{\max}_t / (1 - \beta_2^t)} + \varepsilon}

    The paper has no bias correction; this is the form of PyTorch, which
    corrects after the maximum.

    Parameters
    ----------
    beta1 : float in [0, 1), default=0.9
        :math:`\beta_1`, the part of the mean that is kept.
    beta2 : float in [0, 1), default=0.999
        :math:`\beta_2`, the part of the mean square that is kept.
    eps : float >= 1e-20, default=1e-8
        :math:`\varepsilon`

    References
    ----------
    S. J. Reddi, S. Kale and S. Kumar, "On the Convergence of Adam and Beyond",
    2018.

    Examples
    --------
    >>> import numpy as np
    >>> w, optimizer = np.zeros(1), AMSGrad(beta1=0.0, beta2=0.5)
    >>> state = optimizer.init(w)
    >>> optimizer.direction(w, np.array([4.0]), 1, **state).round(4)
    array([1.])
    >>> optimizer.direction(w, np.array([1.0]), 2, **state).round(4)
    array([0.3062])
    """

    def init(self, w):
        return {name: np.zeros_like(w) for name in ("m", "v", "v_max")}

    def direction(self, w, g, t, m, v, v_max):
        g = _squarable(g)
        _average(m, g, self.beta1)
        _average(v, g * g, self.beta2)
        np.maximum(v_max, v, out=v_max)
        return _debiased(m, self.beta1, t) * self.scale(w, g, t, m, v, v_max)

    def scale(self, w, g, t, m, v, v_max):
        return 1 / _root(_debiased(v_max, self.beta2, t), self.eps)


@OPTIMIZERS.register("adamw")
class AdamW(Adam):
    r"""Adam with decoupled weight decay.

    The direction is that of `Adam`; the loop adds :math:`\lambda w` to it, so
    that the decay is not divided by the root of the squared gradients:

    .. math::
        w_t = w_{t-1} - \eta \left( \frac{\hat m_t}{\sqrt{\hat v_t} + \varepsilon}
              + \lambda w_{t-1} \right)

    Parameters
    ----------
    beta1 : float in [0, 1), default=0.9
        :math:`\beta_1`, the part of the mean that is kept.
    beta2 : float in [0, 1), default=0.999
        :math:`\beta_2`, the part of the mean square that is kept.
    eps : float >= 1e-20, default=1e-8
        :math:`\varepsilon`
    weight_decay : float >= 0, default=0.01
        :math:`\lambda`. As in PyTorch it is multiplied by the learning rate; in
        the paper only by the factor of the schedule.

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled Weight Decay Regularization", 2019.

    Examples
    --------
    >>> import numpy as np
    >>> w, optimizer = np.array([2.0]), AdamW(weight_decay=0.5)
    >>> d = optimizer.direction(w, np.array([3.0]), 1, **optimizer.init(w))
    >>> (w - 0.1 * (d + optimizer.weight_decay * w)).round(4)
    array([1.8])
    """

    constraints: ClassVar = {**Adam.constraints, "weight_decay": Number(0)}

    def __init__(self, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
        super().__init__(beta1, beta2, eps)
        self.weight_decay = weight_decay


@OPTIMIZERS.register("adamax")
class AdaMax(Optimizer):
    r"""AdaMax: Adam with the largest gradient in the place of the mean square.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t \\
        u_t &= \max(\beta_2 u_{t-1}, |g_t| + \varepsilon) \\
        d_t &= \frac{m_t / (1 - \beta_1^t)}{u_t}

    The paper has no :math:`\varepsilon`; it stands where PyTorch has it.

    Parameters
    ----------
    beta1 : float in [0, 1), default=0.9
        :math:`\beta_1`, the part of the mean that is kept.
    beta2 : float in [0, 1), default=0.999
        :math:`\beta_2`, the part of the largest gradient that is kept.
    eps : float >= 1e-20, default=1e-8
        :math:`\varepsilon`

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", 2015,
    Algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> w, optimizer = np.zeros(1), AdaMax(beta1=0.0, beta2=0.5)
    >>> state = optimizer.init(w)
    >>> optimizer.direction(w, np.array([4.0]), 1, **state).round(4)
    array([1.])
    >>> optimizer.direction(w, np.array([1.0]), 2, **state).round(4)
    array([0.5])
    """

    constraints: ClassVar = {"beta1": DECAY, "beta2": DECAY, "eps": EPS}

    def __init__(self, beta1=0.9, beta2=0.999, eps=1e-8):
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps

    def init(self, w):
        return {"m": np.zeros_like(w), "u": np.zeros_like(w)}

    def direction(self, w, g, t, m, u):
        g = _squarable(g)
        _average(m, g, self.beta1)
        u *= self.beta2
        np.maximum(u, np.abs(g) + float(self.eps), out=u)
        return _debiased(m, self.beta1, t) * self.scale(w, g, t, m=m, u=u)

    def scale(self, w, g, t, m, u):
        return 1 / u


@OPTIMIZERS.register("nadam")
class NAdam(Optimizer):
    r"""NAdam: Adam with Nesterov's momentum.

    .. math::
        \mu_t &= \beta_1 (1 - \tfrac12 \cdot 0.96^{\,t \psi}) \\
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t \\
        v_t &= \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        d_t &= \left( \frac{1 - \mu_t}{1 - \prod_{i=1}^{t} \mu_i} g_t
               + \frac{\mu_{t+1}}{1 - \prod_{i=1}^{t+1} \mu_i} m_t \right)
               \; / \; \left( \sqrt{v_t / (1 - \beta_2^t)} + \varepsilon \right)

    The paper averages the gradient with :math:`\mu_t`; this is the form of
    PyTorch, which averages it with :math:`\beta_1`.

    Parameters
    ----------
    beta1 : float in [0, 1), default=0.9
        :math:`\beta_1`, the part of the mean that is kept, and the limit of
        :math:`\mu_t`.
    beta2 : float in [0, 1), default=0.999
        :math:`\beta_2`, the part of the mean square that is kept.
    eps : float >= 1e-20, default=1e-8
        :math:`\varepsilon`
    momentum_decay : float >= 0, default=0.004
        :math:`\psi`, how fast :math:`\mu_t` goes to its limit.

    References
    ----------
    T. Dozat, "Incorporating Nesterov Momentum into Adam", 2016.

    Examples
    --------
    >>> import numpy as np
    >>> w, optimizer = np.zeros(2), NAdam()
    >>> state = optimizer.init(w)
    >>> optimizer.direction(w, np.array([3.0, -0.1]), 1, **state).round(4)
    array([ 1.0565, -1.0565])
    >>> state["mu_product"].round(4)
    np.float64(0.4501)
    """

    constraints: ClassVar = {**Adam.constraints, "momentum_decay": Number(0)}

    def __init__(self, beta1=0.9, beta2=0.999, eps=1e-8, momentum_decay=0.004):
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps
        self.momentum_decay = momentum_decay

    def init(self, w):
        return {
            "m": np.zeros_like(w),
            "v": np.zeros_like(w),
            "mu_product": np.ones(()),
        }

    def direction(self, w, g, t, m, v, mu_product):
        g = _squarable(g)
        mu_product *= self._mu(t)
        _average(m, g, self.beta1)
        _average(v, g * g, self.beta2)
        of_g, of_m = self._shares(t, mu_product)
        return (of_g * g + of_m * m) / _root(_debiased(v, self.beta2, t), self.eps)

    def scale(self, w, g, t, m, v, mu_product):
        of_g, of_m = self._shares(t, mu_product)
        # A constant gradient has m = (1 - beta1^t) g.
        numerator = of_g + of_m * float(1 - self.beta1**t)
        return numerator / _root(_debiased(v, self.beta2, t), self.eps)

    def _mu(self, t):
        return self.beta1 * (1 - 0.5 * 0.96 ** (t * self.momentum_decay))

    def _shares(self, t, mu_product):
        """Return the factors of the gradient and of its mean in the numerator."""
        mu, mu_next = self._mu(t), self._mu(t + 1)
        of_g = (1 - mu) / (1 - mu_product)
        of_m = mu_next / (1 - mu_product * mu_next)
        return float(of_g), float(of_m)


@OPTIMIZERS.register("radam")
class RAdam(Adam):
    r"""Rectified Adam: no division while the mean square is not yet known.

    .. math::
        \rho_\infty &= 2 / (1 - \beta_2) - 1, \quad
        \rho_t = \rho_\infty - 2 t \beta_2^t / (1 - \beta_2^t) \\
        r_t &= \sqrt{\frac{(\rho_t - 4)(\rho_t - 2) \rho_\infty}
               {(\rho_\infty - 4)(\rho_\infty - 2) \rho_t}} \\
        d_t &= \hat m_t \cdot \begin{cases}
               r_t \sqrt{1 - \beta_2^t} / (\sqrt{v_t} + \varepsilon)
               & \text{if } \rho_t > 5 \\ 1 & \text{otherwise} \end{cases}

    with the averages of `Adam`. The paper divides if :math:`\rho_t > 4` and has
    no :math:`\varepsilon`; bound and :math:`\varepsilon`, before the correction
    of the bias, are PyTorch's.

    Parameters
    ----------
    beta1 : float in [0, 1), default=0.9
        :math:`\beta_1`, the part of the mean that is kept.
    beta2 : float in [0, 1), default=0.999
        :math:`\beta_2`, the part of the mean square that is kept. Up to 2/3 it
        is never divided by.
    eps : float >= 1e-20, default=1e-8
        :math:`\varepsilon`

    References
    ----------
    L. Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond",
    2020.

    Examples
    --------
    >>> import numpy as np
    >>> w, g, optimizer = np.zeros(2), np.array([3.0, -0.1]), RAdam()
    >>> state = optimizer.init(w)
    >>> for t in range(1, 7):
    ...     d = optimizer.direction(w, g, t, **state)
    ...     if t >= 5:
    ...         print(t, d.round(4))
    5 [ 3.  -0.1]
    6 [ 0.0258 -0.0258]
    """

    def scale(self, w, g, t, m, v):
        rho_inf = 2 / (1 - self.beta2) - 1
        bias = 1 - self.beta2**t
        rho = rho_inf - 2 * t * (1 - bias) / bias
        if rho <= 5:
            return 1.0
        r = np.sqrt(
            ((rho - 4) * (rho - 2) * rho_inf) / ((rho_inf - 4) * (rho_inf - 2) * rho)
        )
        return float(r * np.sqrt(bias)) / _root(v, self.eps)


@OPTIMIZERS.register("adabelief")
class AdaBelief(Optimizer):
    r"""AdaBelief: the step is long where the gradient is what was expected.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t \\
        s_t &= \beta_2 s_{t-1} + (1 - \beta_2) (g_t - m_t)^2 + \varepsilon \\
        \hat m_t &= m_t / (1 - \beta_1^t), \quad \hat s_t = s_t / (1 - \beta_2^t) \\
        d_t &= \hat m_t / (\sqrt{\hat s_t} + \varepsilon)

    :math:`\varepsilon` stands in both places, as in the paper and, with its
    ``eps_root`` equal to ``eps``, in Optax.

    Parameters
    ----------
    beta1 : float in [0, 1), default=0.9
        :math:`\beta_1`, the part of the mean that is kept.
    beta2 : float in [0, 1), default=0.999
        :math:`\beta_2`, the part of the mean square that is kept.
    eps : float >= 1e-20, default=1e-16
        :math:`\varepsilon`

    References
    ----------
    J. Zhuang et al., "AdaBelief Optimizer: Adapting Stepsizes by the Belief in
    Observed Gradients", 2020.

    Examples
    --------
    >>> import numpy as np
    >>> w, optimizer = np.zeros(2), AdaBelief()
    >>> state = optimizer.init(w)
    >>> optimizer.direction(w, np.array([3.0, -0.1]), 1, **state).round(4)
    array([ 1.1111, -1.1111])
    """

    constraints: ClassVar = {"beta1": DECAY, "beta2": DECAY, "eps": EPS}

    def __init__(self, beta1=0.9, beta2=0.999, eps=1e-16):
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps

    def init(self, w):
        return {"m": np.zeros_like(w), "s": np.zeros_like(w)}

    def direction(self, w, g, t, m, s):
        g = _squarable(g)
        _average(m, g, self.beta1)
        _average(s, (g - m) ** 2, self.beta2)
        s += self.eps
        return _debiased(m, self.beta1, t) * self.scale(w, g, t, m=m, s=s)

    def scale(self, w, g, t, m, s):
        return 1 / _root(_debiased(s, self.beta2, t), self.eps)


@OPTIMIZERS.register("yogi")
class Yogi(Adam):
    r"""Yogi: Adam whose mean square falls no faster than it rises.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t \\
        v_t &= v_{t-1} - (1 - \beta_2) \operatorname{sign}(v_{t-1} - g_t^2) g_t^2 \\
        \hat m_t &= m_t / (1 - \beta_1^t), \quad \hat v_t = v_t / (1 - \beta_2^t) \\
        d_t &= \hat m_t / (\sqrt{\hat v_t} + \varepsilon)

    The paper has no bias correction; this is the form of Optax. Optax starts
    both averages at the initial accumulator, here only :math:`v` does.

    Parameters
    ----------
    beta1 : float in [0, 1), default=0.9
        :math:`\beta_1`, the part of the mean that is kept.
    beta2 : float in [0, 1), default=0.999
        :math:`\beta_2`; a step changes :math:`v` by its complement.
    eps : float >= 1e-20, default=1e-3
        :math:`\varepsilon`
    initial_accumulator : float >= 0, default=1e-6
        :math:`v_0`

    References
    ----------
    M. Zaheer et al., "Adaptive Methods for Nonconvex Optimization", 2018.

    Examples
    --------
    >>> import numpy as np
    >>> w, optimizer = np.zeros(2), Yogi()
    >>> state = optimizer.init(w)
    >>> optimizer.direction(w, np.array([3.0, -0.1]), 1, **state).round(4)
    array([ 0.9996, -0.9445])
    """

    constraints: ClassVar = {**Adam.constraints, "initial_accumulator": Number(0)}

    def __init__(self, beta1=0.9, beta2=0.999, eps=1e-3, initial_accumulator=1e-6):
        super().__init__(beta1, beta2, eps)
        self.initial_accumulator = initial_accumulator

    def init(self, w):
        return {"m": np.zeros_like(w), "v": np.full_like(w, self.initial_accumulator)}

    def direction(self, w, g, t, m, v):
        g = _squarable(g)
        _average(m, g, self.beta1)
        v -= (1 - self.beta2) * np.sign(v - g * g) * (g * g)
        return _debiased(m, self.beta1, t) * self.scale(w, g, t, m=m, v=v)


@OPTIMIZERS.register("lion")
class Lion(Optimizer):
    r"""Lion: the sign of an interpolation between momentum and gradient.

    .. math::
        c_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t \\
        d_t &= \operatorname{sign}(c_t) \\
        m_t &= \beta_2 m_{t-1} + (1 - \beta_2) g_t

    The weight decay is decoupled: the loop adds :math:`\lambda w` to the
    direction, as the paper does.

    Parameters
    ----------
    beta1 : float in [0, 1), default=0.9
        :math:`\beta_1`, the part of the momentum in the interpolation.
    beta2 : float in (0, 1), default=0.99
        :math:`\beta_2`, the part of the momentum that is kept.
    weight_decay : float >= 0, default=0.0
        :math:`\lambda`

    Notes
    -----
    `scale` is :math:`|d_t| / |\hat c_t|` with
    :math:`\hat c_t = c_t / (1 - \beta_1 \beta_2^{t-1})`, which is the gradient if
    that was constant, and 0 where :math:`c_t` is 0.

    References
    ----------
    X. Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023.

    Examples
    --------
    >>> import numpy as np
    >>> w, optimizer = np.zeros(3), Lion()
    >>> state = optimizer.init(w)
    >>> optimizer.direction(w, np.array([3.0, -0.1, 0.0]), 1, **state)
    array([ 1., -1.,  0.])
    >>> state["m"].round(4)
    array([ 0.03 , -0.001,  0.   ])
    """

    default_learning_rate = 0.005
    constraints: ClassVar = {
        "beta1": DECAY,
        "beta2": Number(0, 1, closed="neither"),
        "weight_decay": Number(0),
    }

    def __init__(self, beta1=0.9, beta2=0.99, weight_decay=0.0):
        self.beta1 = beta1
        self.beta2 = beta2
        self.weight_decay = weight_decay

    def init(self, w):
        return {"m": np.zeros_like(w)}

    def direction(self, w, g, t, m):
        g = _squarable(g)
        c = m.copy()
        _average(c, g, self.beta1)
        _average(m, g, self.beta2)
        return np.sign(c)

    def scale(self, w, g, t, m):
        # The formula has m before this step: the update of m, solved for it.
        g = _squarable(g)
        c = g + float(self.beta1 / self.beta2) * (m - g)
        return _reciprocal(c) * float(1 - self.beta1 * self.beta2 ** (t - 1))


@OPTIMIZERS.register("rprop")
class RProp(Optimizer):
    r"""RProp: only the signs of the gradient count; for full batches.

    The size of a weight's step grows while its gradient keeps its sign, and
    shrinks when it changes:

    .. math::
        \Delta_t &= \begin{cases}
            \min(\eta^+ \Delta_{t-1}, \Delta_{\max}) & \text{if } g_t \tilde g_{t-1} > 0
            \\
            \max(\eta^- \Delta_{t-1}, \Delta_{\min}) & \text{if } g_t \tilde g_{t-1} < 0
            \\
            \Delta_{t-1} & \text{otherwise} \end{cases} \\
        \tilde g_t &= 0 \text{ if } g_t \tilde g_{t-1} < 0, \text{ else } g_t \\
        d_t &= \Delta_t \operatorname{sign}(\tilde g_t)

    Without the paper's return to the weights before a change of sign, as in
    PyTorch. Sizes are in units of the learning rate: they start at 1, and
    PyTorch's ``lr`` and ``step_sizes`` are here the rate, ``delta_min * rate``
    and ``delta_max * rate``.

    Parameters
    ----------
    eta_minus : float in (0, 1), default=0.5
        :math:`\eta^-`, the factor when the sign changes.
    eta_plus : float > 1, default=1.2
        :math:`\eta^+`, the factor when it does not.
    delta_min : float in (0, 1], default=1e-4
        :math:`\Delta_{\min}`, in learning rates.
    delta_max : float >= 1, default=5000.0
        :math:`\Delta_{\max}`, in learning rates.

    Notes
    -----
    `scale` is :math:`|d_t| / |g_t|`, and 0 where :math:`\tilde g_t` is 0.

    References
    ----------
    M. Riedmiller and H. Braun, "A Direct Adaptive Method for Faster
    Backpropagation Learning: The RPROP Algorithm", 1993; in the form iRprop− of
    C. Igel and M. Hüsken, "Improving the Rprop Learning Algorithm", 2000.

    Examples
    --------
    >>> import numpy as np
    >>> w, optimizer = np.zeros(2), RProp()
    >>> state = optimizer.init(w)
    >>> optimizer.direction(w, np.array([3.0, -0.1]), 1, **state)
    array([ 1., -1.])
    >>> optimizer.direction(w, np.array([2.0, 0.1]), 2, **state)
    array([1.2, 0. ])
    """

    constraints: ClassVar = {
        "eta_minus": Number(0, 1, closed="neither"),
        "eta_plus": Number(1, closed="neither"),
        "delta_min": Number(0, 1, closed="right"),
        "delta_max": Number(1),
    }

    def __init__(self, eta_minus=0.5, eta_plus=1.2, delta_min=1e-4, delta_max=5000.0):
        self.eta_minus = eta_minus
        self.eta_plus = eta_plus
        self.delta_min = delta_min
        self.delta_max = delta_max

    def init(self, w):
        return {"previous": np.zeros_like(w), "delta": np.ones_like(w)}

    def direction(self, w, g, t, previous, delta):
        # A product of signs: that of the gradients themselves may underflow.
        change = np.sign(g) * np.sign(previous)
        delta[change > 0] *= self.eta_plus
        delta[change < 0] *= self.eta_minus
        np.clip(delta, self.delta_min, self.delta_max, out=delta)
        previous[...] = np.where(change < 0, 0, g)
        return delta * np.sign(previous)

    def scale(self, w, g, t, previous, delta):
        return delta * _reciprocal(previous)


@OPTIMIZERS.register("ftrl")
class FTRL(Optimizer):
    r"""FTRL-Proximal: AdaGrad whose penalties add up, for sparse online models.

    The papers' weights are the minimum of everything so far, with the whole penalty,
    its smooth part too. Here the centre
    :math:`c_t` is that of its quadratic part, and the loop's proximal step adds
    the penalty, :math:`\alpha` times that of all :math:`t` steps:

    .. math::
        n_t &= n_{t-1} + g_t^2 \\
        c_t &= \frac{(\beta + \sqrt{n_{t-1}}) c_{t-1}
               + (\sqrt{n_t} - \sqrt{n_{t-1}}) w_{t-1} - \eta g_t}
               {\beta + \sqrt{n_t}} \\
        d_t &= (w_{t-1} - c_t) / \eta \\
        w_t &= \operatorname{prox}\left(w_{t-1} - \eta d_t,
               \; \alpha T_t / (\beta + \sqrt{n_t}) \right), \quad
        T_t = T_{t-1} + \eta

    From weights of zero at a constant rate, in the papers' symbols,
    :math:`c = -\eta z / (\beta + \sqrt n)` and :math:`\lambda_1 = t \alpha`. Where
    the rate changes, a gradient and a penalty count at the rate of their step.
    Without a penalty it is `AdaGrad` with :math:`\beta` as :math:`\varepsilon`.

    Parameters
    ----------
    beta : float >= 1e-20, default=1.0
        :math:`\beta`, which bounds the first steps.
    initial_accumulator : float >= 0, default=0.0
        :math:`n_0`

    Notes
    -----
    At a rate of zero the direction is zero, and so is it where the rate is so
    small that dividing by it would overflow.

    ``direction == scale * g`` holds for a gradient that was the same in every
    step at weights that did not move, such as those that the penalty holds at
    zero.

    References
    ----------
    H. B. McMahan, "Follow-the-Regularized-Leader and Mirror Descent: Equivalence
    Theorems and L1 Regularization", 2011, for the penalty that adds up; H. B.
    McMahan et al., "Ad Click Prediction: a View from the Trenches", 2013, for
    the rates per coordinate.

    Examples
    --------
    >>> import numpy as np
    >>> w, optimizer = np.zeros(2), FTRL()
    >>> state = optimizer.init(w)
    >>> state["rate"][...] = 0.1
    >>> w = w - 0.1 * optimizer.direction(w, np.array([3.0, -0.1]), 1, **state)
    >>> w.round(4)
    array([-0.075 ,  0.0091])
    """

    default_learning_rate = 0.1
    proximal = True
    constraints: ClassVar = {"beta": EPS, "initial_accumulator": Number(0)}

    def __init__(self, beta=1.0, initial_accumulator=0.0):
        self.beta = beta
        self.initial_accumulator = initial_accumulator

    def init(self, w):
        return {
            "n": np.full_like(w, self.initial_accumulator),
            "c": w.copy(),
            "T": np.zeros(()),
            "rate": np.zeros(()),
        }

    def direction(self, w, g, t, n, c, T, rate):
        g, eta = _squarable(g), float(rate)
        T += eta
        before = _root(n, self.beta)
        n += g * g
        after = _root(n, self.beta)
        # The mean of c and w above, as what it adds to c.
        c += ((after - before) * (w - c) - eta * g) / after
        if _vanishes(eta, w.dtype):
            return np.zeros_like(w)
        return (w - c) / eta

    def scale(self, w, g, t, n, c, T, rate):
        if _vanishes(rate, w.dtype):
            return 0.0
        return float(T / rate) / _root(n, self.beta)

    def relocate(self, move, w, n, c, T, rate):
        # The distance c - w is what the penalty has added up to.
        c += move(w) - w


@OPTIMIZERS.register("cocob")
class COCOB(Optimizer):
    r"""COCOB-Backprop: each weight bets on its next gradient; there is no rate.

    .. math::
        L_t &= \max(L_{t-1}, |g_t|), \quad G_t = G_{t-1} + |g_t| \\
        R_t &= \max(R_{t-1} - g_t (w_{t-1} - w_0), 0), \quad
        \theta_t = \theta_{t-1} - g_t \\
        h_t &= \frac{1 + R_t / L_t}{\max(G_t + L_t, \alpha L_t)} \\
        d_t &= w_{t-1} - (w_0 + h_t \theta_t)

    At the rate 1, which is the paper's, :math:`w_t = w_0 + h_t \theta_t`; at a
    lower one the weights go that part of the way.

    Parameters
    ----------
    alpha : float >= 0, default=100.0
        :math:`\alpha`, which bounds the first steps by about :math:`1 / \alpha`.
    eps : float >= 1e-20, default=1e-8
        :math:`L_0`, as in Optax; the paper has 0.

    Notes
    -----
    The weights are a function of the sum of the gradients, so a proximal step
    adds up too, as in `FTRL`: `scale` is :math:`t h_t`. That is not in the paper.

    References
    ----------
    F. Orabona and T. Tommasi, "Training Deep Networks without Learning Rates
    Through Coin Betting", 2017, Algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> w, optimizer = np.zeros(2), COCOB()
    >>> optimizer.direction(w, np.array([3.0, -0.1]), 1, **optimizer.init(w))
    array([ 0.01, -0.01])
    """

    default_learning_rate = 1.0
    constraints: ClassVar = {"alpha": Number(0), "eps": EPS}

    def __init__(self, alpha=100.0, eps=1e-8):
        self.alpha = alpha
        self.eps = eps

    def init(self, w):
        zeros = {name: np.zeros_like(w) for name in ("G", "R", "theta")}
        return {"w0": w.copy(), "L": np.full_like(w, self.eps), **zeros}

    def direction(self, w, g, t, w0, L, G, R, theta):
        g = _squarable(g)
        np.maximum(L, np.abs(g), out=L)
        G += np.abs(g)
        R -= g * (w - w0)
        np.maximum(R, 0, out=R)
        theta -= g
        return (w - w0) - self._bet(L, G, R) * theta

    def scale(self, w, g, t, w0, L, G, R, theta):
        return t * self._bet(L, G, R)

    def relocate(self, move, w, w0, L, G, R, theta):
        bet = self._bet(L, G, R)
        ahead = w0 + bet * theta - w
        w0[...] = move(w0)
        theta[...] = (move(w) + ahead - w0) / bet

    def _bet(self, L, G, R):
        return (1 + R / L) / np.maximum(G + L, float(self.alpha) * L)


@OPTIMIZERS.register("dog")
class DoG(Optimizer):
    r"""DoG, distance over gradients: gradient descent that finds its rate.

    .. math::
        \bar r_t &= \max(\bar r_{t-1}, \|w_{t-1} - w_0\|), \quad
        \bar r_0 = r_\epsilon (1 + \|w_0\|) \\
        G_t &= G_{t-1} + \|g_t\|^2 \\
        d_t &= \frac{\bar r_t}{\sqrt{G_t + \varepsilon}} g_t

    with norms over all weights, the intercept among them. The paper's rate is 1.
    Its guarantee is for means of the weights; ``average=True`` in the estimators
    takes one, which counts the slow start. The first steps are tiny, and each a
    little longer than the last. On features in different units it is as slow as
    `SGD`.

    Parameters
    ----------
    initial_distance : float >= 1e-15, default=1e-6
        :math:`r_\epsilon`, which should be less than the distance to the minimum.
    eps : float >= 1e-20, default=1e-8
        :math:`\varepsilon`

    References
    ----------
    M. Ivgi, O. Hinder and Y. Carmon, "DoG is SGD's Best Friend: A Parameter-Free
    Dynamic Step Size Schedule", 2023.

    Examples
    --------
    >>> import numpy as np
    >>> w, optimizer = np.zeros(2), DoG(initial_distance=0.1)
    >>> optimizer.direction(w, np.array([3.0, -4.0]), 1, **optimizer.init(w)).round(4)
    array([ 0.06, -0.08])
    """

    default_learning_rate = 1.0
    constraints: ClassVar = {"initial_distance": Number(1e-15), "eps": EPS}

    def __init__(self, initial_distance=1e-6, eps=1e-8):
        self.initial_distance = initial_distance
        self.eps = eps

    def init(self, w):
        distance = self.initial_distance * (1 + _sum_of_squares(w) ** 0.5)
        return {"w0": w.copy(), "r": np.array(distance), "G": np.zeros(())}

    def direction(self, w, g, t, w0, r, G):
        g = _squarable(g)
        np.maximum(r, _sum_of_squares(w - w0) ** 0.5, out=r)
        G += _sum_of_squares(g)
        return self.scale(w, g, t, w0, r, G) * g

    def scale(self, w, g, t, w0, r, G):
        return float(r / np.sqrt(G + self.eps))

    def relocate(self, move, w, w0, r, G):
        w0[...] = move(w0)


@OPTIMIZERS.register("prodigy")
class Prodigy(Optimizer):
    r"""Prodigy: Adam that estimates the distance to the minimum, its rate.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) D_{t-1} g_t \\
        v_t &= \beta_2 v_{t-1} + (1 - \beta_2) D_{t-1}^2 g_t^2 \\
        \lambda_t &= D_{t-1} \sqrt{1 - \beta_2^t} / (1 - \beta_1^t) \\
        r_t &= \beta_3 r_{t-1}
            + (1 - \beta_3) \eta D_{t-1} \lambda_t \langle g_t, w_0 - w_{t-1} \rangle
            \\
        s_t &= \beta_3 s_{t-1} + (1 - \beta_3) \eta D_{t-1} \lambda_t g_t, \quad
        \beta_3 = \sqrt{\beta_2} \\
        D_t &= \max(D_{t-1}, \; c \, r_t / \|s_t\|_1) \\
        d_t &= \lambda_t \, m_t / (\sqrt{v_t} + D_t \varepsilon)

    with the product and the norm over all weights, the intercept among them. The
    paper writes :math:`d` for :math:`D` and has no correction of the bias
    (:math:`\lambda_t = D_{t-1}`); this is the form of Optax. The paper's rate
    :math:`\eta` is 1. The first steps are tiny.

    With small batches its authors advise a schedule that decays, such as
    ``schedule="cosine"``: at a constant rate it stays as far from the minimum as
    the noise of the gradients takes it.

    Parameters
    ----------
    beta1 : float in [0, 1), default=0.9
        :math:`\beta_1`, the part of the mean that is kept.
    beta2 : float in [0, 1), default=0.999
        :math:`\beta_2`, the part of the mean square that is kept.
    eps : float >= 1e-20, default=1e-8
        :math:`\varepsilon`
    initial_distance : float >= 1e-15, default=1e-6
        :math:`D_0`, which should be less than the distance to the minimum.
    coefficient : float > 0, default=1.0
        :math:`c`, a factor on the estimate. To make steps longer or shorter the
        authors change it rather than the rate.

    References
    ----------
    K. Mishchenko and A. Defazio, "Prodigy: An Expeditiously Adaptive
    Parameter-Free Learner", 2023, Algorithm 4.

    Examples
    --------
    >>> import numpy as np
    >>> w, optimizer = np.zeros(2), Prodigy(initial_distance=0.1)
    >>> optimizer.direction(w, np.array([3.0, -0.1]), 1, **optimizer.init(w)).round(4)
    array([ 0.1, -0.1])
    """

    default_learning_rate = 1.0
    constraints: ClassVar = {
        **Adam.constraints,
        "initial_distance": Number(1e-15),
        "coefficient": Number(0, closed="neither"),
    }

    def __init__(
        self, beta1=0.9, beta2=0.999, eps=1e-8, initial_distance=1e-6, coefficient=1.0
    ):
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps
        self.initial_distance = initial_distance
        self.coefficient = coefficient

    def init(self, w):
        return {
            "w0": w.copy(),
            "m": np.zeros_like(w),
            "v": np.zeros_like(w),
            "s": np.zeros_like(w),
            "r": np.zeros(()),
            "D": np.array(float(self.initial_distance)),
            "rate": np.zeros(()),
        }

    def direction(self, w, g, t, w0, m, v, s, r, D, rate):
        g, before, beta3 = _squarable(g), float(D), float(self.beta2) ** 0.5
        bias = float((1 - self.beta2**t) ** 0.5 / (1 - self.beta1**t))
        seen = _squarable(before * g)
        _average(m, seen, float(self.beta1))
        _average(v, seen * seen, float(self.beta2))
        weight = float(rate) * before * before * bias
        _average(r, weight * _sum(g * (w0 - w)), beta3)
        _average(s, weight * g, beta3)
        size = _sum(np.abs(s))
        if size > 0:
            np.maximum(D, self.coefficient * r / size, out=D)
        return before * bias * m / _root(v, float(D) * self.eps)

    def scale(self, w, g, t, w0, m, v, s, r, D, rate):
        # While the weights rest D does too, and m = (1 - beta1^t) D g.
        D = float(D)
        numerator = D * D * float((1 - self.beta2**t) ** 0.5)
        return numerator / _root(v, D * self.eps)

    def relocate(self, move, w, w0, **others):
        w0[...] = move(w0)


@OPTIMIZERS.register("schedule_free_sgd")
class ScheduleFreeSGD(Optimizer):
    r"""Schedule-free gradient descent: an average in the place of a schedule.

    Descent leads :math:`z`; :math:`x`, the mean of its steps, is to predict with;
    the gradient is taken between the two, at the weights of training :math:`y`:

    .. math::
        z_t &= z_{t-1} - \eta_t g_t \\
        c_t &= \hat\eta_t^2 / \sum_{i=1}^t \hat\eta_i^2, \quad
        \hat\eta_t = \max_{i \le t} \eta_i \\
        x_t &= (1 - c_t) x_{t-1} + c_t z_t \\
        y_t &= (1 - \beta) z_t + \beta x_t \\
        d_t &= (y_{t-1} - y_t) / \eta_t
            = (1 - \beta (1 - c_t)) g_t + c_t (y_{t-1} - z_{t-1}) / \eta_t

    The state has no :math:`x`: it is :math:`(y - (1 - \beta) z) / \beta`.

    Parameters
    ----------
    beta : float in (0, 1], default=0.9
        :math:`\beta`, how far :math:`y` is on the way from :math:`z` to :math:`x`.

    Notes
    -----
    With ``average`` the estimators predict with the mean of :math:`y` instead.
    They count the loss of a sample at :math:`y`. A step at a rate of zero, or one
    so small that dividing by it would overflow, is none.

    It takes no penalty with a proximal step: that would have to be taken at
    :math:`z`, and its zeros and bounds would not be those of :math:`x`.

    The default rate is ten times that of `SGD`, the least that the authors advise.

    References
    ----------
    A. Defazio et al., "The Road Less Scheduled", 2024; :math:`c_t` for a rate
    that warms up is that of the authors' code and of Optax.

    Examples
    --------
    >>> import numpy as np
    >>> y, optimizer = np.zeros(1), ScheduleFreeSGD(beta=0.5)
    >>> state = optimizer.init(y)
    >>> state["rate"][...] = 0.1
    >>> for t, g in enumerate([4.0, 2.0], start=1):
    ...     y = y - 0.1 * optimizer.direction(y, np.array([g]), t, **state)
    ...     print(y.round(4), state["z"].round(4), optimizer.averaged(y, **state))
    [-0.4] [-0.4] [-0.4]
    [-0.55] [-0.6] [-0.5]
    """

    default_learning_rate = 0.1
    constraints: ClassVar = {"beta": Number(0, 1, closed="right")}

    def __init__(self, beta=0.9):
        self.beta = beta

    def init(self, w):
        return {
            "z": w.copy(),
            "largest_rate": np.zeros(()),
            "sum_of_squares": np.zeros(()),
            "rate": np.zeros(()),
        }

    def direction(self, w, g, t, z, **rates):
        return _schedule_free(self.beta, w, g, z, **rates)

    def averaged(self, w, z, **others):
        return _schedule_free_mean(self.beta, w, z)

    def relocate(self, move, w, z, **others):
        z[...] = move(z)


@OPTIMIZERS.register("schedule_free_adamw")
class ScheduleFreeAdamW(Optimizer):
    r"""Schedule-free Adam: `ScheduleFreeSGD` with Adam's denominator.

    .. math::
        v_t &= \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        u_t &= g_t / (\sqrt{v_t / (1 - \beta_2^t)} + \varepsilon)

    and :math:`u_t` for the gradient in the formulas of `ScheduleFreeSGD`, with
    :math:`\beta_1` for its :math:`\beta`: interpolation in the place of momentum.

    Parameters
    ----------
    beta1 : float in (0, 1], default=0.9
        :math:`\beta_1`, how far :math:`y` is on the way from :math:`z` to
        :math:`x`.
    beta2 : float in [0, 1), default=0.999
        :math:`\beta_2`, the part of the mean square that is kept.
    eps : float >= 1e-20, default=1e-8
        :math:`\varepsilon`

    Notes
    -----
    See `ScheduleFreeSGD` about ``average``, the loss and penalties. It has the
    authors' default of no decoupled weight decay, and no parameter for one: the
    decay would have to reach :math:`z`, without its intercept. The default rate is
    that of `Adam`, the least that the authors advise.

    References
    ----------
    A. Defazio et al., "The Road Less Scheduled", 2024, with the correction of the
    bias in the authors' code and in Optax.

    Examples
    --------
    >>> import numpy as np
    >>> y, optimizer = np.zeros(2), ScheduleFreeAdamW()
    >>> state = optimizer.init(y)
    >>> state["rate"][...] = 0.1
    >>> y -= 0.1 * optimizer.direction(y, np.array([3.0, -0.1]), 1, **state)
    >>> optimizer.averaged(y, **state).round(4)
    array([-0.1,  0.1])
    """

    constraints: ClassVar = {**Adam.constraints, "beta1": Number(0, 1, closed="right")}

    def __init__(self, beta1=0.9, beta2=0.999, eps=1e-8):
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps

    def init(self, w):
        return {"v": np.zeros_like(w), **ScheduleFreeSGD().init(w)}

    def direction(self, w, g, t, v, z, **rates):
        g = _squarable(g)
        _average(v, g * g, self.beta2)
        u = g / _root(_debiased(v, self.beta2, t), self.eps)
        return _schedule_free(self.beta1, w, u, z, **rates)

    def averaged(self, w, z, **others):
        return _schedule_free_mean(self.beta1, w, z)

    def relocate(self, move, w, z, **others):
        z[...] = move(z)


def _schedule_free(beta, y, u, z, largest_rate, sum_of_squares, rate):
    """Return the direction of `ScheduleFreeSGD` along ``u``, and move ``z``."""
    eta = float(rate)
    if _vanishes(eta, y.dtype):
        return np.zeros_like(y)
    np.maximum(largest_rate, eta, out=largest_rate)
    sum_of_squares += largest_rate**2
    c = float(largest_rate**2 / sum_of_squares)
    d = float(1 - beta * (1 - c)) * u + (c / eta) * (y - z)
    z -= eta * u
    return d


def _schedule_free_mean(beta, y, z):
    """Return x, which y is an interpolation of."""
    return (y - float(1 - beta) * z) / float(beta)


def _vanishes(rate, dtype):
    """Whether a division by ``rate`` could overflow."""
    return float(rate) < np.sqrt(np.finfo(dtype).tiny)


def _average(mean, value, decay):
    """Update a moving average in place: keep ``decay`` of it."""
    mean *= decay
    mean += (1 - decay) * value


# Below, float() keeps float32 arrays what they are when a parameter is a NumPy
# scalar, as from a grid made by np.logspace.


def _debiased(mean, decay, t):
    """Return a moving average that began at zero, divided by its weights' sum."""
    return mean / float(1 - decay**t)


def _root(square, eps, inside=False):
    """Return √square + eps, or √(square + eps)."""
    if inside:
        return np.sqrt(square + float(eps))
    return np.sqrt(square) + float(eps)


def _sum(x):
    """Return the sum over all weights, in float64."""
    return float(np.sum(x, dtype=float))


def _sum_of_squares(x):
    x = _squarable(x)
    return _sum(x * x)


def _geometric_sum(factor, n):
    """Return 1 + factor + … + factor^(n-1)."""
    return float((1 - factor**n) / (1 - factor))


def _reciprocal(x):
    """Return 1 / |x|, zero where x is zero, and never infinite."""
    return np.abs(np.sign(x)) / np.maximum(np.abs(x), np.finfo(x.dtype).tiny)


def _squarable(g):
    """Return the gradient within bounds that keep a sum of 2³² squares finite."""
    bound = float(np.sqrt(np.finfo(g.dtype).max)) / 2**16
    return np.clip(g, -bound, bound)

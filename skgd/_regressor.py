"""Regression by gradient descent."""

from typing import ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.base import MultiOutputMixin, RegressorMixin

from ._data import is_valid_target
from ._early_stopping import Given
from ._model import LinearModel
from ._validation import Number
from ._warnings import warn
from .losses import LOSSES, RegressionLoss


class GDRegressor(MultiOutputMixin, RegressorMixin, LinearModel):
    """Linear regression by gradient descent.

    Minimises the weighted mean of ``loss(y, X @ coef + intercept)`` plus ``alpha``
    times a penalty of the coefficients, with any optimizer, in batches of any size.
    Features may have any units: see ``standardize``.

    Parameters
    ----------
    loss : str, RegressionLoss or callable, default="squared_error"
        A name from ``skgd.LOSSES``, an instance such as
        ``skgd.losses.Huber(delta=2.0)``, or a function of the targets and the raw
        predictions, ``loss(y, z)``, which returns the loss of each and is
        differentiated by autograd, PyTorch or JAX:
        `skgd.losses.RegressionFromFunction`.
    penalty : str, Penalty or None, default="l2"
        A name from ``skgd.PENALTIES`` or an instance. Norms are those of the
        coefficients of standardized features, bounds are those of ``coef_``; the
        intercept has neither.
    alpha : float, default=1e-4
        Factor on the penalty, >= 0. With standardized features and target it does
        not depend on their units: it is that of ``Ridge(n_samples * alpha)`` and of
        ``Lasso(alpha * y.std())`` behind a `StandardScaler`, and that of
        ``PoissonRegressor(alpha * y.mean())``. See Notes.
    l1_ratio : float, default=0.15
        Share of the 1-norm in ``penalty="elasticnet"``, in [0, 1]. Used only if
        the penalty is given by name.
    fit_intercept : bool, default=True
        Whether an intercept is learned.
    optimizer : "auto", str or Optimizer, default="auto"
        A name from ``skgd.OPTIMIZERS`` or an instance such as
        ``skgd.optimizers.Adam(beta1=0.8)``. ``"auto"`` is ``"adam"``; in ``fit`` with
        sparse ``X`` of 10,000 columns or more it is ``"adagrad"``, if a step then
        costs what its non-zeros cost: with a built-in loss and penalty, and without
        bounds, ``clip_norm`` and ``average=True``. Training that goes on keeps what it
        began with.
    learning_rate : "auto" or float, default="auto"
        The rate that the schedule multiplies, > 0. ``"auto"`` asks the optimizer:
        for its ``learning_rate_for`` the number of features and of steps until the
        schedule first comes to rest, or without standardization for its
        ``default_learning_rate``. In a stream of standardized features that rate is
        reached with the 100th sample, as scales are hardly known before. Where
        ``fit`` diverges on standardized features it begins anew at a tenth of the
        rate, up to three times. The curves are then those of the last attempt; only
        ``time_curve_`` and ``update_curve_`` count the others.
    schedule : str, Schedule or callable, default="auto"
        A name from ``skgd.SCHEDULES``, an instance, or a function from the number
        of the step, 1, 2, …, to a factor on the rate. ``"auto"`` in ``fit`` is
        `LinearRestarts`: cycles in which the rate falls to zero, the first of 3
        epochs (2 if that is 1000 steps, and at least 50 steps), each of the others
        twice as long as the one before. In ``partial_fit``, which knows no end, it is
        ``InverseScaling(power=0.5, delay=300)`` for Adam and what derives from it.
        Other streams, and an optimizer that needs no schedule, have a constant rate.
    batch_size : "auto", int or None, default="auto"
        Samples in a batch; None takes all. ``"auto"`` is 32. For sparse ``X`` of 10,000
        columns or more it is 1 where a step costs what its non-zeros cost
        (``"adagrad"``, ``"sgd"`` and ``"ftrl"``, mostly), and 128 where it costs a pass
        over all weights, except that ``"sgd"`` and ``"ftrl"``, which need many steps,
        keep 32. If there are fewer samples, it is all of them.
    max_iter : int, default=3000
        Most epochs (passes over the data) of a call of ``fit``. That they were not
        enough for ``tol`` is a `ConvergenceWarning`.
    tol : float or None, default=1e-3
        Training stops when longer training would not change the objective: when a
        cycle of the schedule has lowered it, over all samples, by at most ``tol``
        times what it was at the start, or 3 times the median loss there if outliers
        hardly matter to the loss and that is less. The weights are those of the best
        cycle.
        With a schedule that has no cycles and no end, training stops when the mean
        loss of ``n_iter_no_change`` epochs differs from that of as many epochs
        before them by at most this fraction of it for each epoch. One that has an
        end, such as ``"cosine"``, is followed to it. None trains ``max_iter``
        epochs.
    n_iter_no_change : int, default=5
        See ``tol`` and ``early_stopping``; cycles are not counted by it.
    coef_tol : float or None, default=None
        Training stops when no weight has moved by more than ``coef_tol`` times the
        largest weight during an epoch, with a schedule of cycles from the end of
        one to the end of the next. Weights are those of standardized features, if
        ``standardize`` is on.
    early_stopping : bool, default=False
        Whether samples that are held out decide when training stops, and not the
        objective: when ``n_iter_no_change`` epochs have brought no improvement of
        their score by more than ``tol`` (None: it goes on for ``max_iter`` epochs).
        The weights are always those of the best epoch. In ``partial_fit`` it needs
        ``X_val`` and ``y_val``.
    scoring : "loss", str, callable or None, default="loss"
        How held-out samples are scored; higher is better. ``"loss"`` is the
        negative mean loss, without the penalty, and then ``tol`` is a fraction of
        the loss at the start. A name or a scorer of scikit-learn, or a function
        ``scorer(estimator, X, y)``, with ``sample_weight`` if there are weights;
        None is ``score``.
    validation_fraction : float, default=0.1
        Share of the samples that ``early_stopping`` holds out if ``fit`` is given
        no ``X_val``: at random by ``random_state``, and if they have classes, the
        same share of each.
    shuffle : bool, default=True
        Whether every epoch takes the samples in a new order.
    standardize : "auto" or bool, default="auto"
        Whether training sees features of mean 0 and standard deviation 1; ``"auto"``
        is True. They are computed as the data are read: nothing is copied, CSR
        stays sparse, and ``coef_`` and ``intercept_`` are for the data as given.
        Weights of samples count. In a stream mean and deviation are those of all
        samples so far; when they move, predictions stay, and when a
        deviation becomes 100 times as large within one call, a `UserWarning` names the
        column. A column that is mostly zeros is not centred but only divided by the
        root mean square of its other values; without an intercept no column is centred.
        A column that is constant has the coefficient 0; one whose numbers differ by no
        more than their rounding, or are too small for their dtype, too, and a
        `UserWarning` names it. The target is centred and scaled too, each output by
        itself. If outliers hardly matter to the loss, as with the absolute error,
        training starts at the median, or at the quantile to be estimated, and a target
        farther from the quartiles than three times their distance counts in the
        deviation as if it were there.
    average : "auto", "tail", bool or int, default="auto"
        Whether the attributes hold the mean of the weights over many steps and not
        the last ones. ``"tail"`` takes it over the last two thirds of a cycle of
        the schedule; without cycles over all steps, of which later ones count more.
        True takes all alike, an int is the first step that counts. ``"auto"`` is
        ``"tail"`` unless the schedule comes to rest once, at a horizon, and False for
        ``"adagrad"`` and ``"ftrl"`` on sparse ``X`` of 10,000 columns or more, where
        the mean costs a pass over all weights in each step. This mean takes the place
        of the one that a schedule-free optimizer keeps.
    clip_norm : float or None, default=None
        Longest gradient (Euclidean, over all weights of the standardized features);
        a longer one is shortened.
    init : {"zeros", "random"}, default="zeros"
        Where training starts if ``fit`` is given no ``coef_init`` and no
        ``intercept_init``. ``"zeros"`` is coefficients of zero and, with standardized
        features, the best constant as the intercept. ``"random"`` adds to these
        weights that are drawn by ``random_state`` from a normal distribution of mean 0
        and standard deviation 1/√n_features. With standardized features they are those
        of the Notes: v, and an intercept in units of σ. A convex loss has the same
        minimum from any start.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the last call: with its weights, with what the
        optimizer remembers, and with the clock ``t_`` that schedules read. The cycles
        of ``schedule="auto"`` begin anew.
    random_state : int, RandomState instance or None, default=None
        Determines the order of the samples, and with ``init="random"`` the start. None:
        different at each fit.
    record_gradient_norm : bool, default=False
        Whether ``gradient_norm_curve_`` is filled, at the cost of reading the data once
        more in each epoch.
    verbose : int, default=0
        0 prints nothing. 1 shows a fit that lasts longer than two seconds under way, in
        a terminal on one line, and says how it ended. 2 prints a line for each epoch.
        Either way ``partial_fit`` prints a line for each call.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_outputs, n_features)
        Coefficients; one row for each output if ``y`` has two dimensions.
    intercept_ : ndarray of shape (n_outputs,)
        Intercepts; one if ``y`` has one dimension, zeros without intercept.
    n_iter_ : int
        Epochs since the model was new, also those that a divergence undid.
    t_ : int
        Optimizer steps that led to the weights.
    learning_rate_ : float
        The rate that the schedule multiplied in the last call.
    loss_curve_ : list of float
        For each epoch ``alpha`` times the penalty at its start plus the mean loss of
        the samples, each before the step that used it: with one batch the objective
        before the step. Infinite for an epoch whose weights did not stay finite.
    validation_curve_ : list of float
        With ``early_stopping`` the score of the held-out samples after each epoch.
    learning_rate_curve_ : list of float
        For each epoch the rate of its first step.
    time_curve_ : list of float
        For each epoch the seconds that this and all earlier ones have taken.
    update_curve_ : list of int
        For each epoch the optimizer steps that this and all earlier ones have taken,
        also those that the weights are not of: ``t_`` is less if training returned to
        the best epoch.
    gradient_norm_curve_ : list of float
        For each epoch the Euclidean norm of the gradient over all samples at its end:
        that of the loss and of the smooth part of the penalty, in the units of training
        and at its last weights, not at their mean. NaN for epochs without
        ``record_gradient_norm``.
    stop_reason_ : {"tol", "coef_tol", "early_stopping", "max_iter", "callback", \
            "partial_fit", "diverged"}
        Why the last call ended; ``"unfinished"`` for an estimator that a callback is
        given in the middle of training.
    optimizer_, loss_, penalty_, schedule_ : object
        The components that were used. After a warm start with ``schedule="auto"`` the
        cycles are joined to a constant, which stands for the steps before.
    optimizer_state_ : dict of str to ndarray
        What the optimizer remembers, by the symbols of its paper. Arrays with a
        value for each weight have a row for each feature, then one for the
        intercept, in the units of training.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if those of ``X`` are all strings.

    See Also
    --------
    GDClassifier : The same for classes.
    sklearn.linear_model.SGDRegressor : Plain stochastic gradient descent.

    Notes
    -----
    With standardized features training minimises::

        1/Σs · Σᵢ sᵢ · loss(yᵢ, zᵢ) + alpha · u · penalty(v),    vⱼ = coefⱼ · σⱼ / σ

    for weights s of the samples, standard deviations σⱼ of the features and σ of the
    target. One unit u of the penalty is σ times the root mean square of the
    derivative of the loss at the mean target: σ² for the squared error, as in
    glmnet, and σ for the absolute error. Losses with a log link have σ = 1, since
    their coefficients are logarithms of factors, and u is the mean target to the
    power 2 − p, like which a deviance of power p grows: the mean for Poisson, 1 for
    Gamma. So no unit changes what is predicted, if what a loss has in the unit of the
    target is multiplied too, such as the ``delta`` of Huber; also not that of
    exposures, if targets are counts by exposure and weights are exposures. Without
    standardization σⱼ = σ = u = 1.

    References
    ----------
    J. Friedman, T. Hastie and R. Tibshirani, "Regularization Paths for Generalized
    Linear Models via Coordinate Descent", Journal of Statistical Software, 2010, for
    the penalty of standardized coefficients.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from skgd import GDRegressor
    >>> X, y = load_diabetes(return_X_y=True, scaled=False)
    >>> model = GDRegressor(random_state=0).fit(X, y)
    >>> round(model.score(X, y), 2), model.stop_reason_
    (0.52, 'tol')

    The same patients in other units, and the progression in thousandths:

    >>> other = GDRegressor(random_state=0).fit(1e6 * X + 1e3, 1e-3 * y)
    >>> np.allclose(1e3 * other.predict(1e6 * X + 1e3), model.predict(X), rtol=1e-6)
    True
    """

    loss_kind: ClassVar = RegressionLoss
    target_options: ClassVar = {"multi_output": True, "y_numeric": True}

    def __init__(
        self,
        loss="squared_error",
        *,
        penalty="l2",
        alpha=1e-4,
        l1_ratio=0.15,
        fit_intercept=True,
        optimizer="auto",
        learning_rate="auto",
        schedule="auto",
        batch_size="auto",
        max_iter=3000,
        tol=1e-3,
        n_iter_no_change=5,
        coef_tol=None,
        early_stopping=False,
        scoring="loss",
        validation_fraction=0.1,
        shuffle=True,
        standardize="auto",
        average="auto",
        clip_norm=None,
        init="zeros",
        warm_start=False,
        random_state=None,
        record_gradient_norm=False,
        verbose=0,
    ):
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.coef_tol = coef_tol
        self.early_stopping = early_stopping
        self.scoring = scoring
        self.validation_fraction = validation_fraction
        self.shuffle = shuffle
        self.standardize = standardize
        self.average = average
        self.clip_norm = clip_norm
        self.init = init
        self.warm_start = warm_start
        self.random_state = random_state
        self.record_gradient_norm = record_gradient_norm
        self.verbose = verbose

    def partial_fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
    ) -> Self:
        """Make one pass over these samples and go on from the last call.

        Training goes on from its own weights: a ``coef_`` that was written to is not
        read. To start elsewhere give ``fit`` a ``coef_init``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None
            Used as given: a weight of 2 counts twice in the gradient of its batch.
        X_val, y_val : array-like, default=None
            With ``early_stopping=True``: samples that are not trained on. After the
            pass they are scored, which adds to ``validation_curve_``. When
            ``n_iter_no_change`` calls have brought no improvement, the model returns
            to the best call so far and ``stop_reason_`` is ``"early_stopping"``; a
            loop may look at it, or go on.
        sample_weight_val : array-like of shape (n_samples_val,), default=None
            Weights of those samples in their score.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            For parameters or data that are not acceptable, or whose features
            are not those of the first call; nothing is changed.

        Examples
        --------
        >>> import numpy as np
        >>> from skgd import GDRegressor
        >>> X = np.random.default_rng(0).normal(size=(1000, 2))
        >>> model = GDRegressor(optimizer="sgd", learning_rate=0.5)
        >>> for chunk in np.array_split(X, 10):
        ...     model = model.partial_fit(chunk, chunk @ [1.0, -2.0] + 3)
        >>> model.t_, model.coef_.round(1), model.intercept_.round(1)
        (40, array([ 1., -2.]), array([3.]))
        """
        given = Given(X_val, y_val, sample_weight_val)
        return self._partial_fit(X, y, sample_weight, given)

    def predict(self, X) -> np.ndarray:
        """Predict targets.

        For losses with a log link (Poisson, Gamma, Tweedie) that is
        ``exp(X @ coef + intercept)``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)

        Examples
        --------
        >>> from skgd import GDRegressor
        >>> model = GDRegressor("poisson", alpha=0, max_iter=500, tol=None)
        >>> model.fit([[0.0], [0.0], [1.0]], [1, 3, 4]).predict([[0.0], [1.0]]).round()
        array([2., 4.])
        """
        z = self._raw_prediction(X)
        with np.errstate(all="ignore"):
            return self.loss_.inverse_link(z)

    def _encode(self, y, loss, dtype, resume):
        return _checked_targets(y, loss, dtype), None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = not _takes_negatives(self.loss)
        return tags

    def _encode_known(self, y, n_samples, loss, dtype):
        is_valid = is_valid_target(y, n_samples)
        return _checked_targets(y, loss, dtype) if is_valid else None

    def _encode_like(self, y, objective):
        if y.shape[1:] != objective.y.shape[1:]:
            raise ValueError(
                f"y_val must have the outputs of y, got shape {y.shape} and y has "
                f"{objective.y.shape}."
            )
        return _checked_targets(y, objective.loss, objective.X.dtype)


def _takes_negatives(loss):
    """Whether targets may be negative, as far as the parameter tells."""
    if isinstance(loss, str) and loss in LOSSES:
        loss = LOSSES[loss]()
    return not isinstance(loss, RegressionLoss) or loss.target_range.accepts(-1.0)


def _checked_targets(y, loss, dtype):
    """Return the targets in the dtype of the weights."""
    if sparse.issparse(y):
        raise TypeError("y must be a dense array, got a sparse one.")
    if y.dtype != dtype:
        with np.errstate(over="ignore"):
            rounded = y.astype(dtype)
        if not np.isfinite(rounded).all():
            raise ValueError(f"y has values outside the range of {dtype}.")
        _warn_of_rounding(y, rounded)
        y = rounded
    accepted = loss.target_range
    if accepted == Number():
        return y
    low, high = float(y.min()), float(y.max())
    if not (accepted.accepts(low) and accepted.accepts(high)):
        raise ValueError(
            f"{type(loss).__name__}: every y must be {accepted}, got "
            f"values from {low:g} to {high:g}."
        )
    return y


def _warn_of_rounding(y, rounded):
    """Say so if y loses more than a hundredth of its deviation, in any output."""
    varies = y.max(axis=0) > y.min(axis=0)
    if not varies.any():
        return
    with np.errstate(all="ignore"):
        lost = np.sqrt(np.mean(np.square(rounded - y), axis=0))
        share = np.max(lost / y.std(axis=0), where=varies, initial=0.0)
    if share > 0.01:
        warn(
            f"y is rounded to {rounded.dtype}, the dtype of X and of coef_, and loses "
            f"{min(share, 1):.0%} of its standard deviation. Pass X as float64, or "
            "subtract a constant from y or multiply y by one.",
            UserWarning,
        )

"""Regression by gradient descent."""

from typing import ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.base import MultiOutputMixin, RegressorMixin

from ._model import LinearModel
from ._validation import Number
from .losses import RegressionLoss


class GDRegressor(MultiOutputMixin, RegressorMixin, LinearModel):
    """Linear regression by gradient descent.

    Minimises the weighted mean of ``loss(y, X @ coef + intercept)`` plus
    ``alpha * penalty(coef)`` with any optimizer, in batches of any size.

    Parameters
    ----------
    loss : str or RegressionLoss, default="squared_error"
        A name from ``skgd.LOSSES`` or an instance such as
        ``skgd.losses.Huber(delta=2.0)``.
    penalty : str, Penalty or None, default="l2"
        A name from ``skgd.PENALTIES`` or an instance. It applies to the
        coefficients, not to the intercept.
    alpha : float, default=1e-4
        Factor on the penalty, >= 0.
    l1_ratio : float, default=0.15
        Share of the 1-norm in ``penalty="elasticnet"``, in [0, 1]. Used only if
        the penalty is given by name.
    fit_intercept : bool, default=True
        Whether an intercept is learned.
    optimizer : str or Optimizer, default="adam"
        A name from ``skgd.OPTIMIZERS`` or an instance such as
        ``skgd.optimizers.Adam(beta1=0.8)``.
    learning_rate : "auto" or float, default="auto"
        The rate that the schedule multiplies, > 0. ``"auto"`` is the
        ``default_learning_rate`` of the optimizer.
    schedule : str, Schedule or callable, default="constant"
        A name from ``skgd.SCHEDULES``, an instance, or a function from the number
        of the step, 1, 2, …, to a factor on the rate.
    batch_size : "auto", int or None, default="auto"
        Samples in a batch; None takes all. ``"auto"`` is 32, or all if there are
        fewer.
    max_iter : int, default=1000
        Most epochs (passes over the data) of a call of ``fit``.
    tol : float or None, default=1e-3
        Training stops when the mean loss of ``n_iter_no_change`` epochs differs
        from that of as many epochs before them by at most this fraction of it for
        each epoch. None trains ``max_iter`` epochs.
    n_iter_no_change : int, default=5
        See ``tol``; training lasts at least twice as many epochs.
    early_stopping : bool, default=False
        Not implemented yet: True raises NotImplementedError.
    validation_fraction : float, default=0.1
        Used only with ``early_stopping``.
    shuffle : bool, default=True
        Whether every epoch takes the samples in a new order.
    standardize : "auto" or bool, default="auto"
        Features are used as they are; True raises NotImplementedError for now.
    average : bool or int, default=False
        Whether the attributes hold the mean of the weights over all steps; an int
        is the first step that counts.
    clip_norm : float or None, default=None
        Longest gradient (Euclidean, over all weights); a longer one is shortened.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the last call.
    random_state : int, RandomState instance or None, default=None
        Determines the order of the samples. None: different at each fit.
    verbose : int, default=0
        Whether a line is printed for each epoch.

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
    loss_curve_ : list of float
        For each epoch ``alpha`` times the penalty at its start plus the mean loss of
        the samples, each before the step that used it: with one batch the objective
        before the step. Infinite for an epoch whose weights did not stay finite.
    stop_reason_ : {"tol", "max_iter", "partial_fit", "diverged"}
        Why the last call ended.
    optimizer_, loss_, penalty_, schedule_ : object
        The components that were used.
    optimizer_state_ : dict of str to ndarray
        What the optimizer remembers, by the symbols of its paper. Arrays with a
        value for each weight have a row for each feature, then one for the
        intercept.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if those of ``X`` are all strings.

    See Also
    --------
    GDClassifier : The same for classes.
    sklearn.linear_model.SGDRegressor : Plain stochastic gradient descent.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skgd import GDRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = GDRegressor(alpha=0, learning_rate=3.0, random_state=0).fit(X, y)
    >>> round(model.score(X, y), 2)
    0.51
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
        optimizer="adam",
        learning_rate="auto",
        schedule="constant",
        batch_size="auto",
        max_iter=1000,
        tol=1e-3,
        n_iter_no_change=5,
        early_stopping=False,
        validation_fraction=0.1,
        shuffle=True,
        standardize="auto",
        average=False,
        clip_norm=None,
        warm_start=False,
        random_state=None,
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
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.shuffle = shuffle
        self.standardize = standardize
        self.average = average
        self.clip_norm = clip_norm
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    def partial_fit(self, X, y, sample_weight=None) -> Self:
        """Make one pass over these samples and go on from the last call.

        Training goes on from its own weights: a ``coef_`` that was written to is not
        read. To start elsewhere give ``fit`` a ``coef_init``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None
            Used as given: a weight of 2 counts twice in the gradient of its batch.

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
        return self._partial_fit(X, y, sample_weight)

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
        if sparse.issparse(y):
            raise TypeError("y must be a dense array, got a sparse one.")
        if y.dtype != dtype:
            with np.errstate(over="ignore"):
                y = y.astype(dtype)
            if not np.isfinite(y).all():
                raise ValueError(f"y has values outside the range of {dtype}.")
        accepted = loss.target_range
        if accepted == Number():
            return y, None
        low, high = float(y.min()), float(y.max())
        if not (accepted.accepts(low) and accepted.accepts(high)):
            raise ValueError(
                f"{type(loss).__name__}: every y must be {accepted}, got "
                f"values from {low:g} to {high:g}."
            )
        return y, None

"""Classification by gradient descent."""

from numbers import Real
from typing import ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets

from ._model import LinearModel
from ._validation import Choice, Instance
from .losses import ClassificationLoss


def _gives_probabilities(estimator):
    loss = getattr(estimator, "loss_", None) or estimator._resolve_loss()
    if not hasattr(loss, "inverse_link"):
        raise AttributeError(
            f"the loss {type(loss).__name__} determines no probabilities; use "
            'loss="log_loss" or loss="modified_huber", or calibrate the decision '
            "function with sklearn.calibration.CalibratedClassifierCV"
        )
    return True


class GDClassifier(ClassifierMixin, LinearModel):
    """Linear classification by gradient descent.

    Minimises the weighted mean of ``loss(y, X @ coef + intercept)`` plus
    ``alpha * penalty(coef)`` with any optimizer, in batches of any size. With
    more than two classes the log loss is that of the softmax, and the margin
    losses are taken one class against the rest; either way it is one model with
    a column of weights for each class.

    Parameters
    ----------
    loss : str or ClassificationLoss, default="log_loss"
        A name from ``skgd.LOSSES`` or an instance.
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
    class_weight : dict, "balanced" or None, default=None
        Factors on the sample weights by class; ``"balanced"`` gives every class
        the same total weight.
    random_state : int, RandomState instance or None, default=None
        Determines the order of the samples. None: different at each fit.
    verbose : int, default=0
        Whether a line is printed for each epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Coefficients; with two classes those of ``classes_[1]``.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercepts; zeros without intercept.
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
    GDRegressor : The same for real targets.
    sklearn.linear_model.SGDClassifier : Plain stochastic gradient descent.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgd import GDClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> model = GDClassifier(max_iter=10, tol=None, random_state=0).fit(X / 16, y)
    >>> round(model.score(X / 16, y), 2)
    0.97
    """

    loss_kind: ClassVar = ClassificationLoss
    constraints: ClassVar = {
        **LinearModel.constraints,
        "class_weight": Choice(None, "balanced")
        | Instance(dict, "a dict from class to weight"),
    }

    def __init__(
        self,
        loss="log_loss",
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
        class_weight=None,
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
        self.class_weight = class_weight
        self.random_state = random_state
        self.verbose = verbose

    def partial_fit(self, X, y, classes=None, sample_weight=None) -> Self:
        """Make one pass over these samples and go on from the last call.

        Training goes on from its own weights: a ``coef_`` that was written to is not
        read. To start elsewhere give ``fit`` a ``coef_init``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever occur; needed in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            Used as given: a weight of 2 counts twice in the gradient of its batch.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            For parameters or data that are not acceptable, for classes that were
            not announced, or features that are not those of the first call;
            nothing is changed.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from skgd import GDClassifier
        >>> X, y = load_digits(return_X_y=True)
        >>> model = GDClassifier(random_state=0)
        >>> for start in range(0, 1500, 100):
        ...     chunk = slice(start, start + 100)
        ...     model = model.partial_fit(X[chunk] / 16, y[chunk], classes=range(10))
        >>> model.score(X[1500:] / 16, y[1500:]) > 0.8
        True
        """
        if classes is None and not hasattr(self, "classes_"):
            raise ValueError("classes must be given in the first call of partial_fit.")
        return self._partial_fit(X, y, sample_weight, classes=classes)

    def decision_function(self, X) -> np.ndarray:
        """Return the raw predictions ``X @ coef_.T + intercept_``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            With two classes one column: positive for ``classes_[1]``.
        """
        z = self._raw_prediction(X)
        return z[:, 0] if len(self.classes_) == 2 else z

    def predict(self, X) -> np.ndarray:
        """Predict classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        z = self.decision_function(X)
        codes = (z > 0).astype(np.intp) if z.ndim == 1 else z.argmax(axis=1)
        return self.classes_[codes]

    @available_if(_gives_probabilities)
    def predict_proba(self, X) -> np.ndarray:
        """Predict the probability of each class.

        Available for losses that determine probabilities: ``"log_loss"`` and
        ``"modified_huber"`` (B. Zadrozny and C. Elkan, "Transforming classifier
        scores into accurate multiclass probability estimates", 2002).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; each row sums to 1.

        Examples
        --------
        >>> from skgd import GDClassifier
        >>> model = GDClassifier(alpha=0, max_iter=1000, tol=None)
        >>> model = model.fit([[0.0], [0.0], [0.0], [0.0]], list("aabb"))
        >>> model.predict_proba([[0.0]]).round(2)
        array([[0.5, 0.5]])
        """
        z = self.decision_function(X)
        with np.errstate(all="ignore"):
            link = self.loss_.inverse_link
            if z.ndim == 1:
                # Not 1 - p, which would be 0 long before p(-z) is.
                return np.column_stack([link(-z), link(z)])
            p = link(z)
        p[p.sum(axis=1) == 0] = 1
        return p / p.sum(axis=1, keepdims=True)

    @available_if(_gives_probabilities)
    def predict_log_proba(self, X) -> np.ndarray:
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _encode(self, y, loss, dtype, resume, classes=None):
        check_classification_targets(y)
        if resume:
            classes = self._known_classes(classes)
        if classes is None:
            classes, codes = np.unique(y, return_inverse=True)
        else:
            classes, codes = np.unique(classes), _codes(y, np.unique(classes))
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least two classes, got one "
                f"class: {classes.tolist()}."
            )
        self.classes_ = classes
        if len(classes) == 2:
            return (2 * codes - 1).astype(dtype), None
        return codes.astype(np.int32), len(classes)

    def _shape_coef(self, coef):
        return np.atleast_2d(coef)

    def _known_classes(self, classes):
        if classes is not None and not np.array_equal(
            np.unique(classes), self.classes_
        ):
            raise ValueError(
                f"classes={np.unique(classes).tolist()} are not those of the first "
                f"call, {self.classes_.tolist()}."
            )
        return self.classes_

    def _weigh_classes(self, y, sample_weight, n_classes, streaming):
        if self.class_weight is None:
            return sample_weight
        codes = (y > 0).astype(np.intp) if n_classes is None else y
        if self.class_weight != "balanced":
            factors = self._class_factors()
        elif streaming:
            raise NotImplementedError(
                'class_weight="balanced" needs all samples: in partial_fit pass a dict.'
            )
        else:
            counts = np.bincount(codes, sample_weight, minlength=len(self.classes_))
            share = counts.sum() / len(counts)
            factors = share / np.where(counts > 0, counts, share)
        weights = factors[codes]
        return weights if sample_weight is None else weights * sample_weight

    def _class_factors(self):
        given = self.class_weight
        classes = set(self.classes_.tolist())
        unknown, unweighted = set(given) - classes, classes - set(given)
        if unknown and unweighted:
            raise ValueError(
                f"class_weight has keys {sorted(unknown, key=str)} that are not among "
                f"the classes {self.classes_.tolist()}."
            )
        values = [given.get(c, 1.0) for c in self.classes_.tolist()]
        numbers = all(isinstance(value, Real) for value in values)
        factors = np.array(values if numbers else np.nan, dtype=float)
        if not (np.isfinite(factors).all() and (factors >= 0).all()):
            raise ValueError(
                f"class_weight must have finite numbers >= 0 as values, got {given!r}."
            )
        return factors


def _codes(y, classes):
    """Return the index in ``classes`` of each target."""
    codes = np.searchsorted(classes, y).clip(max=len(classes) - 1)
    unseen = np.unique(y[classes[codes] != y])
    if len(unseen):
        raise ValueError(
            f"y has classes {unseen.tolist()} that are not among {classes.tolist()}."
        )
    return codes

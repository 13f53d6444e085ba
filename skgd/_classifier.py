"""Classification by gradient descent."""

from numbers import Real
from typing import ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets

from ._early_stopping import Given
from ._labels import encode, encode_few, grow, is_coupled, union
from ._model import LinearModel
from ._parameters import resolve_loss
from ._start import forget
from ._validation import Choice, Instance, did_you_mean
from .losses import ClassificationLoss


def _gives_probabilities(estimator):
    loss = getattr(estimator, "loss_", None) or resolve_loss(estimator)
    if not hasattr(loss, "inverse_link"):
        raise AttributeError(
            f"the loss {type(loss).__name__} determines no probabilities; use "
            'loss="log_loss" or loss="modified_huber", or calibrate the decision '
            "function with sklearn.calibration.CalibratedClassifierCV"
        )
    return True


class GDClassifier(ClassifierMixin, LinearModel):
    """Linear classification by gradient descent.

    Minimises the weighted mean of ``loss(y, X @ coef + intercept)`` plus ``alpha``
    times a penalty of the coefficients, with any optimizer, in batches of any size.
    Features may have any units: see ``standardize``. With more than two classes the
    log loss is that of the softmax, and the margin losses are taken one class against
    the rest; either way it is one model with a column of weights for each class.

    Parameters
    ----------
    loss : str, ClassificationLoss or callable, default="log_loss"
        A name from ``skgd.LOSSES``, an instance, or a function of the targets −1 and
        +1 and the raw predictions, ``loss(y, z)``, which returns the loss of each and
        is differentiated by autograd, PyTorch or JAX; it has no probabilities:
        `skgd.losses.ClassificationFromFunction`.
    penalty : str, Penalty or None, default="l2"
        A name from ``skgd.PENALTIES`` or an instance. Norms are those of the
        coefficients of standardized features, bounds are those of ``coef_``; the
        intercept has neither.
    alpha : float, default=1e-4
        Factor on the penalty, >= 0. With standardized features it is that of
        ``LogisticRegression(C=1 / (n_samples * alpha))`` behind a `StandardScaler`,
        and does not depend on their units.
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
        times what it was at the start. The weights are those of the best cycle.
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
        `UserWarning` names it.
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
        and standard deviation 1/√n_features. With standardized features they are for
        those. A convex loss has the same
        minimum from any start.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the last call: with its weights, with what the
        optimizer remembers, and with the clock ``t_`` that schedules read. The cycles
        of ``schedule="auto"`` begin anew.
    class_weight : dict, "balanced" or None, default=None
        Factors on the sample weights by class; ``"balanced"`` gives every class
        the same total weight.
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
    GDRegressor : The same for real targets.
    sklearn.linear_model.SGDClassifier : Plain stochastic gradient descent.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgd import GDClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> model = GDClassifier(random_state=0).fit(X[:1400], y[:1400])
    >>> model.stop_reason_, round(model.score(X[1400:], y[1400:]), 2)
    ('tol', 0.9)
    """

    classes_: np.ndarray
    _grows: bool
    _class_counts: tuple[np.ndarray, np.ndarray]

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
        class_weight=None,
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
        self.class_weight = class_weight
        self.random_state = random_state
        self.record_gradient_norm = record_gradient_norm
        self.verbose = verbose

    def partial_fit(
        self,
        X,
        y,
        classes=None,
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
        y : array-like of shape (n_samples,)
        classes : array-like of shape (n_classes,) or "grow", default=None
            All classes that will ever occur; needed in the first call. With
            ``"grow"`` classes are added when they first appear, in this call and in
            all later ones; they are of the type of the first ones. What is predicted
            for the known classes stays, and the optimizer's memory begins anew.
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
            For parameters or data that are not acceptable, for classes that were
            not announced or are of another type than those before, or features that
            are not those of the first call; nothing is changed.

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
            raise ValueError(
                "classes must be given in the first call of partial_fit: all that will "
                "ever occur, or 'grow'."
            )
        _check_classes(classes)
        given = Given(X_val, y_val, sample_weight_val)
        return self._partial_fit(X, y, sample_weight, given, classes=classes)

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
        return z[:, 0] if len(self.classes_) <= 2 else z

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
        return self.classes_[np.minimum(codes, len(self.classes_) - 1)]

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
        >>> model = GDClassifier(alpha=0, max_iter=3000, tol=None)
        >>> model = model.fit([[0.0], [0.0], [0.0], [0.0]], list("aabb"))
        >>> model.predict_proba([[0.0]]).round(2)
        array([[0.5, 0.5]])
        """
        z = self.decision_function(X)
        if len(self.classes_) == 1:
            return np.ones((len(z), 1), dtype=z.dtype)
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
        self._grows = _is_grow(classes) or (resume and self._grows)
        if self._grows:
            classes = union(self.classes_, y) if resume else np.unique(y)
        elif resume:
            classes = self._known_classes(classes)
        classes = np.unique(y if classes is None else classes)
        if len(classes) < 2 and not self._grows:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least two classes, got one "
                f"class: {classes.tolist()}."
            )
        targets = encode(y, classes, dtype)
        self.classes_ = classes
        return targets, len(classes) if len(classes) > 2 else None

    def _encode_known(self, y, n_samples, loss, dtype):
        classes = self.classes_
        is_alike = type(y) is np.ndarray and y.dtype.kind == classes.dtype.kind
        if not is_alike or y.shape != (n_samples,) or y.dtype.kind == "O":
            return None
        return encode_few(y, classes, dtype)

    def _encode_like(self, y, objective):
        check_classification_targets(y)
        return encode(y, self.classes_, objective.X.dtype)

    def _decode(self, y):
        return self.classes_[self._class_codes(y)]

    def _class_codes(self, y):
        return y if len(self.classes_) > 2 else (y > 0).astype(np.intp)

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
        codes = self._class_codes(y)
        if self.class_weight != "balanced":
            factors = self._class_factors()
        else:
            factors = self._balanced_factors(codes, sample_weight, streaming)
        weights = factors[codes]
        return weights if sample_weight is None else weights * sample_weight

    def _balanced_factors(self, codes, sample_weight, streaming):
        """Return factors that give every class seen the same total weight.

        A stream counts what it has seen, the samples of this call too.
        """
        counts = np.bincount(codes, sample_weight, minlength=len(self.classes_))
        if streaming and hasattr(self, "_class_counts"):
            known, before = self._class_counts
            counts[np.searchsorted(self.classes_, known)] += before
        self._class_counts = self.classes_, counts
        seen = counts > 0
        share = counts.sum() / seen.sum()
        return share / np.where(seen, counts, share)

    def _make_resumable(self, progress, objective, optimizer):
        known = self._trained_classes
        n_features = objective.X.shape[1]
        if len(known) < len(self.classes_) and len(progress.w) >= n_features:
            is_one = is_coupled(objective.loss)
            progress.w = self._grown(progress, n_features, known, is_one)
            forget(progress, optimizer)
        super()._make_resumable(progress, objective, optimizer)

    def _grown(self, progress, n_features, known, is_coupled):
        """Return the weights with columns of the new classes."""
        fit_intercept = len(progress.w) > n_features
        units = progress.units
        if units is None:
            return grow(progress.w, known, self.classes_, is_coupled)
        coef, intercept = units.fold(progress.w, fit_intercept)
        coef = grow(coef, known, self.classes_, is_coupled)
        intercept = grow(intercept[np.newaxis], known, self.classes_, is_coupled)[0]
        progress.units = units.for_outputs(coef.shape[1:])
        progress.standardizer = progress.standardizer.for_outputs(coef.shape[1:])
        w = progress.units.unfold(coef, intercept, fit_intercept)
        return w.astype(progress.w.dtype)

    def _publish(self, *arguments):
        super()._publish(*arguments)
        self._trained_classes = self.classes_

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


def _is_grow(classes):
    return isinstance(classes, str) and classes == "grow"


def _check_classes(classes):
    """Raise if the argument of `partial_fit` cannot be what it should."""
    if classes is None or _is_grow(classes):
        return
    message = (
        "classes must be 'grow' or a one-dimensional array of all classes that will "
        f"ever occur, got {classes!r}."
    )
    if isinstance(classes, str):
        raise ValueError(message + did_you_mean(classes, ["grow"]))
    try:
        shape = np.shape(classes)
    except ValueError:  # lists of different lengths
        shape = ()
    if len(shape) != 1 or shape[0] == 0:
        raise ValueError(message)

"""When training stops, and what it leaves: early stopping, standstill, epochs."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import lsq_linear
from sklearn import config_context
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    make_classification,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.metrics import log_loss, make_scorer, mean_squared_error, r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from skgd import GDClassifier, GDRegressor, minimize
from skgd._slowness import SecondLook
from skgd.optimizers import Optimizer
from skgd.penalties import Box
from skgd.schedules import ReduceOnPlateau

X, LABELS = load_breast_cancer(return_X_y=True)
X_REAL, Y = load_diabetes(return_X_y=True)


def split(*arrays, seed=0, **options):
    """Return what training keeps, and what it holds out, each in its order."""
    rows = train_test_split(
        np.arange(len(arrays[0])), test_size=0.1, random_state=seed, **options
    )
    return [[array[np.sort(part)] for array in arrays] for part in rows]


def assert_same(model, other):
    assert_array_equal(model.coef_, other.coef_)
    assert_array_equal(model.intercept_, other.intercept_)
    assert_allclose(model.validation_curve_, other.validation_curve_, rtol=1e-12)
    assert_array_equal(model.loss_curve_, other.loss_curve_)
    assert model.t_ == other.t_
    assert model.stop_reason_ == other.stop_reason_
    for name, value in model.optimizer_state_.items():
        assert_array_equal(value, other.optimizer_state_[name])


def classifier(**params):
    return GDClassifier(early_stopping=True, random_state=0, **params)


def regressor(**params):
    return GDRegressor(**{"early_stopping": True, "random_state": 0} | params)


# The samples held out


def test_the_split_is_that_of_the_random_state_and_does_not_leak():
    """Scales are learned from the rest only: the rest alone gives the same model."""
    weight = np.random.default_rng(0).integers(1, 4, len(X)).astype(float)
    kept, held_out = split(X, LABELS, weight, stratify=LABELS)
    given = dict(zip(["X_val", "y_val", "sample_weight_val"], held_out, strict=True))
    assert_same(classifier().fit(X, LABELS, weight), classifier().fit(*kept, **given))
    kept, held_out = split(X_REAL, Y)
    given = dict(zip(["X_val", "y_val"], held_out, strict=True))
    assert_same(regressor().fit(X_REAL, Y), regressor().fit(*kept, **given))


def test_the_split_is_the_same_for_sparse_samples():
    X, y = load_digits(return_X_y=True)
    dense, csr = (
        classifier(max_iter=4, tol=None).fit(kind(X), y)
        for kind in (np.asarray, sparse.csr_matrix)
    )
    assert_allclose(csr.coef_, dense.coef_, rtol=1e-6, atol=1e-8)
    assert_allclose(csr.validation_curve_, dense.validation_curve_, rtol=1e-8)


def test_a_row_of_weight_zero_is_not_held_out():
    weight = np.ones(len(X))
    weight[::3] = 0
    rest = weight > 0
    assert_same(
        classifier().fit(X, LABELS, weight), classifier().fit(X[rest], LABELS[rest])
    )


def test_class_weights_count_in_the_split_and_not_in_given_samples():
    balanced = compute_sample_weight("balanced", LABELS)
    model = classifier(class_weight="balanced").fit(X, LABELS)
    weighted = classifier().fit(X, LABELS, balanced)
    assert_allclose(model.validation_curve_, weighted.validation_curve_, rtol=1e-9)
    (X_t, y_t), (X_v, y_v) = split(X, LABELS)
    model = classifier(class_weight="balanced").fit(X_t, y_t, X_val=X_v, y_val=y_v)
    loss = log_loss(y_v, model.predict_proba(X_v))
    assert_allclose(max(model.validation_curve_), -loss, rtol=1e-10)


# The score


def error_scorer(estimator, X, y, sample_weight=None):
    return -mean_squared_error(y, estimator.predict(X), sample_weight=sample_weight)


@pytest.mark.parametrize("average", ["auto", True, False])
@pytest.mark.parametrize(
    ("scoring", "score"),
    [
        ("loss", lambda y, z, s: -mean_squared_error(y, z, sample_weight=s) / 2),
        (None, lambda y, z, s: r2_score(y, z, sample_weight=s)),
        ("r2", lambda y, z, s: r2_score(y, z, sample_weight=s)),
        (make_scorer(r2_score), lambda y, z, s: r2_score(y, z, sample_weight=s)),
        (error_scorer, lambda y, z, s: -mean_squared_error(y, z, sample_weight=s)),
    ],
)
def test_the_best_score_is_that_of_the_model(scoring, score, average):
    (X_t, y_t), (X_v, y_v) = split(X_REAL, Y)
    weight = np.arange(len(y_v)) % 4.0
    given = {"X_val": X_v, "y_val": y_v, "sample_weight_val": weight}
    model = regressor(scoring=scoring, average=average, max_iter=9, tol=None)
    model.fit(X_t, y_t, **given)
    assert len(model.validation_curve_) == len(model.loss_curve_) == 9
    expected = score(y_v, model.predict(X_v), weight)
    assert_allclose(max(model.validation_curve_), expected, rtol=1e-9)


def test_scorers_of_classes_see_the_labels_of_the_user():
    names = np.array(["malignant", "benign"])[LABELS]
    for scoring in ("roc_auc", "neg_log_loss", "accuracy"):
        curves = [
            classifier(scoring=scoring, max_iter=3, tol=None)
            .fit(X, y)
            .validation_curve_
            for y in (1 - LABELS, names)
        ]
        assert_allclose(*curves, rtol=1e-9)


def test_several_outputs_and_more_classes_have_a_score():
    X, y = load_digits(return_X_y=True)
    (X_t, y_t), (X_v, y_v) = split(X, y)
    model = classifier(max_iter=3, tol=None).fit(X_t, y_t, X_val=X_v, y_val=y_v)
    loss = log_loss(y_v, model.predict_proba(X_v))
    assert_allclose(max(model.validation_curve_), -loss, rtol=1e-9)
    targets = np.column_stack([Y, -3 * Y])
    (X_t, y_t), (X_v, y_v) = split(X_REAL, targets)
    model = regressor(max_iter=3, tol=None).fit(X_t, y_t, X_val=X_v, y_val=y_v)
    loss = ((model.predict(X_v) - y_v) ** 2 / 2).sum(axis=1).mean()
    assert_allclose(max(model.validation_curve_), -loss, rtol=1e-9)


def test_names_of_columns_do_not_disturb_a_scorer():
    frame = pd.DataFrame(X_REAL, columns=[f"column {i}" for i in range(10)])
    model = regressor(scoring="r2", max_iter=3, tol=None).fit(frame, Y)
    assert list(model.feature_names_in_) == list(frame.columns)
    assert_same(model, regressor(scoring="r2", max_iter=3, tol=None).fit(X_REAL, Y))


# When it stops


class Script:
    """A scorer that returns what is written down for it."""

    def __init__(self, *scores):
        self.scores = list(scores)

    def __call__(self, estimator, X, y):
        return self.scores.pop(0)


def test_patience_is_counted_from_the_last_improvement_of_more_than_tol():
    """Small steps add up to an improvement; the best of them is the result."""
    scores = [0.1, 0.5, 0.5005, 0.5009, 0.5012, 0.4, 0.5021, 0.5, 0.9]
    model = regressor(scoring=Script(*scores), tol=1e-3, n_iter_no_change=3)
    model.fit(X_REAL, Y)
    assert model.stop_reason_ == "early_stopping"
    assert model.validation_curve_ == scores[:8]
    batches = -(-len(split(Y)[0][0]) // 32)
    assert model.t_ == 7 * batches
    assert model.n_iter_ == 8


def test_without_tol_it_goes_on_and_returns_to_the_best():
    scores = [0.1, 0.5, 0.4, 0.3, 0.2, 0.1, -np.inf, 0.0]
    model = regressor(scoring=Script(*scores), tol=None, max_iter=8, n_iter_no_change=1)
    model.fit(X_REAL, Y)
    assert model.stop_reason_ == "max_iter"
    assert model.t_ == 2 * 13


def test_too_few_epochs_for_the_score_are_said():
    with pytest.warns(ConvergenceWarning, match="max_iter=2 .* validation score"):
        regressor(max_iter=2).fit(X_REAL, Y)


def test_tol_is_a_fraction_of_the_loss_at_the_start():
    model, scaled = regressor().fit(X_REAL, Y), regressor().fit(X_REAL, 1e9 * Y)
    assert model.stop_reason_ == scaled.stop_reason_ == "early_stopping"
    assert model.n_iter_ == scaled.n_iter_
    assert_allclose(scaled.coef_, 1e9 * model.coef_, rtol=1e-6)
    loose = regressor(tol=0.5, n_iter_no_change=2).fit(X_REAL, Y)
    assert loose.n_iter_ == 3


# What it leaves


@pytest.mark.parametrize("average", [True, False])
def test_the_model_is_that_of_training_until_the_best_epoch(average):
    """With everything that belongs to it: training goes on as if it had stopped."""
    (X_t, y_t), (X_v, y_v) = split(X_REAL, Y)
    params = {"schedule": "constant", "optimizer": "momentum", "average": average}
    params |= {"max_iter": 5, "tol": None, "random_state": 0}
    model = regressor(**params, scoring=Script(0.1, 0.2, 0.9, 0.3, 0.2))
    model.fit(X_t, y_t, X_val=X_v, y_val=y_v)
    params["max_iter"] = 3
    until = GDRegressor(**params).fit(X_t, y_t)
    for _ in range(2):
        assert_array_equal(model.coef_, until.coef_)
        assert_array_equal(model.intercept_, until.intercept_)
        assert_array_equal(model.optimizer_state_["v"], until.optimizer_state_["v"])
        assert model.t_ == until.t_
        model.set_params(early_stopping=False).partial_fit(X_v, y_v)
        until.partial_fit(X_v, y_v)


def test_a_divergence_leaves_the_best_epoch():
    model = regressor(optimizer="sgd", learning_rate=1.05, batch_size=None)
    model.set_params(schedule=lambda t: 1e-2 if t < 5 else 10.0)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X_REAL, Y)
    assert model.stop_reason_ == "diverged"
    assert model.t_ == np.argmax(model.validation_curve_) + 1


# Streams


def test_a_stream_returns_to_its_best_call():
    (X_t, y_t), (X_v, y_v) = split(X_REAL, Y)
    chunks = np.array_split(np.arange(len(X_t)), 8)
    model = regressor(n_iter_no_change=2, learning_rate=0.1, average=False)
    calls = []
    for i, rows in enumerate(chunks):
        sign = 1 if i < 3 else -1  # from the fourth on the target is another one
        model = pickle.loads(pickle.dumps(model))
        model.partial_fit(X_t[rows], sign * y_t[rows], X_val=X_v, y_val=y_v)
        calls.append((model.coef_, model.intercept_, model.t_))
        if model.stop_reason_ == "early_stopping":
            break
    best = int(np.argmax(model.validation_curve_))
    assert i == best + 2
    for value, expected in zip(calls[-1], calls[best], strict=True):
        assert_array_equal(value, expected)
    model.set_params(learning_rate=1e-9)
    model.partial_fit(X_t[:50], y_t[:50], X_val=X_v, y_val=y_v)
    assert model.stop_reason_ == "partial_fit"
    assert model.t_ == calls[best][2] + 2
    assert_allclose(model.predict(X_v), X_v @ calls[best][0] + calls[best][1])
    assert_allclose(model.validation_curve_[-1], max(model.validation_curve_))


def test_a_best_call_of_another_optimizer():
    """Its weights return, without a memory that the optimizer does not have."""
    (X_t, y_t), (X_v, y_v) = split(X_REAL, Y)
    given = {"X_val": X_v, "y_val": y_v}
    model = regressor(n_iter_no_change=2).partial_fit(X_t, y_t, **given)
    coef = model.coef_
    model.set_params(optimizer="momentum", learning_rate=0.01)
    for _ in range(2):
        model.partial_fit(X_t, -y_t, **given)
    assert model.stop_reason_ == "early_stopping"
    assert_array_equal(model.coef_, coef)
    assert_array_equal(model.optimizer_state_["v"], np.zeros(11))
    model.partial_fit(X_t, y_t, **given)
    assert model.stop_reason_ == "partial_fit"


def test_classes_that_come_later_have_a_best_call_of_their_own():
    X, y = load_digits(return_X_y=True)
    model = classifier(n_iter_no_change=1)
    early = y < 5
    model.partial_fit(X[early], y[early], "grow", X_val=X[early], y_val=y[early])
    model.partial_fit(X, y, X_val=X, y_val=y)
    assert model.stop_reason_ == "partial_fit"
    assert model.coef_.shape == (10, 64)


# Bad input


@pytest.mark.parametrize(
    ("params", "given", "error", "match"),
    [
        ({}, {"X_val": X_REAL}, ValueError, "X_val is given and y_val is not"),
        ({}, {"y_val": Y}, ValueError, "y_val is given and X_val is not"),
        ({}, {"sample_weight_val": Y}, ValueError, "sample_weight_val is .* X_val"),
        (
            {"early_stopping": False},
            {"X_val": X_REAL, "y_val": Y},
            ValueError,
            "early_stopping is False",
        ),
        ({}, {"X_val": X_REAL[:, 1:], "y_val": Y}, ValueError, "X_val.*9 features"),
        ({}, {"X_val": X_REAL, "y_val": Y[1:]}, ValueError, "X_val.*441"),
        ({}, {"X_val": X_REAL, "y_val": Y * np.nan}, ValueError, "y_val.*NaN"),
        (
            {},
            {"X_val": X_REAL, "y_val": np.column_stack([Y, Y])},
            ValueError,
            "y_val must have the outputs of y",
        ),
        (
            {},
            {"X_val": X_REAL, "y_val": Y, "sample_weight_val": -Y},
            ValueError,
            "sample_weight_val.*negative",
        ),
        ({"loss": "poisson"}, {"X_val": X_REAL, "y_val": -Y}, ValueError, "y_val.*Poi"),
        ({"validation_fraction": 0.999}, {}, ValueError, "validation_fraction=0.999"),
        ({"scoring": "r3"}, {}, ValueError, "scoring must be 'loss'.*'r3'.*'r2'"),
        ({"scoring": 3}, {}, TypeError, "scoring must be .* got 3"),
        ({"coef_tol": -1.0}, {}, ValueError, "coef_tol .* got -1"),
    ],
)
def test_what_is_not_acceptable(params, given, error, match):
    fitted = regressor(max_iter=2, tol=None).fit(X_REAL[:, ::-1], Y)
    for model in (regressor(), fitted):
        model.set_params(**params)
        before = pickle.dumps(vars(model))
        with pytest.raises(error, match=match):
            model.fit(X_REAL, Y, **given)
        assert pickle.dumps(vars(model)) == before


def test_classes_that_cannot_be_held_out_or_were_not_seen():
    with pytest.raises(ValueError, match=r"validation_fraction=0.1 of 8 .*X_val"):
        classifier().fit(X[:8], [0, 0, 0, 1, 1, 1, 2, 2])
    with pytest.raises(ValueError, match=r"y_val.*classes \[7\] that are not among"):
        classifier().fit(X, LABELS, X_val=X[:2], y_val=[0, 7])


def test_a_stream_has_nothing_to_hold_out():
    model = regressor()
    before = pickle.dumps(vars(model))
    with pytest.raises(ValueError, match="early_stopping=True needs X_val"):
        model.partial_fit(X_REAL, Y)
    assert pickle.dumps(vars(model)) == before


def test_a_scorer_that_fails_in_a_stream_keeps_the_steps():
    model = regressor(scoring=Script(0.5)).partial_fit(X_REAL, Y, X_val=X_REAL, y_val=Y)
    t = model.t_
    with pytest.raises(IndexError):
        model.partial_fit(X_REAL, Y, X_val=X_REAL, y_val=Y)
    assert model.t_ == 2 * t


def test_validation_samples_pass_through_a_pipeline():
    (X_t, y_t), (X_v, y_v) = split(X, LABELS)
    scaler = StandardScaler().fit(X_t)
    with config_context(enable_metadata_routing=True):
        model = classifier().set_fit_request(X_val=True, y_val=True)
        pipeline = Pipeline(
            [("scale", StandardScaler()), ("model", model)], transform_input=["X_val"]
        ).fit(X_t, y_t, X_val=X_v, y_val=y_v)
    expected = classifier().fit(
        scaler.transform(X_t), y_t, X_val=scaler.transform(X_v), y_val=y_v
    )
    assert_same(pipeline[-1], expected)


# Other reasons


def plain(**params):
    """Return gradient descent on all samples as they are."""
    options = {
        "penalty": None,
        "optimizer": "sgd",
        "learning_rate": 0.2,
        "batch_size": None,
        "schedule": "constant",
        "average": False,
        "standardize": False,
        "tol": None,
    }
    return GDRegressor(**options | params)


def test_training_stops_when_no_weight_moves():
    x = np.array([[1.0], [2.0]])
    w, steps, change = 0.0, 0, np.inf
    while change > 1e-3 * abs(w):
        moved = w - 0.2 * np.mean(x[:, 0] * (x[:, 0] * w - 3 * x[:, 0]))
        w, steps, change = moved, steps + 1, abs(moved - w)
    model = plain(fit_intercept=False, coef_tol=1e-3).fit(x, 3 * x[:, 0])
    assert model.stop_reason_ == "coef_tol"
    assert model.n_iter_ == steps == 10
    assert_allclose(model.coef_, [w], rtol=1e-12)


def test_with_cycles_weights_are_compared_from_end_to_end():
    """A rate that vanishes at the end of a cycle holds the weights by itself."""
    model = GDRegressor(tol=None, coef_tol=1e-2, random_state=0).fit(X_REAL, Y)
    assert model.stop_reason_ == "coef_tol"
    ends = [n for n in np.cumsum(4 * 2 ** np.arange(10)) if n == model.n_iter_]
    assert len(ends) == 1
    longer = GDRegressor(tol=None, max_iter=508, random_state=0).fit(X_REAL, Y)
    assert_allclose(model.predict(X_REAL), longer.predict(X_REAL), atol=5)


def test_the_reason_says_which_bound_was_reached():
    """Row L6: the parameters, the loss, or the number of epochs."""
    x = np.array([[1.0], [2.0], [4.0]])
    y = np.array([2.0, 3.0, 7.0])
    by_weights = plain(learning_rate=0.1, coef_tol=1e-6).fit(x, y)
    by_loss = plain(learning_rate=0.1, tol=1e-3).fit(x, y)
    by_epochs = plain(learning_rate=0.1, max_iter=7).fit(x, y)
    assert by_weights.stop_reason_ == "coef_tol"
    assert by_loss.stop_reason_ == "tol"
    assert (by_epochs.stop_reason_, by_epochs.n_iter_) == ("max_iter", 7)
    exact = np.polyfit(x[:, 0], y, 1)
    assert_allclose([by_weights.coef_[0], by_weights.intercept_[0]], exact, atol=1e-3)


# A rate that is reduced when training gets no better


def plateau(**params):
    return ReduceOnPlateau(**{"factor": 0.5, "patience": 1} | params)


def expected_rates(values, rate, schedule):
    """Return the rate of each epoch, and that of the next one."""
    state, rates = schedule.init(), [rate]
    for value in values:
        schedule.observe(value, **state)
        rates.append(rate * state["factor"])
    return rates


def test_the_rate_is_reduced_by_the_losses_in_fit_and_in_a_stream():
    params = {"schedule": plateau(), "learning_rate": 0.05, "random_state": 0}
    model = GDRegressor(max_iter=25, tol=None, **params).fit(X_REAL, Y)
    rates = expected_rates(model.loss_curve_, 0.05, plateau())
    assert len(set(rates)) > 3
    assert_allclose(model.learning_rate_curve_, rates[:-1])
    stream = GDRegressor(**params)
    for _ in range(25):
        stream = pickle.loads(pickle.dumps(stream)).partial_fit(X_REAL, Y)
    rates = expected_rates(stream.loss_curve_, 0.05, plateau())
    assert_allclose(stream.learning_rate_curve_, rates[:-1])
    stream.set_params(schedule="constant").partial_fit(X_REAL, Y)
    assert stream.learning_rate_curve_[-1] == 0.05
    assert vars(params["schedule"]) == vars(plateau())


def test_the_rate_is_reduced_by_the_scores_if_there_are_any():
    scores = [0.1, 0.5, 0.4, 0.3, 0.6, 0.6, 0.6, 0.6]
    model = regressor(
        schedule=plateau(),
        scoring=Script(*scores),
        learning_rate=0.05,
        max_iter=8,
        tol=None,
    ).fit(X_REAL, Y)
    rates = expected_rates([-score for score in scores], 0.05, plateau())
    assert_allclose(model.learning_rate_curve_, rates[:-1])
    assert rates[-1] == 0.0125


def test_a_plateau_is_not_an_end_if_a_lower_rate_helps():
    """The loss is level at a rate that is too high for single rows, and not settled."""
    params = {"batch_size": 1, "optimizer": "sgd", "average": False, "alpha": 0}
    options = {"learning_rate": 0.02, "random_state": 0, **params}
    constant = GDRegressor(schedule="constant", **options).fit(X_REAL, Y)
    model = GDRegressor(schedule=plateau(patience=2), **options).fit(X_REAL, Y)
    assert constant.stop_reason_ == model.stop_reason_ == "tol"
    best = r2_score(Y, LinearRegression().fit(X_REAL, Y).predict(X_REAL))
    assert model.score(X_REAL, Y) > best - 0.01 > constant.score(X_REAL, Y)


def test_the_rate_is_reduced_in_minimize():
    """Steps by the sign cannot settle with a constant rate, and do with this one."""

    class Sign(Optimizer):
        def direction(self, w, g, t):
            return np.sign(g)

    def distance(x):
        return float(np.sum(np.abs(x - 0.3)))

    options = {"jac": lambda x: np.sign(x - 0.3), "learning_rate": 0.5}
    options |= {"optimizer": Sign(), "max_iter": 200, "gtol": 0}
    constant = minimize(distance, [5.0], **options)
    reduced = minimize(distance, [5.0], schedule=plateau(), **options)
    assert constant.fun > 0.1
    assert reduced.fun < 1e-6


# Level, and yet far from the minimum


def nearly_collinear():
    """Return two columns whose small difference is what matters."""
    z = np.random.default_rng(0).normal(size=(500, 2))
    return np.c_[z[:, 0], z[:, 0] + 0.01 * z[:, 1]], z[:, 1]


def not_centred():
    """Return a column of ones instead of an intercept."""
    z = np.random.default_rng(0).normal(size=500)
    return np.c_[np.ones(500), 2010 + 5 * z], z


@pytest.mark.parametrize(
    ("Estimator", "data", "params"),
    [
        (GDRegressor, nearly_collinear, {}),
        (GDClassifier, nearly_collinear, {"alpha": 1e-6}),
        (GDClassifier, nearly_collinear, {"loss": "hinge", "alpha": 1e-6}),
        (GDRegressor, nearly_collinear, {"loss": "absolute_error"}),
        (GDRegressor, not_centred, {"fit_intercept": False}),
        (GDRegressor, nearly_collinear, {"learning_rate": 1e-9}),
        (
            GDRegressor,
            nearly_collinear,
            {"optimizer": "sgd", "schedule": "constant", "learning_rate": 1e-5},
        ),
    ],
)
def test_slow_is_not_settled(Estimator, data, params):
    """The exact solution fits perfectly; what does not come near must not say "tol"."""
    X, y = data()
    y = y if Estimator is GDRegressor else y > 0
    model = Estimator(**({"alpha": 0, "max_iter": 500} | params), random_state=0)
    with pytest.warns(ConvergenceWarning, match="max_iter=500"):
        model.fit(X, y)
    assert model.stop_reason_ == "max_iter"


def test_slow_is_said():
    model = GDRegressor(alpha=0, fit_intercept=False, max_iter=500, random_state=0)
    with pytest.warns(ConvergenceWarning, match="above its minimum by much more"):
        model.fit(*not_centred())


@pytest.mark.parametrize("weights", [None, np.linspace(0.5, 2, 442)])
@pytest.mark.parametrize("penalty", ["none", "l2"])
def test_possible_fall_is_the_distance_from_the_minimum(penalty, weights):
    """For a squared error without penalty one of the points is the minimum."""
    model = GDRegressor(penalty=penalty, alpha=1e-9)
    objective, _, progress = model._plan_fit(X_REAL, Y, weights)
    exact = LinearRegression().fit(X_REAL, Y, weights)
    w = objective.unfold(exact.coef_, exact.intercept_)
    distance = objective.value(progress.w) - objective.value(w)
    assert SecondLook(objective).possible_fall(progress.w) == pytest.approx(
        distance, rel=1e-6
    )
    assert SecondLook(objective).possible_fall(w) == pytest.approx(
        0, abs=1e-6 * distance
    )


def test_possible_fall_knows_the_penalty():
    """Ridge regression on two columns that are nearly the same."""
    X, y = nearly_collinear()
    model = GDRegressor(alpha=1e-3)
    objective, _, progress = model._plan_fit(X, y, None)
    z = (X - X.mean(axis=0)) / X.std(axis=0)
    n = len(y)
    coef = np.linalg.solve(z.T @ z / n + 1e-3 * np.eye(2), z.T @ (y - y.mean()) / n)
    coef /= X.std(axis=0)
    exact = objective.unfold(coef, y.mean() - X.mean(axis=0) @ coef)
    distance = objective.value(progress.w) - objective.value(exact)
    fall = SecondLook(objective).possible_fall(progress.w)
    assert fall == pytest.approx(distance, rel=1e-6)


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (GDRegressor(), (X_REAL, Y)),
        (GDRegressor(penalty="l1", alpha=0.01), (X_REAL, Y)),
        (GDClassifier(), (X, LABELS)),
    ],
)
def test_a_warm_start_at_the_minimum_is_short(model, data):
    """Its cycles are as short as those of the first fit were at first."""
    model.set_params(warm_start=True, random_state=0).fit(*data)
    n_first, score = model.n_iter_, model.score(*data)
    for i in range(1, 4):
        model.fit(*data)
        assert model.stop_reason_ == "tol"
        assert model.n_iter_ <= (1 + i) * n_first
        assert model.score(*data) == pytest.approx(score, abs=5e-3)
    until = model.t_
    model.set_params(max_iter=5, tol=None).fit(*data)
    assert model.schedule_(until + 1) == 1
    assert model.schedule_(model.t_ + 1) == 0


@pytest.mark.parametrize(
    "data",
    [
        load_breast_cancer(return_X_y=True),
        load_digits(return_X_y=True),
        make_classification(random_state=0),
    ],
)
def test_the_perceptron_meets_tol(data):
    """At weights of zero it has no loss, of which a fraction would be a tolerance."""
    X, y = data
    for model, rows in (
        (GDClassifier("perceptron", random_state=0), slice(None)),
        (GDClassifier("perceptron", batch_size=None, random_state=0), slice(None)),
        (GDClassifier("perceptron", random_state=0), slice(30)),
    ):
        model.fit(X[rows], y[rows])
        assert model.stop_reason_ == "tol"
        assert model.score(X[rows], y[rows]) > 0.92
        model.set_params(warm_start=True).fit(X[rows], y[rows])
        assert model.stop_reason_ == "tol"


@pytest.mark.parametrize("rate", [1e-4, 1e-3])
def test_descent_on_all_samples_goes_on_to_the_minimum(rate):
    """Without noise from batches, what is left to gain is known."""
    x = np.arange(100.0)[:, np.newaxis] / 10
    y = 2 * x[:, 0] + 2 * np.random.default_rng(0).random(100)
    model = GDRegressor(optimizer="sgd", learning_rate=rate, schedule="constant")
    model.set_params(batch_size=None, average=False, standardize=False, alpha=0)
    model.fit(x, y)
    assert model.stop_reason_ == "tol"
    exact = LinearRegression().fit(x, y)
    excess = np.mean((y - model.predict(x)) ** 2 - (y - exact.predict(x)) ** 2) / 2
    assert 0 <= excess <= 1e-3 * np.mean(y**2) / 2


@pytest.mark.parametrize("lower", [0.0, 1e-3, 1.0])
def test_bounds_may_exclude_zero(lower):
    """What tolerances are a fraction of is then the loss at the nearest weights."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 30)) + rng.normal(size=(400, 1))
    y = X @ rng.uniform(size=30) + rng.normal(size=400)
    model = GDRegressor(penalty=Box(lower=lower), tol=1e-5, random_state=0).fit(X, y)
    assert model.stop_reason_ == "tol"
    A, b = X - X.mean(axis=0), y - y.mean()
    exact = lsq_linear(A, b, (lower, np.inf), tol=1e-14).cost
    excess = np.sum((y - model.predict(X)) ** 2) / 2 - exact
    assert excess < 2e-5 * (b @ b) / 2
    fast = GDRegressor(penalty=Box(lower=lower), optimizer="sgd", learning_rate=3.0)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        fast.set_params(standardize=False, schedule="constant").fit(X, y)


def test_looks_at_a_level_are_few(monkeypatch):
    """They cost more than an epoch: after the first at twice as many epochs each."""
    looks = []
    original = SecondLook.possible_fall

    def possible_fall(self, w):
        looks.append(len(looks))
        return original(self, w)

    monkeypatch.setattr(SecondLook, "possible_fall", possible_fall)
    model = GDRegressor(
        optimizer="sgd", schedule="constant", learning_rate=1e-5, max_iter=300
    )
    with pytest.warns(ConvergenceWarning):
        model.fit(*nearly_collinear())
    assert 3 <= len(looks) <= 6


@pytest.mark.parametrize("penalty", ["l1", "nonnegative"])
def test_no_point_is_lower_than_a_minimum_with_kinks_or_bounds(penalty):
    model = GDRegressor(penalty=penalty, alpha=0.05, tol=1e-9, random_state=0)
    objective, _, start = model._plan_fit(X_REAL, Y, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X_REAL, Y)
    w = objective.unfold(model.coef_, model.intercept_[0])
    fall = objective.value(start.w) - objective.value(w)
    assert SecondLook(objective).possible_fall(w) < 1e-4 * fall

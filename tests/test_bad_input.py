"""What is not acceptable is said by name, and changes nothing."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.exceptions import ConvergenceWarning

from skgd import GDClassifier, GDRegressor
from skgd.optimizers import SGD, Adam, Optimizer
from skgd.penalties import Box
from skgd.schedules import Cosine, ReduceOnPlateau, Step

X, Y = make_regression(40, 3, noise=1, random_state=0)
LABELS = np.digitize(Y, [-20, 20])


def unchanged(model, call, error, match):
    """Assert that the call raises and that it leaves the model as it was."""
    before = pickle.dumps(vars(model))
    with pytest.raises(error, match=match):
        call()
    assert pickle.dumps(vars(model)) == before


def attributes(model):
    """Return what training has set, in a form that can be compared."""
    parameters = model.get_params(deep=False)
    return pickle.dumps({k: v for k, v in vars(model).items() if k not in parameters})


def fresh_and_fitted(Estimator, **params):
    y = Y if Estimator is GDRegressor else LABELS
    options = {"max_iter": 2, "tol": None, "random_state": 0} | params
    return [Estimator(**options), Estimator(**options).fit(X, y)]


BAD_PARAMETERS = [
    ({"optimizer": "adamm"}, ValueError, r"optimizer .* got 'adamm'.*mean 'adam'"),
    ({"optimizer": "atuo"}, ValueError, r"'auto'.* got 'atuo'.*mean 'auto'"),
    ({"optimizer": None}, TypeError, r"'auto'.* got None"),
    ({"optimizer": Adam}, TypeError, "instance, not the class"),
    ({"optimizer": Adam(beta1=1.0)}, ValueError, r"Adam: beta1 .*\[0, 1\), got 1.0"),
    ({"optimizer": Adam(beta1="x")}, TypeError, "Adam: beta1 .* got 'x'"),
    ({"loss": "squared_eror"}, ValueError, "mean 'squared_"),
    ({"penalty": "l3"}, ValueError, "penalty must be .* got 'l3'"),
    ({"penalty": Box(1, 0)}, ValueError, "lower"),
    ({"schedule": "cosin"}, ValueError, "schedule .* 'cosin'.*mean 'cosine'"),
    ({"schedule": "Auto"}, ValueError, r"'auto'.* got 'Auto'.*mean 'auto'"),
    ({"schedule": 3}, TypeError, r"schedule must be .*'auto'.* got 3"),
    ({"schedule": Step(every=0)}, ValueError, r"Step: every .* got 0"),
    ({"schedule": lambda t: -1.0}, ValueError, "-1"),
    ({"alpha": -1}, ValueError, r"alpha must be .*\[0, inf\), got -1"),
    ({"alpha": "big"}, TypeError, "alpha .* got 'big'"),
    ({"alpha": np.nan}, ValueError, "alpha .* got nan"),
    ({"l1_ratio": 1.5}, ValueError, "l1_ratio .* got 1.5"),
    ({"fit_intercept": "yes"}, TypeError, "fit_intercept must be True or False"),
    ({"learning_rate": "fast"}, ValueError, "learning_rate must be 'auto' or .*fast"),
    ({"learning_rate": "adaptive"}, ValueError, "said by schedule='reduce_on_plat"),
    ({"learning_rate": 0}, ValueError, r"learning_rate .*\(0, inf\), got 0"),
    ({"batch_size": 0}, ValueError, "batch_size .* got 0"),
    ({"batch_size": 2.5}, TypeError, "batch_size .*integer.* got 2.5"),
    ({"batch_size": True}, TypeError, "batch_size .* got True"),
    ({"max_iter": 0}, ValueError, "max_iter .* got 0"),
    ({"max_iter": None}, TypeError, "max_iter .* got None"),
    ({"tol": -1e-3}, ValueError, "tol .* got -0.001"),
    ({"n_iter_no_change": 0}, ValueError, "n_iter_no_change .* got 0"),
    ({"validation_fraction": 1.0}, ValueError, "validation_fraction .* got 1.0"),
    ({"shuffle": 1}, TypeError, "shuffle must be True or False, got 1"),
    ({"standardize": "yes"}, ValueError, "standardize must be 'auto'"),
    ({"average": -1}, ValueError, "average .* got -1"),
    ({"clip_norm": 0.0}, ValueError, "clip_norm .* got 0.0"),
    ({"init": "radom"}, ValueError, "init must be one of .*'radom'.*mean 'random'"),
    ({"init": None}, TypeError, "init must be one of 'zeros', 'random', got None"),
    ({"warm_start": None}, TypeError, "warm_start .* got None"),
    ({"random_state": "seed"}, ValueError, "seed"),
    ({"random_state": -1}, ValueError, "random_state .* got -1"),
    ({"verbose": -1}, ValueError, "verbose .* got -1"),
    ({"scoring": "r3"}, ValueError, r"scoring must be 'loss', None.*'r3'.*'r2'"),
    ({"coef_tol": -1.0}, ValueError, "coef_tol .* got -1.0"),
]


@pytest.mark.parametrize("Estimator", [GDRegressor, GDClassifier])
@pytest.mark.parametrize(("params", "error", "match"), BAD_PARAMETERS)
def test_parameters(Estimator, params, error, match):
    y = Y if Estimator is GDRegressor else LABELS
    for model in fresh_and_fitted(Estimator):
        model.set_params(**params)
        first = {} if Estimator is GDRegressor else {"classes": [0, 1, 2]}
        before = attributes(model)
        with pytest.raises(error, match=match):
            model.fit(X, y)
        with pytest.raises(error, match=match):
            model.partial_fit(X, y, **first)
        assert attributes(model) == before


def test_a_penalty_that_needs_more_of_the_optimizer():
    for penalty in ("l1", "nonnegative"):
        with pytest.raises(
            ValueError, match=r"Failing\(\) .* needs a .*Optimizer.scale"
        ):
            GDRegressor(optimizer=Failing(), penalty=penalty).fit(X, Y)


@pytest.mark.parametrize("optimizer", ["schedule_free_sgd", "schedule_free_adamw"])
def test_schedule_free_optimizers_take_no_proximal_step(optimizer):
    for penalty in ("l1", "elasticnet", "nonnegative"):
        with pytest.raises(ValueError, match=f"optimizer='{optimizer}' cannot be used"):
            GDRegressor(optimizer=optimizer, penalty=penalty).fit(X, Y)


def test_a_loss_of_the_other_kind():
    with pytest.raises(ValueError, match=r"RegressionLoss for GDRegressor.*'hinge'"):
        GDRegressor("hinge").fit(X, Y)
    with pytest.raises(ValueError, match="ClassificationLoss for GDClassifier"):
        GDClassifier("huber").fit(X, LABELS)


@pytest.mark.parametrize(
    ("Estimator", "typo", "nearest"),
    [(GDRegressor, "hubber", "huber"), (GDClassifier, "logloss", "log_loss")],
)
def test_a_misspelt_loss(Estimator, typo, nearest):
    """The nearest name, if it is that of a loss the estimator takes."""
    with pytest.raises(ValueError, match=f"got '{typo}'. Did you mean '{nearest}'"):
        Estimator(typo).fit(X, Y > 0)
    other = GDRegressor if Estimator is GDClassifier else GDClassifier
    with pytest.raises(ValueError, match=f"got '{typo}'") as raised:
        other(typo).fit(X, Y > 0)
    assert f"'{nearest}'" not in str(raised.value)


def test_words_that_are_numbers_as_targets():
    numbers = np.round(Y)
    expected = GDRegressor(random_state=0).fit(X, numbers)
    model = GDRegressor(random_state=0).fit(X, numbers.astype(str))
    assert_array_equal(model.coef_, expected.coef_)


def test_class_weight():
    for weight, error, match in [
        ({0: 1, 7: 2}, ValueError, r"class_weight has keys \[7\]"),
        ({0: -1.0}, ValueError, "numbers >= 0"),
        ({0: 0.0, 1: 0.0, 2: 0.0}, ValueError, "zero for all"),
        ({0: "a"}, ValueError, "numbers >= 0 as values, got {0: 'a'}"),
        ("balance", ValueError, "mean 'balanced'"),
        ([1, 2, 3], TypeError, r"class_weight .* got \[1, 2, 3\]"),
    ]:
        with pytest.raises(error, match=match):
            GDClassifier(class_weight=weight).fit(X, LABELS)


def test_nested_parameters_of_a_name():
    for params, match in [
        ({"optimizer__beta1": 0.5}, r"pass an instance: optimizer=Adam\(\)"),
        ({"penalty__l1_ratio": 0.5}, r"penalty=L2\(\)"),
        ({"loss__delta": 1.0}, r"loss=SquaredError\(\)"),
        ({"schedule__every": 3}, r"schedule=LinearRestarts\(\)"),
    ]:
        with pytest.raises(ValueError, match="(?i)" + match):
            GDRegressor().set_params(**params)
    for name in ("loss", "schedule"):
        for value in (abs, Adam):
            match = f"{name}__delta cannot be set on {name}=<.*: it has no parameters"
            with pytest.raises(ValueError, match=match):
                GDRegressor().set_params(**{name: value, f"{name}__delta": 1.0})
    model = GDRegressor().set_params(optimizer=Adam(), optimizer__beta1=0.5)
    assert model.optimizer.beta1 == 0.5
    with pytest.raises(ValueError, match="Invalid parameter 'beta'"):
        model.set_params(optimizer__beta=0.5)


def replaced(array, value, index=0):
    array = np.array(array, dtype=float)
    array[index] = value
    return array


BAD_DATA = [
    (replaced(X, np.nan), Y, {}, "NaN"),
    (replaced(X, np.inf), Y, {}, "infinity"),
    (X, replaced(Y, np.nan), {}, "NaN"),
    (X, replaced(Y, np.inf), {}, "infinity"),
    (X[0], Y, {}, "2D array"),
    (X[:-1], Y, {}, "inconsistent numbers of samples"),
    (X, Y, {"sample_weight": np.ones(7)}, r"sample_weight .* \(40,\).* got \(7,\)"),
    (X, Y, {"sample_weight": np.ones((40, 2))}, "sample_weight"),
    (X, Y, {"sample_weight": replaced(np.ones(40), -1.0, 3)}, "got -1 at index 3"),
    (X, Y, {"sample_weight": replaced(np.ones(40), np.nan)}, "sample_weight .* NaN"),
    (X, Y, {"sample_weight": np.zeros(40)}, "zero for all"),
    (X, Y, {"sample_weight": 0.0}, "zero for all"),
]
TOO_LARGE = [
    (replaced(X, 1e200), Y, "column 0 of X .* squares overflow.*standardize=True"),
    (X, replaced(Y, -1e200), "column 0 of y .* squares overflow.*standardize=True"),
]
BAD_START = [
    ({"coef_init": [1.0, 2.0]}, r"coef_init must have shape .* got \(2,\)"),
    ({"coef_init": [np.nan, 0.0, 0.0]}, "coef_init must be finite"),
    ({"intercept_init": [1.0, 2.0, 3.0, 4.0]}, "intercept_init .* shape"),
]


@pytest.mark.parametrize(("X_bad", "y", "options", "match"), BAD_DATA)
def test_data(X_bad, y, options, match):
    for model in fresh_and_fitted(GDRegressor):
        unchanged(model, lambda m=model: m.fit(X_bad, y, **options), ValueError, match)
        unchanged(
            model, lambda m=model: m.partial_fit(X_bad, y, **options), ValueError, match
        )


@pytest.mark.parametrize(("X_bad", "y", "match"), TOO_LARGE)
def test_data_that_cannot_be_standardized(X_bad, y, match):
    for model in fresh_and_fitted(GDRegressor):
        for call in (model.fit, model.partial_fit):
            unchanged(model, lambda c=call: c(X_bad, y), ValueError, match)


@pytest.mark.parametrize(("start", "match"), BAD_START)
def test_start_values(start, match):
    for model in fresh_and_fitted(GDRegressor):
        unchanged(model, lambda m=model: m.fit(X, Y, **start), ValueError, match)
    for model in fresh_and_fitted(GDClassifier):
        unchanged(
            model,
            lambda m=model: m.fit(X, LABELS, coef_init=np.ones((1, 3))),
            ValueError,
            r"shape \(3, 3\)",
        )
    for model in fresh_and_fitted(GDRegressor, fit_intercept=False):
        unchanged(
            model,
            lambda m=model: m.fit(X, Y, intercept_init=1.0),
            ValueError,
            "fit_intercept is False",
        )


@pytest.mark.parametrize(
    ("loss", "y", "match"),
    [
        ("poisson", replaced(np.ones(40), -1), r"Poisson: .*\[0, inf\).* from -1 to 1"),
        ("gamma", replaced(np.ones(40), 0), r"Gamma: .*\(0, inf\).* from 0 to 1"),
        ("gamma", replaced(np.ones(40), -2), r"Gamma: .* from -2 to 1"),
        ("tweedie", replaced(np.ones(40), -2), "Tweedie: .* from -2 to 1"),
    ],
)
def test_targets_outside_the_range_of_the_loss(loss, y, match):
    for model in fresh_and_fitted(GDRegressor):
        model.set_params(loss=loss)
        unchanged(model, lambda m=model: m.fit(X, y), ValueError, match)
        unchanged(model, lambda m=model: m.partial_fit(X, y), ValueError, match)


@pytest.mark.parametrize(
    ("y", "error", "match"),
    [
        (["a"] * 40, ValueError, "y must be an array of real numbers: .*'a'"),
        (np.array(["a"] * 40, dtype=object), ValueError, "y must be .*'a'"),
        ([["a", "b"]] * 40, ValueError, "y must be .*'a'"),
        ([None] * 40, ValueError, "y contains None"),
    ],
)
def test_targets_that_are_not_numbers(y, error, match):
    for model in fresh_and_fitted(GDRegressor):
        unchanged(model, lambda m=model: m.fit(X, y), error, match)
        unchanged(model, lambda m=model: m.partial_fit(X, y), error, match)


@pytest.mark.parametrize(
    ("weights", "error", "match"),
    [
        ("a", ValueError, "sample_weight must be an array of real numbers: .*'a'"),
        (["a"] * 40, ValueError, "sample_weight must be .*'a'"),
        ({}, TypeError, "sample_weight must be an array of real numbers"),
        ([np.nan] * 40, ValueError, "sample_weight contains NaN"),
    ],
)
def test_weights_that_are_not_numbers(weights, error, match):
    for Estimator, y in ((GDRegressor, Y), (GDClassifier, LABELS)):
        for model in fresh_and_fitted(Estimator):
            unchanged(model, lambda m=model, y=y: m.fit(X, y, weights), error, match)
    for model in fresh_and_fitted(GDRegressor):
        unchanged(model, lambda m=model: m.partial_fit(X, Y, weights), error, match)


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize(
    ("dtype", "size", "fits"),
    [
        (np.float64, 1e308, False),
        (np.float64, 1e300, True),
        (np.float32, 1e38, False),
        (np.float32, 1e30, True),
    ],
)
def test_weights_of_a_stream_whose_sum_overflows(dtype, size, fits, standardize):
    model = GDRegressor(standardize=standardize, random_state=0)
    weights = np.full(len(Y), size)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if fits:
            model.partial_fit(X.astype(dtype), Y, weights)
            return
        match = f"sample_weight is too large: .* up to {size:g}".replace("+", r"\+")
        unchanged(
            model,
            lambda: model.partial_fit(X.astype(dtype), Y, weights),
            ValueError,
            match,
        )


def test_classes():
    for model in fresh_and_fitted(GDClassifier):
        unchanged(
            model, lambda m=model: m.fit(X, np.zeros(40)), ValueError, "one class"
        )
    unfitted, fitted = fresh_and_fitted(GDClassifier)
    unchanged(
        unfitted, lambda: unfitted.partial_fit(X, LABELS), ValueError, "classes must be"
    )
    unchanged(
        unfitted,
        lambda: unfitted.partial_fit(X, LABELS, [0, 1]),
        ValueError,
        r"classes \[2\] that are not among \[0, 1\]",
    )
    unchanged(
        fitted,
        lambda: fitted.partial_fit(X, LABELS + 5),
        ValueError,
        r"classes \[5, 6, 7\] that are not among \[0, 1, 2\]",
    )
    unchanged(
        fitted,
        lambda: fitted.partial_fit(X, LABELS, [0, 1]),
        ValueError,
        "not those of the first call",
    )
    unchanged(
        unfitted,
        lambda: unfitted.fit(X, Y),
        ValueError,
        "Unknown label type: continuous",
    )


@pytest.mark.parametrize(
    ("classes", "match"),
    [
        ("gro", "classes must be 'grow' or .* got 'gro'. Did you mean 'grow'"),
        ("x", "classes must be 'grow' or .* got 'x'.$"),
        ([], r"one-dimensional array of all classes .* got \[\]"),
        ([[0], [1], [2]], r"one-dimensional .* got \[\[0\], \[1\], \[2\]\]"),
        ([[0, 1], [2]], "one-dimensional"),
        (3, "one-dimensional .* got 3"),
        ({0, 1, 2}, "one-dimensional .* got {0, 1, 2}"),
    ],
)
def test_the_argument_classes(classes, match):
    for model in fresh_and_fitted(GDClassifier):
        unchanged(
            model, lambda m=model: m.partial_fit(X, LABELS, classes), ValueError, match
        )


WORDS = np.array(["a", "b", "c"])


@pytest.mark.parametrize(
    ("first", "later"),
    [
        (LABELS, WORDS[LABELS]),
        (LABELS, LABELS.astype(str)),
        (WORDS[LABELS], LABELS),
        (WORDS[LABELS].astype(object), LABELS),
        (LABELS, LABELS * 2.0),
        (LABELS * 1.0, LABELS + 1),
        (LABELS > 0, LABELS),
    ],
)
def test_classes_that_grow_keep_their_type(first, later):
    model = GDClassifier(random_state=0).partial_fit(X, first, classes="grow")
    unchanged(
        model, lambda: model.partial_fit(X, later), TypeError, "not of the type of"
    )
    model.partial_fit(X, first)
    assert model.classes_.dtype == first.dtype


@pytest.mark.parametrize(
    ("first", "later"),
    [
        (LABELS, LABELS * 1.0),
        (LABELS * 1.0, LABELS),
        (WORDS[LABELS], WORDS[LABELS].astype(object)),
    ],
)
def test_equal_classes_of_another_type_are_no_new_ones(first, later):
    one, other = (
        GDClassifier(random_state=0).partial_fit(X, first, classes="grow")
        for _ in range(2)
    )
    one.partial_fit(X, first)
    other.partial_fit(X, later)
    assert_array_equal(one.coef_, other.coef_)
    assert other.classes_.dtype == first.dtype


def test_words_in_another_container_are_of_the_same_type():
    model = GDClassifier(random_state=0).partial_fit(X, WORDS[LABELS], classes="grow")
    model.partial_fit(X, np.array(["b", "c", "dd"], dtype=object)[LABELS])
    assert model.classes_.tolist() == ["a", "b", "c", "dd"]


def test_features_must_be_those_of_the_first_call():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    model = GDRegressor(max_iter=2, tol=None).fit(frame, Y)
    other = frame.rename(columns={"c": "d"})
    for call in (
        lambda: model.partial_fit(other, Y),
        lambda: model.predict(other),
        lambda: model.predict(frame[["b", "a", "c"]]),
    ):
        unchanged(model, call, ValueError, "feature names should match")
    model = GDRegressor(max_iter=2, tol=None, warm_start=True).fit(X, Y)
    for call in (
        lambda: model.partial_fit(X[:, :2], Y),
        lambda: model.fit(X[:, :2], Y),
        lambda: model.predict(X[:, :2]),
    ):
        unchanged(model, call, ValueError, "X has 2 features")


def test_what_a_stream_cannot_change():
    model = GDRegressor(max_iter=2, tol=None).fit(X, Y)
    unchanged(
        model,
        lambda: model.partial_fit(X, np.column_stack([Y, Y])),
        ValueError,
        r"cannot go on.*\(4,\).*\(4, 2\)",
    )
    model.set_params(fit_intercept=False)
    unchanged(
        model,
        lambda: model.partial_fit(X, Y),
        ValueError,
        r"(?s)fit_intercept=False(?!.*warm_start).* of the calls before, or .*\.clone",
    )
    assert clone(model).partial_fit(X, Y).intercept_ == 0


class Fails(ReduceOnPlateau):
    def observe(self, value, **state):
        raise RuntimeError("observed")


def test_what_fails_after_a_pass_keeps_its_steps():
    model = GDRegressor(learning_rate=0.01, schedule=ReduceOnPlateau(), random_state=0)
    model.partial_fit(X, Y)
    other = clone(model).partial_fit(X, Y).partial_fit(X, Y)
    model.set_params(schedule=Fails())
    with pytest.raises(RuntimeError, match="observed"):
        model.partial_fit(X, Y)
    assert model.t_ == other.t_
    assert_array_equal(model.coef_, other.coef_)
    assert len(model.loss_curve_) == model.n_iter_ == 1


def test_a_stream_has_no_horizon():
    model = GDRegressor(schedule="cosine")
    unchanged(
        model, lambda: model.partial_fit(X, Y), ValueError, r"Cosine\(horizon=\.\.\.\)"
    )


def corrupt(format="csr", **parts):
    matrix = sparse.csr_array(X).asformat(format)
    for name, (index, value) in parts.items():
        getattr(matrix, name)[index] = value
    return matrix


CORRUPT = {
    "index too large": corrupt(indices=(5, 3)),
    "index huge": corrupt(indices=(5, 2**31 - 1)),
    "index negative": corrupt(indices=(5, -1)),
    "indptr decreases": corrupt(indptr=(3, 100)),
    "indptr too long": corrupt(indptr=(-1, 10**6)),
    "indptr starts late": corrupt(indptr=(0, 1)),
    "csc index": corrupt("csc", indices=(5, 40)),
    "bsr index": corrupt("bsr", indices=(0, 9)),
    "lil column": corrupt("lil", rows=(0, [10**9, 1, 2])),
    "lil lengths": corrupt("lil", rows=(0, [1])),
    "coo row": corrupt("coo", row=(0, 40)),
    "coo column": corrupt("coo", col=(0, -2)),
}


@pytest.mark.parametrize("name", CORRUPT)
def test_corrupt_sparse_input(name):
    for model in fresh_and_fitted(GDRegressor):
        for call in (model.fit, model.partial_fit):
            unchanged(model, lambda c=call: c(CORRUPT[name], Y), ValueError, "corrupt")
    unchanged(model, lambda: model.predict(CORRUPT[name]), ValueError, "corrupt")


def test_sparse_targets():
    for model in fresh_and_fitted(GDRegressor):
        y = sparse.csr_array(Y[:, None])
        unchanged(
            model, lambda m=model, t=y: m.fit(X, t), TypeError, "(?i)dense|sparse"
        )


# An ordinary fit, and one that is not


def test_ordinary_fits_under_strict_error_settings():
    """Divisions by zero, overflows and warnings would be exceptions here."""
    rng = np.random.default_rng(0)
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        for loss in ("squared_error", "huber", "poisson", "gamma"):
            y = np.exp(rng.normal(size=40))
            model = GDRegressor(loss, max_iter=20, tol=None).fit(X, y)
            assert np.isfinite(model.predict(X * 100)).all()
        for loss in ("log_loss", "modified_huber"):
            model = GDClassifier(loss, max_iter=20, tol=None).fit(X * 100, LABELS)
            assert np.isfinite(model.predict_proba(X * 1e4)).all()
            assert (model.predict_log_proba(X * 1e4) <= 0).all()


def test_divergence_is_said_and_leaves_finite_coefficients():
    model = GDRegressor(optimizer="sgd", learning_rate=10.0, random_state=0)
    with pytest.warns(
        ConvergenceWarning, match=r"diverged.*learning_rate \(it was 10\)"
    ):
        model.fit(X, Y)
    assert model.stop_reason_ == "diverged"
    assert np.isfinite(model.coef_).all()
    assert not model.loss_curve_[-1] < 10 * model.loss_curve_[0]
    assert model.score(X, Y) > -1


def test_divergence_in_a_stream_undoes_the_pass():
    model = GDRegressor(optimizer="sgd", standardize=False, random_state=0)
    model.partial_fit(X, Y)
    before = model.coef_, model.t_
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.partial_fit(X * 1e200, Y)
    assert model.stop_reason_ == "diverged"
    assert_array_equal(model.coef_, before[0])
    assert model.t_ == before[1]
    model.partial_fit(X, Y)
    assert model.stop_reason_ == "partial_fit"
    assert (model.coef_ != before[0]).all()


def test_too_few_epochs_are_said():
    with pytest.warns(ConvergenceWarning, match="max_iter=3 epochs"):
        model = GDRegressor(max_iter=3).fit(X, Y)
    assert model.stop_reason_ == "max_iter"
    assert model.n_iter_ == 3


def test_a_schedule_past_its_end_is_said():
    model = GDRegressor(schedule=Cosine(horizon=4), max_iter=3, tol=None)
    with pytest.warns(UserWarning, match="ends at step 4 .* step 6"):
        model.fit(X, Y)
    stream = GDRegressor(schedule=Cosine(horizon=4)).partial_fit(X, Y)
    stream.partial_fit(X, Y)
    with pytest.warns(UserWarning, match="ends at step 4 .* step 6"):
        stream.partial_fit(X, Y)


class Failing(Optimizer):
    """Gradient descent that fails in a given step, after changing its state."""

    def __init__(self, step=3):
        self.step = step

    def init(self, w):
        return {"count": np.zeros_like(w)}

    def direction(self, w, g, t, count):
        count += 1
        if t == self.step:
            raise RuntimeError("the user's own")
        return g


def test_an_exception_leaves_the_last_whole_step():
    options = {"batch_size": 10, "shuffle": False, "standardize": False}
    model = GDRegressor(optimizer=Failing(3), **options)
    with pytest.raises(RuntimeError, match="the user's own"):
        model.partial_fit(X, Y)
    two_steps = GDRegressor(optimizer=SGD(), **options).partial_fit(X[:20], Y[:20])
    assert model.t_ == 2
    assert_array_equal(model.optimizer_state_["count"], [2, 2, 2, 2])
    assert_array_equal(model.coef_, two_steps.coef_)


class FailsToAverage(SGD):
    fails = False

    def averaged(self, w):
        if FailsToAverage.fails:
            raise RuntimeError("the user's own")
        return w


def test_an_exception_while_weights_are_published_changes_nothing(monkeypatch):
    model = GDRegressor(optimizer=FailsToAverage()).partial_fit(X, Y)
    known = {name: pickle.dumps(value) for name, value in vars(model).items()}
    monkeypatch.setattr(FailsToAverage, "fails", True)
    with pytest.raises(RuntimeError, match="the user's own"):
        model.partial_fit(X, Y)
    assert {name: pickle.dumps(value) for name, value in vars(model).items()} == known


class Scorer:
    """A scorer that returns the same for every model."""

    def __init__(self, score):
        self.score = score

    def __call__(self, model, X, y):
        return self.score


@pytest.mark.parametrize(
    ("score", "got"),
    [
        (float("nan"), "nan"),
        ("a", "'a'"),
        (np.ones(2), r"array\(\[1\., 1\.\]\)"),
        (None, "None"),
        (1j, "1j"),
        ({"r2": 1.0}, r"\{'r2': 1\.0\}"),
    ],
)
def test_a_scorer_that_returns_no_number(score, got):
    match = f"scoring=.*Scorer.* must return a real number .* got {got}"
    for model in fresh_and_fitted(GDRegressor):
        model.set_params(early_stopping=True, scoring=Scorer(score))
        unchanged(model, lambda m=model: m.fit(X, Y), ValueError, match)
    stream = GDRegressor(early_stopping=True, scoring=Scorer(score))
    with pytest.raises(ValueError, match=match):
        stream.partial_fit(X, Y, X_val=X, y_val=Y)
    assert stream.t_ == 2  # the steps of the call, which came before


def test_a_scorer_may_return_any_real_number():
    curves = []
    for kind in (float, np.float32, np.array, int):

        def scorer(model, X, y, kind=kind):
            return kind(round(100 * model.score(X, y)))

        options = {"early_stopping": True, "random_state": 0, "max_iter": 5}
        model = GDRegressor(scoring=scorer, tol=None, **options).fit(X, Y)
        curves.append(model.validation_curve_)
        assert all(type(value) is float for value in model.validation_curve_)
    assert curves[1:] == curves[:1] * 3


def test_an_exception_before_the_first_step_changes_nothing():
    for model in fresh_and_fitted(GDRegressor):
        model.set_params(penalty=Box(lower=[0.0, 0.0]))
        unchanged(model, lambda m=model: m.partial_fit(X, Y), ValueError, "Box: lower")
    fresh = GDRegressor(optimizer=Failing(1))
    unchanged(fresh, lambda: fresh.partial_fit(X, Y), RuntimeError, "own")
    stream = GDRegressor(optimizer=Failing(3), batch_size=20).partial_fit(X, Y)
    unchanged(stream, lambda: stream.partial_fit(X, Y), RuntimeError, "own")
    other = GDRegressor(average=True).partial_fit(X, Y)
    other.set_params(optimizer=Failing(1), average=False)
    unchanged(other, lambda: other.partial_fit(X, Y), RuntimeError, "own")


def test_a_divergence_after_a_change_of_the_optimizer():
    model = GDRegressor(optimizer="adam", standardize=False).partial_fit(X, Y)
    model.set_params(optimizer="momentum")
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.partial_fit(X * 1e200, Y)
    assert set(model.optimizer_state_) == {"v"}
    model.partial_fit(X, Y)
    assert np.isfinite(model.coef_).all()


@pytest.mark.parametrize("warm_start", [False, True])
def test_an_exception_in_fit_leaves_the_model_as_it_was(warm_start):
    model = GDRegressor(optimizer=Failing(7), max_iter=2, tol=None, batch_size=10)
    unchanged(model, lambda: model.fit(X, Y), RuntimeError, "own")
    assert not hasattr(model, "coef_")
    model.set_params(max_iter=1, warm_start=warm_start).fit(X, Y)
    model.set_params(max_iter=2, optimizer__step=6)
    unchanged(model, lambda: model.fit(X, Y), RuntimeError, "own")


def test_probabilities_of_a_loss_that_has_none():
    for model in fresh_and_fitted(GDClassifier, loss="hinge"):
        for method in ("predict_proba", "predict_log_proba"):
            assert not hasattr(model, method)
            with pytest.raises(AttributeError) as raised:
                getattr(model, method)
            assert "Hinge determines no probabilities" in str(raised.value.__cause__)
    assert hasattr(GDClassifier("log_loss"), "predict_proba")


def test_predict_before_fit():
    for model in (GDRegressor(), GDClassifier()):
        with pytest.raises(AttributeError, match="not fitted yet"):
            model.predict(X)


def test_only_runtime_dependencies_are_imported():
    """Importing skgd loads no package that scikit-learn does not load."""
    code = (
        "import sys, sklearn.linear_model, sklearn.utils.metaestimators\n"
        "before = {name.split('.')[0] for name in sys.modules}\n"
        "import skgd\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "print(loaded - before - set(sys.stdlib_module_names))"
    )
    run = [sys.executable, "-P", "-c", code]
    loaded = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    assert loaded.strip() == "{'skgd'}"

"""Training in units of its own: moments, conversion, and that units do not matter."""

import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

from skgd import LOSSES, GDClassifier, GDRegressor, _moments
from skgd._core import add_moments, engines
from skgd._moments import Moments
from skgd._units import Units, convert
from skgd.losses import Quantile
from skgd.penalties import Box, NonNegative

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _same_numbers_in_every_order_of_tests():
    RNG.bit_generator.state = np.random.default_rng(0).bit_generator.state


# Moments


@pytest.fixture(params=engines())
def engine(request, monkeypatch):
    by_engine = partial(add_moments, engine=request.param)
    monkeypatch.setattr(_moments, "add_moments", by_engine)


def moments_of(X, sample_weight=None):
    moments = Moments(X.shape[1])
    moments.add(X, sample_weight)
    return moments


def assert_moments(moments, X, sample_weight=None, rtol=1e-12):
    """Compare with two passes in extended precision."""
    X = X.toarray() if sparse.issparse(X) else X
    X = X.astype(np.longdouble)
    s = np.ones(len(X)) if sample_weight is None else sample_weight
    s = (s / s.sum(dtype=np.longdouble))[:, np.newaxis]
    mean = (s * X).sum(axis=0)
    assert_allclose(moments.nonzero, (s * (X != 0)).sum(axis=0), rtol=rtol)
    assert_allclose(moments.mean, mean, rtol=rtol, atol=rtol * np.abs(X).max())
    for center in (moments.mean, np.zeros(X.shape[1]), np.ones(X.shape[1])):
        exact = (s * (X - center) ** 2).sum(axis=0)
        assert_allclose(moments.square(center), exact, rtol=rtol)


def some_zeros(n, d, dtype=float):
    X = RNG.normal(loc=np.arange(d), size=(n, d))
    X[RNG.random(X.shape) < np.linspace(0, 0.9, d)] = 0
    return X.astype(dtype)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("container", [np.array, sparse.csr_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 3), (50, 1), (1000, 7), (3000, 40)])
def test_moments_are_those_of_two_passes(shape, dtype, container):
    X = container(some_zeros(*shape, dtype))
    assert_moments(moments_of(X), X)
    weight = RNG.exponential(size=shape[0]).astype(dtype)
    assert_moments(moments_of(X, weight), X, weight)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("container", [np.array, sparse.csr_array])
def test_moments_far_from_zero(container):
    """The deviation keeps six digits where a mean of squares would have none.

    The numbers themselves are known to seven digits of it.
    """
    X = 1e9 + RNG.normal(size=(1000, 5))
    moments = moments_of(container(X))
    deviation = np.sqrt(moments.square(moments.mean))
    centred = X - 1e9
    assert_allclose(deviation, centred.std(axis=0), rtol=1e-6)
    assert_allclose(moments.mean, 1e9 + centred.mean(axis=0), rtol=1e-13)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("container", [np.array, sparse.csr_array])
def test_moments_of_parts_in_any_order(container, monkeypatch):
    X, weight = some_zeros(500, 6), RNG.exponential(size=500)
    parts = np.split(RNG.permutation(500), [1, 2, 50, 300])
    moments = Moments(6)
    for rows in parts:
        moments.add(container(X[rows]), weight[rows])
    assert_moments(moments, X, weight)
    monkeypatch.setattr(_moments, "_CHUNK", 100)
    assert_moments(moments_of(container(X), weight), X, weight)


@settings(max_examples=50)
@given(
    X=arrays(float, (12, 2), elements=st.floats(-1e6, 1e6).map(lambda x: round(x, 3))),
    cut=st.integers(0, 12),
)
def test_moments_of_any_numbers(X, cut):
    for container in (np.array, sparse.csr_array):
        moments = Moments(2)
        for part in (X[:cut], X[cut:]):
            moments.add(container(part), None)
        mean = X.mean(axis=0)
        assert_array_equal(moments.nonzero, (X != 0).mean(axis=0))
        assert_allclose(moments.mean, mean, rtol=1e-12, atol=1e-8)
        expected = ((X - mean) ** 2).mean(axis=0)
        assert_allclose(moments.square(mean), expected, rtol=1e-9, atol=1e-9)


def test_entries_of_a_place_that_is_given_twice_are_one_value():
    X = some_zeros(40, 4)
    half = sparse.csr_array(X / 2)
    twice = sparse.csr_array(
        (
            np.repeat(half.data, 2),
            np.repeat(half.indices, 2),
            2 * half.indptr,
        ),
        shape=X.shape,
    )
    assert_moments(moments_of(twice), X)
    assert twice.nnz == 2 * half.nnz


# Units


def random_units(d, outputs, rng=RNG):
    return Units(
        center=rng.normal(size=d) * 10.0 ** rng.integers(-3, 4, size=d),
        inverse_scale=10.0 ** rng.integers(-3, 4, size=d) * rng.uniform(1, 2, size=d),
        offset=rng.normal(size=outputs),
        unit=rng.uniform(0.1, 10, size=outputs),
        residual_scale=rng.uniform(0.1, 10, size=outputs),
    )


@pytest.mark.parametrize("outputs", [(), (3,)])
@pytest.mark.parametrize("fit_intercept", [True, False])
class TestUnits:
    """For one output and for several, with an intercept and without."""

    def weights(self, fit_intercept, outputs):
        return RNG.normal(size=(5 + fit_intercept, *outputs))

    def test_fold_gives_the_function_that_is_trained(self, fit_intercept, outputs):
        units, w = random_units(5, outputs), self.weights(fit_intercept, outputs)
        X = units.center + RNG.normal(size=(20, 5)) / units.inverse_scale
        z = ((X - units.center) * units.inverse_scale) @ w[:5]
        z += w[5] if fit_intercept else 0
        coef, intercept = units.fold(w, fit_intercept)
        expected = units.offset + units.unit * z
        assert_allclose(X @ coef + intercept, expected, rtol=1e-9, atol=1e-9)

    def test_unfold_is_the_inverse_of_fold(self, fit_intercept, outputs):
        units, w = random_units(5, outputs), self.weights(fit_intercept, outputs)
        back = units.unfold(*units.fold(w, fit_intercept), fit_intercept)
        assert back.shape == w.shape
        assert_allclose(back, w, rtol=1e-9, atol=1e-9)

    def test_convert_keeps_the_function(self, fit_intercept, outputs):
        old, new = random_units(5, outputs), random_units(5, outputs)
        if not fit_intercept:
            # Nothing could make up for another one.
            zero = {"center": np.zeros(5), "offset": np.zeros(outputs)}
            old, new = (Units(**(vars(units) | zero)) for units in (old, new))
        w = self.weights(fit_intercept, outputs)
        coef, intercept = old.fold(w, fit_intercept)
        moved = convert(w, old, new, fit_intercept)
        new_coef, new_intercept = new.fold(moved, fit_intercept)
        assert_allclose(new_coef, coef, rtol=1e-12)
        assert_allclose(new_intercept, intercept, rtol=1e-9, atol=1e-9)

    def test_a_column_without_scale_has_no_coefficient(self, fit_intercept, outputs):
        units, w = random_units(5, outputs), self.weights(fit_intercept, outputs)
        units.inverse_scale[2] = 0
        assert_array_equal(units.fold(w, fit_intercept)[0][2], np.zeros(outputs))


# What is centred, and by what columns are divided


def units_of(X, y=None, **fit):
    y = X[:, 0] if y is None else y
    return GDRegressor(max_iter=1, tol=None).fit(X, y, **fit)._progress.units


def test_columns_of_mostly_zeros_are_not_centred():
    """Their scale is the root mean square of the values that are not zero."""
    X = RNG.normal(loc=2, size=(100, 3))
    X[50:, 1] = X[49:, 2] = 0
    units = units_of(X)
    assert_allclose(units.center, [X[:, 0].mean(), 0, 0], rtol=1e-12)
    sizes = [np.sqrt(np.mean(X[: [50, 49][j], j + 1] ** 2)) for j in range(2)]
    assert_allclose(1 / units.inverse_scale, [X[:, 0].std(), *sizes], rtol=1e-12)
    weight = np.where(np.arange(100) < 50, 1.5, 1.0)
    weighted = units_of(X, sample_weight=weight)
    means = np.average(X, axis=0, weights=weight)
    assert_allclose(weighted.center, means, rtol=1e-12)


def test_without_intercept_nothing_is_centred():
    X = RNG.normal(loc=2, size=(100, 3))
    model = GDRegressor(fit_intercept=False, max_iter=1, tol=None).fit(X, X[:, 0])
    units = model._progress.units
    assert_array_equal(units.center, np.zeros(3))
    size = np.sqrt(np.mean(X**2, axis=0))
    assert_allclose(1 / units.inverse_scale, size, rtol=1e-12)


def test_auto_is_true():
    X, y = load_diabetes(return_X_y=True)
    options = {"max_iter": 5, "tol": None, "random_state": 0}
    automatic = GDRegressor(**options).fit(X, y)
    assert_array_equal(
        automatic.coef_, GDRegressor(standardize=True, **options).fit(X, y).coef_
    )
    raw = GDRegressor(standardize=False, **options).fit(X, y)
    assert raw._progress.units is None
    assert (raw.coef_ != automatic.coef_).all()


def test_training_is_that_of_a_standard_scaler_before_it():
    X, y = load_breast_cancer(return_X_y=True)
    options = {"max_iter": 9, "tol": None, "random_state": 0}
    scaled = StandardScaler().fit_transform(X)
    assert_allclose(
        GDClassifier(**options).fit(X, y).decision_function(X),
        GDClassifier(**options).fit(scaled, y).decision_function(scaled),
        rtol=1e-9,
        atol=1e-9,
    )


# Units of the data do not matter


def samples(n=120, d=4):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, d))
    y = X @ rng.normal(size=d) + 0.5 * rng.normal(size=n)
    return X, y


def trained(classifies, optimizer="adam", **params):
    Estimator = GDClassifier if classifies else GDRegressor
    options = {"max_iter": 9, "tol": None, "random_state": 0, "optimizer": optimizer}
    return Estimator(**(options | params))


def raw_prediction(model, X):
    return getattr(model, "decision_function", model.predict)(X)


def assert_same_predictions(got, expected):
    size = np.abs(expected).max()
    assert_allclose(got, expected, rtol=0, atol=1e-6 * size)


OPTIMIZERS = ["sgd", "momentum", "adagrad", "rmsprop", "adam", "ftrl"]
POWERS = [-9, -4, 4, 9]


@pytest.mark.parametrize("classifies", [False, True])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
class TestScale:
    """Columns times or plus a power of ten are the same columns."""

    def test_of_a_column(self, optimizer, classifies):
        X, y = samples()
        y = y > 0 if classifies else y
        model = trained(classifies, optimizer)
        expected = raw_prediction(model.fit(X, y), X)
        for power in POWERS:
            other = X * [1, 10.0**power, 1, 1]
            got = raw_prediction(model.fit(other, y), other)
            assert_same_predictions(got, expected)
            other = X * 10.0 ** (power * np.array([1, -1, 0.5, 0]))
            got = raw_prediction(model.fit(other, y), other)
            assert_same_predictions(got, expected)

    def test_of_a_sparse_column(self, optimizer, classifies):
        X, y = samples()
        X[RNG.random(X.shape) < [0.2, 0.4, 0.6, 0.9]] = 0
        y = y > 0 if classifies else y
        model = trained(classifies, optimizer)
        expected = raw_prediction(model.fit(sparse.csr_array(X), y), X)
        for power in POWERS:
            other = sparse.csr_array(X * 10.0 ** (power * np.array([1, -1, 0, 1])))
            got = raw_prediction(model.fit(other, y), other)
            assert_same_predictions(got, expected)

    def test_of_the_zero_of_a_column(self, optimizer, classifies):
        X, y = samples()
        y = y > 0 if classifies else y
        model = trained(classifies, optimizer)
        expected = raw_prediction(model.fit(X, y), X)
        for offset in (-1e9, -1e4, 1e-9, 1e4, 1e9):
            other = X + np.array([0, offset, 0, -offset])
            got = raw_prediction(model.fit(other, y), other)
            assert_same_predictions(got, expected)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_scale_of_the_target(optimizer, loss):
    X, y = samples()
    model = trained(False, optimizer, loss=loss)
    expected = model.fit(X, y).predict(X)
    for power in POWERS:
        got = model.fit(X, y * 10.0**power).predict(X) / 10.0**power
        assert_same_predictions(got, expected)
    for offset in (-1e9, -1e4, 1e4, 1e9):
        # What rounding has left of the target is known.
        got = model.fit(X, y + offset).predict(X) - offset
        assert_same_predictions(got, expected)


@pytest.mark.parametrize("power", POWERS)
def test_the_scale_does_not_matter_to_when_training_stops(power):
    X, y = samples()
    epochs = GDRegressor(random_state=0).fit(X, y).n_iter_
    scaled = GDRegressor(random_state=0).fit(X * 10.0**power, y * 10.0**-power)
    assert scaled.n_iter_ == epochs


def test_targets_in_very_different_units():
    X, y = samples()
    Y = np.column_stack([y, 1e9 * y + 1e12, 1e-9 * y])
    together = trained(False, penalty="elasticnet").fit(X, Y).predict(X)
    for k in range(3):
        alone = trained(False, penalty="elasticnet").fit(X, Y[:, k]).predict(X)
        spread = Y[:, k].std()
        assert_allclose(together[:, k], alone, rtol=0, atol=1e-6 * spread)
    expected = together[:, 0]
    assert_allclose((together[:, 1] - 1e12) / 1e9, expected, atol=1e-6)
    assert_allclose(together[:, 2] * 1e9, expected, atol=1e-6)


@pytest.mark.parametrize("classifies", [False, True])
@pytest.mark.parametrize("container", [np.array, sparse.csr_array])
def test_constant_columns_do_no_harm(container, classifies):
    X, y = samples()
    y = y > 0 if classifies else y
    model = trained(classifies)
    expected = raw_prediction(model.fit(X, y), X)
    constant = [0.0, 5.0, -1e9, 1e-9, 0.1, 1e6 / 3]
    wide = np.hstack([X, np.tile(constant, (len(X), 1))])
    model.fit(container(wide), y)
    assert_array_equal(np.ravel(model.coef_)[4:], np.zeros(6))
    assert_same_predictions(raw_prediction(model, wide), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("container", [np.array, sparse.csr_array])
def test_constant_columns_are_constant_with_any_weights(container, dtype):
    X, y = samples(500)
    X = np.hstack([X, np.tile([0.1, 1e6 / 3, -7.0], (len(X), 1))]).astype(dtype)
    for seed in range(10):
        weight = np.random.default_rng(seed).exponential(size=len(X))
        units = units_of(container(X), y, sample_weight=weight)
        assert_array_equal(units.inverse_scale[4:], np.zeros(3))


@pytest.mark.parametrize(
    ("dtype", "center", "scale", "loss_of_score"),
    [
        (np.float32, 1e6, 1.0, 1e-3),
        (np.float32, 1.7e9, 1e3, 5e-3),
        (np.float64, 1e15, 1.0, 5e-3),
        (np.float64, -1e13, 1.0, 1e-6),
    ],
)
def test_columns_that_vary_little_for_their_size_are_used(
    dtype, center, scale, loss_of_score
):
    """The neighbour of a number is up to a seventh of the deviation away."""
    rng = np.random.default_rng(0)
    t = rng.normal(size=(500, 1))
    X, y = (center + scale * t).astype(dtype), t[:, 0]
    centred = X.astype(float) - center
    best = LinearRegression().fit(centred, y).score(centred, y)
    for container in (np.array, sparse.csr_array):
        model = GDRegressor(alpha=0, random_state=0).fit(container(X), y)
        assert model.score(X, y) > best - loss_of_score


def test_a_column_whose_numbers_differ_by_their_rounding_is_named():
    X, y = samples()
    expected = trained(False).fit(X, y)
    noise = np.where(np.arange(len(X)) % 3, 0.3, 0.1 + 0.2)
    wide = np.insert(X, 1, noise, axis=1)
    with pytest.warns(UserWarning, match="gives column 1 of X the coefficient 0"):
        model = trained(False).fit(wide, y)
    assert_allclose(model.coef_, np.insert(expected.coef_, 1, 0), rtol=1e-12)
    frame = pd.DataFrame(wide, columns=["a", "b", "c", "d", "e"])
    with pytest.warns(UserWarning, match="gives column 'b' of X the coefficient 0"):
        model.fit(frame, y)


@pytest.mark.parametrize("container", [np.array, sparse.csr_array])
@pytest.mark.parametrize("classifies", [False, True])
@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e-40), (np.float64, 1e-170)])
def test_columns_too_small_for_the_dtype_are_named(dtype, size, classifies, container):
    X, y = samples()
    X, y = X.astype(dtype), y > 0 if classifies else y
    expected = trained(classifies).fit(container(X[:, [0, 2]]), y)
    X[:, [1, 3]] *= size
    match = f"gives columns 1, 3 of X the coefficient 0.*{X.dtype}"
    with pytest.warns(UserWarning, match=match) as record:
        model = trained(classifies).fit(container(X), y)
    assert not [w for w in record if issubclass(w.category, RuntimeWarning)]
    assert_array_equal(np.ravel(model.coef_)[[1, 3]], [0, 0])
    got, rtol = np.ravel(model.coef_)[[0, 2]], 1e-4 if dtype == np.float32 else 1e-9
    assert_allclose(got, np.ravel(expected.coef_), rtol=rtol)


def test_a_stream_names_a_column_once():
    X, y = samples()
    X[:, 1] *= 1e-170
    model = GDRegressor(random_state=0)
    with pytest.warns(UserWarning, match="column 1 of X"):
        model.partial_fit(X[:40], y[:40])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.partial_fit(X[40:], y[40:])


@pytest.mark.parametrize(
    ("dtype", "size", "match"),
    [
        (np.float32, 1e-40, "column 1 of y has a deviation .* float32"),
        (np.float64, 1e-170, "column 1 of y has values whose squares underflow"),
    ],
)
def test_targets_too_small_for_the_dtype_are_refused(dtype, size, match):
    X, y = samples()
    Y = np.column_stack([y, size * y]).astype(dtype)
    with pytest.raises(ValueError, match=match):
        GDRegressor().fit(X.astype(dtype), Y)


@pytest.mark.parametrize(("offset", "factor"), [(1e9, 1.0), (1e7, 1.0), (0.0, 1e-50)])
def test_a_target_that_float32_cannot_tell_apart_is_named(offset, factor):
    X, y = samples()
    y = offset + factor * y
    Y = np.column_stack([X[:, 0], y])
    for target in (y, Y):
        with pytest.warns(UserWarning, match="y is rounded to float32, the dtype of X"):
            GDRegressor(random_state=0).fit(X.astype(np.float32), target)
        with pytest.warns(UserWarning, match="y is rounded to float32, the dtype of X"):
            GDRegressor().partial_fit(X.astype(np.float32), target)


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e5])
def test_a_target_that_float32_can_tell_apart_is_not(offset):
    X, y = samples()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = GDRegressor(random_state=0).fit(X.astype(np.float32), y + offset)
        GDRegressor(random_state=0).fit(X.astype(np.float32), np.full(len(y), 0.1))
    expected = GDRegressor(random_state=0).fit(X, y).coef_
    assert_allclose(model.coef_, expected, atol=1e-2)


def test_a_constant_target_is_predicted():
    X, _ = samples()
    for value in (0.0, 3.0, -1e9):
        model = GDRegressor(random_state=0).fit(X, np.full(len(X), value))
        assert_allclose(model.predict(X), value, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_dense_is_csr_also_for_columns_of_mostly_zeros(optimizer):
    X, y = samples()
    X[RNG.random(X.shape) < [0.2, 0.4, 0.6, 0.9]] = 0
    for classifies in (False, True):
        target = y > 0 if classifies else y
        model = trained(classifies, optimizer, penalty="elasticnet")
        dense = model.fit(X, target).coef_
        in_csr = model.fit(sparse.csr_array(X), target).coef_
        assert_allclose(in_csr, dense, rtol=1e-9, atol=1e-12)


# Outliers of the target

ROBUST = [name for name, c in LOSSES.items() if getattr(c, "start_quantile", None)]


def with_outliers(value):
    X, y = samples(500)
    y = 10 * y + 2
    spoiled = y.copy()
    spoiled[::50] = value
    return X, spoiled, y


def test_losses_to_which_outliers_hardly_matter():
    assert sorted(ROBUST) == [
        "absolute_error",
        "epsilon_insensitive",
        "huber",
        "log_cosh",
        "pseudo_huber",
        "quantile",
    ]
    for name in ROBUST:
        near, far = LOSSES[name]().gradient(np.zeros(2), np.array([1e3, 1e9]))
        assert_allclose(far, near, rtol=1e-5)


@pytest.mark.parametrize("value", [-9999.0, 1e6, 1e9])
@pytest.mark.parametrize("loss", ROBUST)
def test_outliers_decide_neither_start_nor_unit_nor_end(loss, value):
    X, spoiled, y = with_outliers(value)
    kept = spoiled == y
    best = LinearRegression().fit(X[kept], y[kept]).score(X[kept], y[kept])
    for options in ({}, {"schedule": "constant"}):
        model = GDRegressor(loss, random_state=0, **options).fit(X, spoiled)
        assert model.stop_reason_ == "tol"
        assert model.score(X[kept], y[kept]) > best - 0.005
    # Of 50 samples held out one is an outlier: their mean loss is hardly of the others.
    model = GDRegressor(loss, random_state=0, early_stopping=True).fit(X, spoiled)
    assert model.score(X[kept], y[kept]) > best - 0.03


@pytest.mark.parametrize("loss", ROBUST)
def test_outliers_do_not_matter_in_chunks_of_a_stream(loss):
    X, spoiled, y = with_outliers(1e6)
    kept = spoiled == y
    best = LinearRegression().fit(X[kept], y[kept]).score(X[kept], y[kept])
    model = GDRegressor(loss, random_state=0)
    for _ in range(20):
        for rows in np.array_split(np.arange(500), 20):
            model.partial_fit(X[rows], spoiled[rows])
    assert model.score(X[kept], y[kept]) > best - 0.02


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_training_starts_at_the_quantile_that_the_loss_estimates(level):
    X, y = samples()
    Y = np.column_stack([y, 100 * y**2])
    for target in (y, Y):
        model = still(GDRegressor, loss=Quantile(level)).fit(X, target)
        expected = np.quantile(target, level, axis=0, method="inverted_cdf")
        aside = model.intercept_ - expected
        assert (aside > 0).all()
        assert (aside <= 0.0101 * target.std(axis=0)).all()


def test_without_outliers_the_unit_is_the_standard_deviation():
    X, y = samples()
    model = still(GDRegressor, loss="absolute_error").fit(X, y)
    assert_allclose(model._progress.units.unit, y.std(), rtol=1e-12)


def test_an_outlier_of_weight_two_is_two_outliers():
    X, spoiled, _ = with_outliers(1e6)
    weight = np.where(spoiled == 1e6, 2.0, 1.0)
    # An odd number: no quantile is between two samples.
    X, spoiled, weight = X[:499], spoiled[:499], weight[:499]
    rows = np.repeat(np.arange(499), weight.astype(int))
    one = still(GDRegressor, loss="huber").fit(X, spoiled, sample_weight=weight)
    two = still(GDRegressor, loss="huber").fit(X[rows], spoiled[rows])
    assert_allclose(one._progress.units.unit, two._progress.units.unit, rtol=1e-12)
    assert_allclose(one.intercept_, two.intercept_, rtol=1e-12)


@pytest.mark.parametrize("loss", ["squared_error", "squared_epsilon_insensitive"])
def test_outliers_count_where_the_loss_says_that_they_do(loss):
    X, spoiled, _ = with_outliers(1e6)
    model = still(GDRegressor, loss=loss).fit(X, spoiled)
    unit = spoiled.std()
    assert_allclose(model._progress.units.unit, unit, rtol=1e-12)
    assert_allclose(model.intercept_, spoiled.mean() + 0.01 * unit, rtol=1e-9)


# Start values, and streams whose moments move


def still(Estimator, **params):
    """Return an estimator whose rate is zero in every step."""
    zero = {"schedule": lambda t: 0.0, "average": False, "max_iter": 1, "tol": None}
    return Estimator(**(zero | params))


@pytest.mark.parametrize("container", [np.array, sparse.csr_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("average", [False, True, "tail"])
def test_start_values_are_those_of_the_user(average, dtype, container):
    X, y = samples()
    X = container((X * [1, 1e3, 1e-3, 10] + [0, 5e3, 1, -70]).astype(dtype))
    rtol = 1e-12 if dtype == np.float64 else 1e-5
    labels = np.digitize(y, [-1, 1])
    for Estimator, target, coef, intercept in [
        (GDRegressor, y, np.arange(4.0), np.array([7.0])),
        (GDRegressor, np.column_stack([y, 1e6 * y]), np.ones((2, 4)), np.ones(2)),
        (GDClassifier, y > 0, np.ones((1, 4)), np.array([-2.0])),
        (GDClassifier, labels, np.arange(12.0).reshape(3, 4), np.arange(3.0)),
    ]:
        model = still(Estimator, average=average)
        model.fit(X, target, coef_init=coef, intercept_init=intercept)
        assert_allclose(model.coef_, coef, rtol=rtol, atol=rtol)
        size = np.abs(coef).max() * 1e4
        assert_allclose(model.intercept_, intercept, rtol=rtol, atol=rtol * size)


@pytest.mark.parametrize("classifies", [False, True])
@pytest.mark.parametrize("container", [np.array, sparse.csr_array])
@pytest.mark.parametrize("average", [False, True, "tail"])
def test_a_stream_keeps_its_function_when_the_moments_move(
    average, container, classifies
):
    X, y = samples()
    target = y > 0 if classifies else y
    model = trained(classifies, average=average).fit(container(X), target)
    model.set_params(schedule=lambda t: 0.0)
    if average:
        model.partial_fit(container(X), target)
    expected = raw_prediction(model, X)
    units = model._progress.units
    rng = np.random.default_rng(2)
    for size in (1, 1, 1, 7, 50, 1):
        rows = rng.integers(len(X), size=size)
        chunk = X[rows] * [1, 1e2, 1e-2, 10] + [0, 50, 3, -70]
        model.partial_fit(container(chunk), target[rows])
        if not average:
            assert_same_predictions(raw_prediction(model, X), expected)
    assert not np.array_equal(model._progress.units.center, units.center)
    if not average:
        return
    # A mean of equal functions is the same function, whatever the units of each.
    coef, intercept = model._progress.units.fold(model._progress.w, True)
    z = X @ coef + intercept
    model.set_params(average=False).partial_fit(container(X[:1]), target[:1])
    assert_same_predictions(raw_prediction(model, X), z)


@pytest.mark.parametrize("first", [0.0, 1e7])
def test_a_stream_of_single_rows_learns_raw_data(first):
    X, y = samples(400)
    X, y = X * [1, 1e4, 1e-4, 10] + [0, 3e4, 1, -70], 1e6 * y + 1e7
    y[0] = first
    model = GDRegressor(random_state=0)
    for _ in range(3):
        for i in range(len(X)):
            model.partial_fit(X[i : i + 1], y[i : i + 1])
    assert model.score(X, y) > 0.9 * trained(False).fit(X, y).score(X, y)


# A value far out in a stream


def stream_with(where, value, size, n=60):
    """Yield chunks, and of the one in the middle whether its first row is changed."""
    rng = np.random.default_rng(3)
    for i in range(n * 25 // size):
        X = rng.normal(2, 2, size=(size, 3))
        y = X @ [1.0, -2.0, 3.0] + 0.3 * rng.normal(size=size)
        is_changed = i == n * 25 // size // 2
        if is_changed and where == "X":
            X[0, 1] = value
        if is_changed and where == "y":
            y[0] = value
        yield X, y, is_changed


@pytest.mark.parametrize("size", [25, 1])
@pytest.mark.parametrize("value", [1e6, -1e100])
@pytest.mark.parametrize(("where", "match"), [("X", "column 1 of X"), ("y", "0 of y")])
def test_a_value_far_out_in_a_stream_is_named_once(where, match, value, size):
    model, said = GDRegressor(random_state=0), []
    for i, (X, y, is_changed) in enumerate(stream_with(where, value, size)):
        with warnings.catch_warnings(record=True) as record:
            warnings.simplefilter("always", UserWarning)
            model.partial_fit(X, y)
        found = [w for w in record if match in str(w.message)]
        said += [(i, w) for w in found if "times what it was" in str(w.message)]
        if is_changed:
            changed = i
    ((when, warning),) = said
    # Single rows may wait to be counted.
    assert changed <= when <= changed + (64 if size == 1 else 0)
    assert warning.filename == __file__


def test_columns_far_out_are_named_as_the_user_does():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(50, 2)), columns=["height", "weight"])
    model = GDRegressor(random_state=0).partial_fit(frame, frame["weight"])
    with pytest.warns(UserWarning, match="column 'height' of X"):
        model.partial_fit(frame * [1e4, 1.0], frame["weight"])


@pytest.mark.parametrize("size", [25, 1])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_a_stream_without_such_values_says_nothing(loss, size):
    model = GDRegressor(loss, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for X, y, _ in stream_with(None, 0.0, size):
            model.partial_fit(X, y)
            X[:, 2] = 0


def test_in_chunks_a_target_far_out_says_nothing_to_losses_that_bear_it():
    model = GDRegressor("absolute_error", random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for X, y, _ in stream_with("y", 1e6, 25):
            model.partial_fit(X, y)
    X, y, _ = next(stream_with(None, 0.0, 500, n=20))
    assert model.score(X, y) > 0.98


# Bounds are on the coefficients of the user


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("container", [np.array, sparse.csr_array])
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adagrad", "adam", "ftrl"])
def test_bounds_hold_exactly(optimizer, container, dtype):
    X, y = samples()
    y = y + X @ [9.0, -9.0, 9.0, -9.0]
    X = container((X * [1, 1e3, 1e-3, 10] + [0, 5e3, 1, -70]).astype(dtype))
    lower = np.array([-0.1, -1e-4, -np.inf, 0.0])
    upper = np.array([0.1, 2e-4, 30.0, 0.01])
    for penalty, low, high in [
        (Box(lower, upper), lower, upper),
        (NonNegative(), np.zeros(4), np.full(4, np.inf)),
        (Box(-1 / 3, 1 / 3, penalty="l1"), np.full(4, -1 / 3), np.full(4, 1 / 3)),
    ]:
        low, high = low.astype(dtype), high.astype(dtype)
        for classifies in (False, True):
            target = y > 0 if classifies else y
            model = trained(classifies, optimizer, penalty=penalty)
            model.fit(X, target)
            assert (low <= model.coef_).all()
            assert (model.coef_ <= high).all()
            at_bound = [
                np.isclose(model.coef_, b, rtol=1e-6, atol=0) for b in (low, high)
            ]
            assert np.any(at_bound)
            for start in range(0, 120, 10):
                rows = slice(start, start + 10)
                model.partial_fit(X[rows], target[rows])
                assert (low <= model.coef_).all()
                assert (model.coef_ <= high).all()

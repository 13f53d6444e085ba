"""Classes, class weights and averages in streams."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.utils.class_weight import compute_sample_weight

from skgd import LOSSES, GDClassifier, GDRegressor
from skgd.losses import ClassificationLoss

X_DIGITS, Y_DIGITS = load_digits(return_X_y=True)
MARGINS = [name for name, c in LOSSES.items() if issubclass(c, ClassificationLoss)]
at_rest = lambda t: 1.0 if t < 5 else 0.0  # noqa: E731


@pytest.fixture(params=[True, False], ids=["standardized", "raw"])
def standardize(request):
    return request.param


def chunks(n, size):
    return [slice(start, start + size) for start in range(0, n, size)]


@pytest.mark.parametrize("seed", [1, 3, 4])
def test_the_first_rows_of_a_wide_stream_do_no_harm(seed):
    """After two rows the deviations of some of 200 columns are a hundredth.

    At the full rate from the first row on R² is -2 or less after 1000 rows.
    """
    rng = np.random.default_rng(seed)
    X = 1e3 * rng.normal(size=(1500, 200)) + 1e4
    y = X @ rng.normal(size=200)
    y += 0.3 * y.std() * rng.normal(size=1500)
    model = GDRegressor(random_state=0)
    for row in range(1000):
        model.partial_fit(X[[row]], y[[row]])
    assert model.score(X[1000:], y[1000:]) > -0.5


def test_balanced_stream_counts_what_it_has_seen(standardize):
    X, y = load_wine(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = X[order] / X.std(axis=0), y[order]
    options = {"standardize": False, "random_state": 0, "batch_size": 7}
    balanced = GDClassifier(class_weight="balanced", **options)
    by_hand = GDClassifier(**options)
    for rows in chunks(len(y), 30):
        seen = slice(0, rows.stop)
        weights = compute_sample_weight("balanced", y[seen])[rows]
        balanced.partial_fit(X[rows], y[rows], classes=range(3))
        by_hand.partial_fit(X[rows], y[rows], classes=range(3), sample_weight=weights)
    np.testing.assert_allclose(balanced.coef_, by_hand.coef_, rtol=1e-12)


def test_balanced_stream_weighs_samples_too():
    X, y = load_iris(return_X_y=True)
    s = np.random.default_rng(0).uniform(0.5, 2, len(y))
    totals = np.bincount(y, s)
    options = {"standardize": False, "random_state": 0}
    balanced = GDClassifier(class_weight="balanced", **options)
    balanced.partial_fit(X, y, classes=range(3), sample_weight=s)
    by_hand = GDClassifier(**options).partial_fit(
        X, y, classes=range(3), sample_weight=s * s.sum() / (3 * totals[y])
    )
    np.testing.assert_allclose(balanced.coef_, by_hand.coef_, rtol=1e-12)


def test_balanced_epochs_are_balanced_partial_fits(standardize):
    X, y = load_wine(return_X_y=True)
    options = {"class_weight": "balanced", "random_state": 0, "schedule": "constant"}
    model = GDClassifier(
        standardize=standardize, max_iter=4, tol=None, average=False, **options
    ).fit(X, y)
    stream = GDClassifier(standardize=standardize, average=False, **options)
    for _ in range(4):
        stream.partial_fit(X, y, classes=range(3))
    np.testing.assert_allclose(model.coef_, stream.coef_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", MARGINS)
def test_growing_classes_that_are_all_there_at_once(loss, standardize):
    options = {"loss": loss, "random_state": 0, "standardize": standardize}
    grown, announced = GDClassifier(**options), GDClassifier(**options)
    for rows in chunks(600, 200):
        grown.partial_fit(X_DIGITS[rows], Y_DIGITS[rows], classes="grow")
        announced.partial_fit(X_DIGITS[rows], Y_DIGITS[rows], classes=range(10))
    np.testing.assert_array_equal(grown.coef_, announced.coef_)
    np.testing.assert_array_equal(grown.intercept_, announced.intercept_)


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("loss", MARGINS)
@pytest.mark.parametrize("steps", [((3, 5), 1), ((1, 5, 7), 3), ((5,), 3)])
def test_known_classes_are_predicted_as_before(loss, steps, standardize, average):
    """The rate is zero from the fifth step on, and a class is new after it."""
    first, new = steps
    model = GDClassifier(
        loss=loss,
        schedule=at_rest,
        standardize=standardize,
        average=average,
        random_state=0,
    )
    known, later = np.isin(Y_DIGITS, first), np.isin(Y_DIGITS, (*first, new))
    model.partial_fit(X_DIGITS[known], Y_DIGITS[known], classes="grow")
    model.set_params(average=False).partial_fit(X_DIGITS[known], Y_DIGITS[known])
    before = model.decision_function(X_DIGITS[:50])
    model.partial_fit(X_DIGITS[later], Y_DIGITS[later])
    after = model.decision_function(X_DIGITS[:50])
    assert model.classes_.tolist() == sorted({*first, new})
    if len(first) == 1:  # the new class is the first of two
        expected = -before
    elif len(first) == 2:
        of_first = before / 2 if loss == "log_loss" else before
        expected = np.column_stack([0 * before, -of_first, of_first])
    else:
        expected = np.insert(before, 1, 0, axis=1)
    np.testing.assert_allclose(after, expected, rtol=1e-9, atol=1e-9)


def test_single_rows_of_classes_that_nobody_announced():
    names = np.array([f"digit {k}" for k in range(10)])
    model = GDClassifier(random_state=0, learning_rate=0.01)
    hits = []
    for x, label in zip(X_DIGITS, names[Y_DIGITS], strict=True):
        if hasattr(model, "classes_"):
            hits.append(model.predict([x])[0] == label)
        model.partial_fit([x], [label], classes="grow")
    assert model.classes_.tolist() == names.tolist()
    assert np.mean(hits[-500:]) > 0.9


def test_one_class_so_far():
    model = GDClassifier(random_state=0).partial_fit([[1.0]], ["a"], classes="grow")
    assert model.predict([[0.0]]).tolist() == ["a"]
    assert model.predict_proba([[0.0]]).tolist() == [[1.0]]


def test_growing_is_not_the_default():
    X, y = load_iris(return_X_y=True)
    model = GDClassifier(random_state=0).partial_fit(X[:100], y[:100], classes=[0, 1])
    before = model.coef_.copy()
    with pytest.raises(ValueError, match=r"y has classes \[2\] that are not among"):
        model.partial_fit(X, y)
    np.testing.assert_array_equal(model.coef_, before)
    model.partial_fit(X, y, classes="grow").partial_fit(X, y)
    assert model.classes_.tolist() == [0, 1, 2]


def test_classes_are_needed_and_grow_is_named():
    with pytest.raises(ValueError, match="all that will ever occur, or 'grow'"):
        GDClassifier().partial_fit([[0.0], [1.0]], [0, 1])

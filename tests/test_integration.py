"""skgd inside scikit-learn: each tool once, with a number that it must give."""

import io
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
from joblib import Parallel, delayed
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import BaggingRegressor, StackingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    cross_val_predict,
    cross_validate,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import skgd
from skgd import GDClassifier, GDRegressor
from skgd.optimizers import SGD, Adam

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def regressor(**params):
    options = {"learning_rate": 0.5, "max_iter": 30, "tol": None, "random_state": 0}
    return GDRegressor(**(options | params))


def classifier(**params):
    options = {"max_iter": 15, "tol": None, "random_state": 0}
    return GDClassifier(**(options | params))


def test_grid_search_reaches_the_parameters_of_the_optimizer(diabetes):
    grid = {
        "optimizer": [Adam()],
        "optimizer__beta1": [0.0, 0.9],
        "learning_rate": [1e-6, 0.5],
        "batch_size": [16, 64],
    }
    search = GridSearchCV(regressor(), grid, cv=3).fit(*diabetes)
    assert search.best_params_["learning_rate"] == 0.5
    assert search.best_estimator_.optimizer_.beta1 in (0.0, 0.9)
    assert search.best_score_ > 0.45
    assert len(search.cv_results_["params"]) == 8
    slow = [
        score
        for score, params in zip(
            search.cv_results_["mean_test_score"],
            search.cv_results_["params"],
            strict=True,
        )
        if params["learning_rate"] == 1e-6
    ]
    assert max(slow) < 0


def test_grid_search_over_names_and_instances(diabetes):
    grid = {
        "optimizer": ["adam", SGD()],
        "schedule": ["constant", "cosine"],
        "penalty": [None, "l1"],
    }
    search = GridSearchCV(regressor(learning_rate=0.02), grid, cv=2).fit(*diabetes)
    best = search.best_params_["optimizer"]
    assert isinstance(best, SGD)
    assert search.best_score_ > 0.45


def test_halving_search_with_epochs_as_the_resource(diabetes):
    search = HalvingGridSearchCV(
        regressor(),
        {"learning_rate": [1e-6, 1e-3, 0.5]},
        resource="max_iter",
        max_resources=27,
        cv=2,
        random_state=0,
    ).fit(*diabetes)
    assert search.best_params_["learning_rate"] == 0.5


def test_cross_val_predict(cancer):
    X, y = cancer
    p = cross_val_predict(classifier(), X, y, cv=3, method="predict_proba")
    assert_allclose(p.sum(axis=1), 1)
    assert np.mean((p[:, 1] > 0.5) == y) > 0.96


def test_pipeline_with_column_transformer():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"kind": rng.choice(["a", "b", "c"], 200), "x": rng.normal(50, 10, 200)}
    )
    y = frame["kind"].map({"a": 1.0, "b": 2.0, "c": 5.0}) + 0.1 * frame["x"]
    columns = ColumnTransformer(
        [("kind", OneHotEncoder(), ["kind"]), ("x", StandardScaler(), ["x"])]
    )
    model = make_pipeline(columns, regressor(penalty=None, max_iter=300)).fit(frame, y)
    direct = regressor(max_iter=1).fit(frame[["x"]], y)
    assert_array_equal(direct.feature_names_in_, ["x"])
    kinds = model[-1].coef_[:3]
    assert_allclose(kinds - kinds[0], [0, 1, 4], atol=0.01)


def test_one_vs_rest_is_the_margin_losses_own_way(cancer):
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    inside = classifier(loss="squared_hinge").fit(X, y)
    outside = OneVsRestClassifier(classifier(loss="squared_hinge")).fit(X, y)
    coef = np.vstack([model.coef_ for model in outside.estimators_])
    assert_allclose(coef, inside.coef_, rtol=1e-9, atol=1e-12)


def test_calibration_of_a_loss_without_probabilities(cancer):
    X, y = cancer
    calibrated = CalibratedClassifierCV(classifier(loss="hinge"), cv=3).fit(X, y)
    assert calibrated.score(X, y) > 0.97
    p = calibrated.predict_proba(X)[:, 1]
    assert np.mean((p - y) ** 2) < 0.03


def test_bagging(diabetes):
    X, y = diabetes
    one = regressor(learning_rate=1.0, max_iter=100)
    bag = BaggingRegressor(one, n_estimators=10, random_state=0).fit(X, y)
    exact = LinearRegression().fit(X, y).predict(X)
    assert np.std(bag.predict(X) - exact) < 0.15 * np.std(exact)


def test_stacking(cancer):
    X, y = cancer
    stack = StackingClassifier(
        [("log", classifier()), ("hinge", classifier(loss="hinge"))],
        final_estimator=classifier(),
        cv=3,
    )
    assert stack.fit(X, y).score(X, y) > 0.97


def test_metadata_routing_of_sample_weight(diabetes):
    X, y = diabetes
    weight = np.linspace(0, 2, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        model = regressor().set_fit_request(sample_weight=True)
        model.set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, model)
        pipeline.fit(X, y, sample_weight=weight)
        scores = cross_validate(
            model, X, y, cv=2, params={"sample_weight": weight}, return_estimator=True
        )
    direct = regressor().fit(X, y, weight)
    assert_allclose(pipeline[-1].coef_, direct.coef_, rtol=1e-6)
    half = len(y) // 2
    first = regressor().fit(X[half:], y[half:], weight[half:])
    assert_allclose(scores["estimator"][0].coef_, first.coef_)
    assert_allclose(
        scores["test_score"][0], first.score(X[:half], y[:half], weight[:half])
    )


def test_clone_is_unfitted_and_equal(diabetes):
    model = regressor(optimizer=Adam(beta1=0.7)).fit(*diabetes)
    twin = clone(model)
    assert not hasattr(twin, "coef_")
    assert twin.optimizer is not model.optimizer
    assert twin.get_params()["optimizer__beta1"] == 0.7
    assert_array_equal(twin.fit(*diabetes).coef_, model.coef_)


def test_pickle_keeps_predictions_and_tells_the_version(diabetes):
    X, y = diabetes
    model = regressor().fit(X, y)
    stored = pickle.dumps(model)
    loaded = pickle.loads(stored)
    assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded._skgd_version == skgd.__version__
    assert skgd.__version__.encode() in stored


def read_pickle(path):
    with io.BytesIO(path.read_bytes()) as file:
        return pickle.load(file)


@pytest.mark.parametrize("path", sorted(DATA.glob("*.pickle")), ids=lambda p: p.stem)
def test_pickles_of_every_release_load(path):
    """Predict as when they were written, and go on training.

    They are made by ``make_pickle.py`` beside them, one in each release.
    """
    stored = read_pickle(path)
    for model in (stored["regressor"], stored["classifier"]):
        assert model._skgd_version == stored["version"]
    X = stored["X"]
    assert_allclose(stored["regressor"].predict(X), stored["predictions"])
    assert_allclose(stored["classifier"].predict_proba(X), stored["probabilities"])
    steps = stored["regressor"].t_
    stored["regressor"].partial_fit(X, stored["predictions"])
    assert stored["regressor"].t_ > steps


def test_there_is_a_pickle():
    assert list(DATA.glob("*.pickle"))


def test_joblib_with_two_processes(diabetes):
    X, y = diabetes
    fits = Parallel(n_jobs=2)(
        delayed(regressor(random_state=seed).fit)(X, y) for seed in range(3)
    )
    for seed, model in enumerate(fits):
        assert_array_equal(model.coef_, regressor(random_state=seed).fit(X, y).coef_)


def test_two_threads(diabetes):
    X, y = diabetes
    with ThreadPoolExecutor(2) as pool:
        fits = list(pool.map(lambda i: regressor(random_state=i).fit(X, y), range(4)))
    for seed, model in enumerate(fits):
        assert_array_equal(model.coef_, regressor(random_state=seed).fit(X, y).coef_)


def test_html_representation_shows_the_optimizer():
    html = GDRegressor(optimizer=Adam(beta1=0.75))._repr_html_()
    assert "GDRegressor" in html
    assert "beta1=0.75" in html

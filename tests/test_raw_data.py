"""At the defaults raw data gives the model that an exact solver gives.

The data sets, the exact solver and the gaps are those of the benchmark
``tests/benchmarks/suite.py``, which prints them.
"""

import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))

from data_sets import DATA_SETS
from exact import Problem, solve
from suite import GAP, estimator, problem_of

SMALL = [data_set for data_set in DATA_SETS.values() if not data_set.big]
UNSETTLED = {"diabetes_products", "difference", "separable_without_penalty"}
"""Where max_iter epochs come close enough, and training says that more would help."""


@pytest.mark.parametrize("data_set", SMALL, ids=lambda data_set: data_set.name)
def test_defaults_give_the_exact_model(data_set):
    problem = problem_of(data_set)
    unsettled = data_set.name in UNSETTLED
    with pytest.warns(ConvergenceWarning) if unsettled else nullcontext():
        model = estimator(data_set).fit(problem.X, problem.y)
    of_score, of_objective = solve(problem).gaps(model)
    assert of_score <= GAP
    assert of_objective <= GAP


def test_reference_is_the_ridge_of_a_closed_form():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 3)), rng.normal(size=30)
    solution = solve(Problem(X, y, "squared_error", alpha=0.1))
    Z, t = (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()
    w = np.linalg.solve(Z.T @ Z / 30 + 0.1 * np.eye(3), Z.T @ t / 30)
    np.testing.assert_allclose(solution.w, w, rtol=1e-10)
    value = np.square(Z @ w - t).mean() / 2 + 0.05 * w @ w
    np.testing.assert_allclose(solution.value, value, rtol=1e-12)


@pytest.mark.parametrize("loss", ["squared_error", "log_loss", "poisson"])
def test_reference_cannot_be_improved(loss):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = rng.poisson(np.exp(X @ [0.5, -0.5, 0.2]))
    if loss == "log_loss":
        y = np.minimum(y, 2)
    problem = Problem(X, y.astype(float), loss, alpha=0.01)
    solution = solve(problem)
    for _ in range(20):
        step = 1e-3 * rng.normal(size=solution.w.shape)
        z = solution.z + problem.unit * problem.Z @ step
        assert problem.objective(solution.w + step, z) > solution.value

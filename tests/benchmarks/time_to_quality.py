"""How long solvers take until the objective is within 0.1 % of its minimum.

skgd gets the data as it is, and its defaults: its time is that of all of `fit`, its
own stopping rule included. The others get standardized data, for which no time is
counted, and the smallest number of iterations with which they are close enough; that is
looked for among 1, 2, 3, 5, 10, 20, 30, 50, … For SGD all schedules of the rate are
tried and the fastest counts.

Usage: ``python tests/benchmarks/time_to_quality.py [--repeat 5] [--small]``. With
``--processor`` times are the processor's: for a machine that does other work too.
"""

import argparse
import gc
import warnings
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import perf_counter, process_time

import numpy as np
from data_sets import bag_of_words, positive, tf_idf
from exact import Problem, solve
from sklearn.linear_model import (
    LogisticRegression,
    Ridge,
    SGDClassifier,
    SGDRegressor,
)

from skgd import GDClassifier, GDRegressor

QUALITY = 1e-3
ALPHA = 1e-4
ITERATIONS = [1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300, 500, 1000]
SMALL = 50
"""What the number of rows is divided by in a short run."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--limit", type=float, default=20, help="seconds for a solver")
    parser.add_argument("--only", default="", help="the data whose name begins so")
    parser.add_argument("--small", action="store_true", help="with few rows")
    parser.add_argument("--processor", action="store_true")
    options = parser.parse_args()
    clock = process_time if options.processor else perf_counter
    divisor = SMALL if options.small else 1
    print_row(["data", "solver", "iterations", "from minimum", "s", "ratio to skgd"])
    print_row(["---"] * 6)
    for name, make in DATA.items():
        if name.startswith(options.only):
            report(name, make(divisor), options.repeat, options.limit, clock)


# ---------------------------------------------------------------------------
# Data


def dense(loss, n, d, divisor):
    """Return correlated columns with offsets and scales of their own."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n // divisor, d))
    X[:, 1:] += 0.5 * X[:, :-1]
    z = X @ rng.standard_normal(d)
    z /= z.std()
    y = z + 0.5 * rng.standard_normal(len(X))
    if loss == "log_loss":
        y = positive(rng, 2 * z)
    X *= 10.0 ** rng.integers(-3, 4, d)
    X += X.std(axis=0) * rng.integers(-10, 11, d)
    return Problem(X, y, loss, ALPHA)


def text(divisor):
    rng = np.random.default_rng(0)
    X = tf_idf(bag_of_words(rng, 50_000 // divisor, 100_000))
    z = X @ (rng.standard_normal(X.shape[1]) * (rng.random(X.shape[1]) < 0.1))
    y = positive(rng, 3 * (z - z.mean()) / z.std())
    return Problem(X, y, "log_loss", ALPHA)


DATA = {
    "logistic, 500,000 × 50": partial(dense, "log_loss", 500_000, 50),
    "logistic, 100,000 × 200": partial(dense, "log_loss", 100_000, 200),
    "squared error, 500,000 × 50": partial(dense, "squared_error", 500_000, 50),
    "squared error, 100,000 × 200": partial(dense, "squared_error", 100_000, 200),
    "logistic, sparse, 50,000 × 100,000": text,
}

# ---------------------------------------------------------------------------
# Solvers


@dataclass(frozen=True)
class Run:
    """A solver with a number of iterations, and how close it came."""

    name: str
    model: object
    iterations: str
    distance: float


def solvers(problem):
    """Return functions from a number of iterations to a model of standardized data."""
    if problem.loss == "squared_error":
        common = {"alpha": len(problem.y) * ALPHA, "tol": 1e-12}
        names = {"Ridge, sag": "sag", "Ridge, cholesky": "cholesky"}
        of = {
            name: partial(with_iterations, Ridge, solver=solver, **common)
            for name, solver in names.items()
        }
        return of | sgd_solvers(SGDRegressor)
    C = 1 / (len(problem.y) * ALPHA)
    names = ["lbfgs", "saga", "sag"]
    if problem.X.shape[1] <= 1000:
        names.append("newton-cholesky")
    of = {
        f"LogisticRegression, {solver}": partial(
            with_iterations, LogisticRegression, C=C, solver=solver, tol=1e-12
        )
        for solver in names
    }
    return of | sgd_solvers(SGDClassifier, loss="log_loss")


def with_iterations(estimator, max_iter, **parameters):
    return estimator(max_iter=max_iter, **parameters)


def sgd_solvers(estimator, **parameters):
    """Return SGD with each schedule, at its default rate; adaptive has no default."""
    rates = {"optimal": 0.01, "invscaling": 0.01, "adaptive": 0.01}
    return {
        f"{estimator.__name__}, {rate}": partial(
            with_iterations,
            estimator,
            learning_rate=rate,
            eta0=eta0,
            alpha=ALPHA,
            tol=None,
            random_state=0,
            **parameters,
        )
        for rate, eta0 in rates.items()
    }


def ours(problem):
    if problem.loss == "log_loss":
        return GDClassifier(alpha=ALPHA, random_state=0)
    return GDRegressor(alpha=ALPHA, random_state=0)


# ---------------------------------------------------------------------------
# Measuring


def report(name, problem, repeat, limit, clock):
    solution = solve(problem)
    standardized = problem.Z, standardized_target(problem)
    model = ours(problem)
    fit_quietly(model, problem.X, problem.y)
    gap = solution.gaps(model)[1] * problem.null / solution.value
    time = partial(time_of, clock)
    runs = [Run("skgd, defaults", model, str(model.n_iter_), gap)]
    for solver, make in solvers(problem).items():
        runs.append(
            first_close_enough(solver, make, solution, standardized, limit, time)
        )
    times = {run.name: [] for run in runs}
    for _ in range(repeat):
        for run in runs:
            if run.distance <= QUALITY:
                data = (problem.X, problem.y) if run is runs[0] else standardized
                times[run.name].append(time(run.model, *data))
    reference = median(times[runs[0].name] or [np.nan])
    for run in runs:
        seconds = median(times[run.name] or [np.nan])
        print_row(
            [
                name if run is runs[0] else "",
                run.name,
                run.iterations,
                f"{100 * run.distance:.3g} %",
                f"{seconds:.3f}" if times[run.name] else f"> {limit:g}",
                f"{seconds / reference:.2f}" if times[run.name] else "",
            ]
        )


def standardized_target(problem):
    if problem.loss == "log_loss":
        return problem.codes
    return (problem.y - problem.constant) / problem.unit


def first_close_enough(name, make, solution, data, limit, time):
    """Return the run with the fewest iterations, or the last one within the limit."""
    for iterations in ITERATIONS:
        model = make(iterations)
        seconds = time(model, *data)
        run = Run(name, model, str(iterations), distance(solution, model))
        is_direct = name.endswith("cholesky") and isinstance(model, Ridge)
        if run.distance <= QUALITY or seconds > limit / 2 or is_direct:
            break
    return run


def distance(solution, model):
    """Return how far a model of standardized data is from the minimum, relatively."""
    problem = solution.problem
    w = model.coef_.ravel()
    z = problem.unit * (problem.Z @ w + float(np.ravel(model.intercept_)[0]))
    if problem.loss == "squared_error":
        z = z + problem.constant
    with np.errstate(all="ignore"):
        value = problem.objective(w, z)
    return float(np.nan_to_num((value - solution.value) / solution.value, nan=np.inf))


def time_of(clock, model, X, y):
    gc.collect()
    start = clock()
    fit_quietly(model, X, y)
    return clock() - start


def fit_quietly(model, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)


def print_row(cells):
    print("|", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()

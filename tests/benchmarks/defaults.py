"""Compare what the defaults could have been, on the data sets of the suite.

Usage: ``python tests/benchmarks/defaults.py [--seeds 3] [--only NAME]`` fits every
small set with each candidate. ``--large`` compares averages and first cycles on large
data instead, ``--wide`` optimizers and batches on sparse rows of many columns,
``--scales`` the exact solutions for several scales of columns of mostly zeros.
"""

import argparse
import warnings
from functools import partial
from time import process_time

import numpy as np
from data_sets import DATA_SETS, bag_of_words, levels, positive, tf_idf
from exact import Problem, solve
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge
from suite import GAP, estimator, print_row, problem_of
from time_to_quality import DATA, distance, fit_quietly, ours, standardized_target

from skgd.schedules import CosineRestarts, LinearRestarts, Polynomial

CANDIDATES = {
    "the defaults": {},
    "rate 0.01": {"learning_rate": 0.01},
    "rate 0.03": {"learning_rate": 0.03},
    "rate 0.1": {"learning_rate": 0.1},
    "no average": {"average": False},
    "batches of 16": {"batch_size": 16},
    "batches of 128": {"batch_size": 128},
    "first cycle of 2 epochs": {"schedule": LinearRestarts(period=2)},
    "first cycle of 3 epochs": {"schedule": LinearRestarts(period=3)},
    "cycles of equal length": {"schedule": LinearRestarts(period=50, multiplier=1)},
    "each cycle 3 times as long": {"schedule": LinearRestarts(multiplier=3)},
    "cosine": {"schedule": CosineRestarts(period=3, multiplier=2, unit="epoch")},
    "one line, 10 epochs": {"schedule": Polynomial(), "max_iter": 10},
    "one line, 100 epochs": {"schedule": Polynomial(), "max_iter": 100},
    "one line, 1000 epochs": {"schedule": Polynomial(), "max_iter": 1000},
    "constant rate 0.01": {"schedule": "constant", "learning_rate": 0.01},
    "tol 3e-3": {"tol": 3e-3},
    "tol 3e-4": {"tol": 3e-4},
    "adagrad, rate 0.1": {"optimizer": "adagrad", "learning_rate": 0.1},
    "adagrad, rate 0.3": {"optimizer": "adagrad", "learning_rate": 0.3},
    "nesterov, rate 0.001": {"optimizer": "nesterov", "learning_rate": 0.001},
    "sgd, rate 0.01": {"optimizer": "sgd", "learning_rate": 0.01},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="fits of each set")
    parser.add_argument("--only", default="", help="candidates whose name begins so")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--wide", action="store_true")
    parser.add_argument("--scales", action="store_true")
    options = parser.parse_args()
    if options.scales:
        compare_scales()
    elif options.large:
        compare_on_large_data()
    elif options.wide:
        compare_on_wide_data(range(options.seeds))
    else:
        compare_candidates(range(options.seeds), options.only)


def compare_candidates(seeds, only):
    small = [data_set for data_set in DATA_SETS.values() if not data_set.big]
    solved = [(data_set, solve(problem_of(data_set))) for data_set in small]
    print_row(["candidate", f"fits beyond {GAP}", "worst gap", "epochs", "s", "sets"])
    print_row(["---"] * 6)
    for name, parameters in CANDIDATES.items():
        if not name.startswith(only):
            continue
        fits = [
            (data_set.name, *fit(data_set, solution, seed, parameters))
            for data_set, solution in solved
            for seed in seeds
        ]
        beyond = [fit for fit in fits if not fit[1] <= GAP]
        print_row(
            [
                name,
                f"{len(beyond)} of {len(fits)}",
                f"{max(gap for _, gap, _, _ in fits):.2g}",
                f"{np.median([epochs for _, _, epochs, _ in fits]):.0f}",
                f"{sum(seconds for *_, seconds in fits) / len(seeds):.1f}",
                ", ".join(dict.fromkeys(name for name, *_ in beyond)),
            ]
        )


def fit(data_set, solution, seed, parameters):
    """Return the larger gap, the epochs, and the time of the processor."""
    model = estimator(data_set, seed).set_params(**parameters)
    problem = solution.problem
    start = process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(problem.X, problem.y)
    return max(solution.gaps(model)), model.n_iter_, process_time() - start


# ---------------------------------------------------------------------------
# Large data

ONE_CYCLE = {
    "3 epochs, last weights": {"average": False, "max_iter": 3, "tol": None},
    "3 epochs, average": {"max_iter": 3, "tol": None},
}


def compare_on_large_data():
    """Print the relative distance from the minimum, in percent."""
    print_row(["data", "candidate", "%"])
    print_row(["---"] * 3)
    for name, make in DATA.items():
        if "sparse" in name:
            continue
        solution = solve(make(1))
        for candidate, parameters in ONE_CYCLE.items():
            model = ours(solution.problem).set_params(**parameters)
            model.fit(solution.problem.Z, standardized_target(solution.problem))
            print_row([name, candidate, f"{100 * distance(solution, model):.2g}"])
        for period in (3, 2, 1):
            parameters = {"schedule": LinearRestarts(period=period)}
            gap, seconds = gap_and_time(solution, 0, parameters)
            print_row([name, f"first cycle of {period}, {seconds:.2f} s", f"{gap:.2g}"])


def gap_and_time(solution, seed, parameters):
    """Return the distance from the minimum in percent, and the processor's time."""
    model = ours(solution.problem).set_params(random_state=seed, **parameters)
    start = process_time()
    fit_quietly(model, solution.problem.X, solution.problem.y)
    seconds = process_time() - start
    gap = solution.gaps(model)[1] * solution.problem.null / solution.value
    return 100 * gap, seconds


BATCHES = {
    **{f"Adam, {n}": {"optimizer": "adam", "batch_size": n} for n in (32, 128, 256)},
    "SGD, 1": {"optimizer": "sgd", "batch_size": 1},
    "AdaGrad, 1": {"optimizer": "adagrad", "batch_size": 1},
}


def compare_on_wide_data(seeds):
    """Print the distance from the minimum in percent, and the ratio of the times."""
    print_row(["data", *BATCHES])
    print_row(["---"] * (1 + len(BATCHES)))
    for name, make in WIDE.items():
        solution = solve(make())
        fits = [
            [gap_and_time(solution, seed, parameters) for seed in seeds]
            for parameters in BATCHES.values()
        ]
        gaps, seconds = np.median(fits, axis=1).T
        ratios = seconds / seconds[0]
        cells = zip(gaps, ratios, strict=True)
        print_row([name, *(f"{gap:.2g} %, {ratio:.2f}" for gap, ratio in cells)])


def wide_text(n, n_words, classes=True):
    rng = np.random.default_rng(1)
    X = tf_idf(bag_of_words(rng, n, n_words))
    z = X @ (rng.standard_normal(n_words) * (rng.random(n_words) < 0.1))
    z = (z - z.mean()) / z.std()
    if classes:
        return Problem(X, positive(rng, 3 * z), "log_loss", 1e-4)
    return Problem(X, z + 0.5 * rng.standard_normal(n), "squared_error", 1e-4)


def wide_levels(n, n_levels):
    rng = np.random.default_rng(2)
    X = sparse.hstack([levels(rng, n, n_levels // 2) for _ in range(2)]).tocsr()
    y = positive(rng, X @ (2 * rng.standard_normal(X.shape[1])))
    return Problem(X, y, "log_loss", 1e-4)


WIDE = {
    "text, 5,000 × 3,000": partial(wide_text, 5000, 3000),
    "text, 20,000 × 5,000": partial(wide_text, 20_000, 5000),
    "text, 3,000 × 10,000": partial(wide_text, 3000, 10_000),
    "text, 20,000 × 10,000": partial(wide_text, 20_000, 10_000),
    "text, 50,000 × 10,000": partial(wide_text, 50_000, 10_000),
    "text, 3,000 × 20,000": partial(wide_text, 3000, 20_000),
    "text, 20,000 × 20,000": partial(wide_text, 20_000, 20_000),
    "text, 50,000 × 20,000": partial(wide_text, 50_000, 20_000),
    "text, 3,000 × 50,000": partial(wide_text, 3000, 50_000),
    "text, 50,000 × 100,000": partial(DATA["logistic, sparse, 50,000 × 100,000"], 1),
    "rating, 20,000 × 10,000": partial(wide_text, 20_000, 10_000, classes=False),
    "rating, 20,000 × 20,000": partial(wide_text, 20_000, 20_000, classes=False),
    "levels, 2,000 × 20,000": partial(wide_levels, 2000, 20_000),
    "levels, 100,000 × 20,000": partial(wide_levels, 100_000, 20_000),
}


# ---------------------------------------------------------------------------
# The scale of a column of mostly zeros

LEAST_SHARES = {"√E x²": 1.0, "p ≥ 0.1": 0.1, "p ≥ 0.01": 0.01, "nonzero": 0.0}
"""The scale is the root of E x² / p for the share p of values that are not zero, or for
this share if there are fewer."""


def compare_scales():
    """Print the held-out score of the exact solution for each scale."""
    print_row(["data", "alpha", *LEAST_SHARES])
    print_row(["---"] * (2 + len(LEAST_SHARES)))
    for name, make in MOSTLY_ZEROS.items():
        X, y = make(np.random.default_rng(0))
        for alpha in (1e-4, 1e-3):
            scores = [held_out(X, y, alpha, share) for share in LEAST_SHARES.values()]
            print_row([name, f"{alpha:g}", *(f"{score:.3f}" for score in scores)])


def held_out(X, y, alpha, least_share):
    half = X.shape[0] // 2
    train = X[:half].tocsc()
    count = np.diff(train.indptr)
    square = train.multiply(train).sum(axis=0).A1
    scale = np.sqrt(square / np.maximum(count, max(1, least_share * half)))
    X = (
        X @ sparse.diags(np.where(count > 0, 1 / np.maximum(scale, 1e-300), 0))
    ).tocsr()
    if y.dtype.kind == "f":
        model = Ridge(half * alpha, solver="sparse_cg", tol=1e-10)
    else:
        model = LogisticRegression(C=1 / (half * alpha), max_iter=10_000, tol=1e-6)
    return model.fit(X[:half], y[:half]).score(X[half:], y[half:])


def words(rng, weigh=lambda counts: counts):
    X = weigh(bag_of_words(rng, 6000, 20_000))
    z = X @ (rng.standard_normal(20_000) * (rng.random(20_000) < 0.1))
    return X, (z - z.mean()) / z.std()


def counts_of_words(rng):
    X, z = words(rng)
    return X, positive(rng, 3 * z)


def weighted_words(rng):
    X, z = words(rng, tf_idf)
    return X, positive(rng, 3 * z)


def rating(rng):
    X, z = words(rng, tf_idf)
    return X, z + 0.5 * rng.standard_normal(6000)


def many_levels(rng):
    X = sparse.hstack([levels(rng, 6000, 1000), levels(rng, 6000, 20)]).tocsr()
    return X, X @ rng.standard_normal(1020) + 0.5 * rng.standard_normal(6000)


def many_levels_classes(rng):
    X, z = many_levels(rng)
    return X, positive(rng, 2 * z)


MOSTLY_ZEROS = {
    "words, classes, accuracy": counts_of_words,
    "tf-idf, classes, accuracy": weighted_words,
    "tf-idf, rating, R²": rating,
    "1,020 levels, R²": many_levels,
    "1,020 levels, classes, accuracy": many_levels_classes,
}


if __name__ == "__main__":
    main()

"""Fit raw data at the defaults, beside an exact solver and scikit-learn's SGD.

Usage: ``python tests/benchmarks/suite.py [--only NAME] [--big] [--seeds 5]``
"""

import argparse
import math
import warnings
from statistics import median
from time import perf_counter

from data_sets import DATA_SETS
from exact import Problem, solve
from scipy import sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgd import GDClassifier, GDRegressor

GAP = 0.01
"""What a gap may be."""

HEADER = (
    "data set",
    "rows × columns",
    "exact score",
    "gap of score",
    "of objective",
    "epochs",
    "ms",
    "SGD, raw",
    "ms",
    "SGD, standardized",
    "ms",
    "exact, ms",
)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="the sets whose name begins so")
    parser.add_argument("--big", action="store_true", help="also the big sets")
    parser.add_argument("--seeds", type=int, default=1, help="fits of each set")
    options = parser.parse_args()
    print_row(HEADER)
    print_row(["---"] * len(HEADER))
    rows = [
        report(data_set, range(options.seeds))
        for data_set in DATA_SETS.values()
        if data_set.name.startswith(options.only) and data_set.big <= options.big
    ]
    print(f"\nWithin {GAP} of the exact solver, of {len(rows)} sets:")
    for column, name in enumerate(["skgd", "SGD, raw", "SGD, standardized"]):
        gaps = [row[column] for row in rows if row[column] is not None]
        print(f"- {name}: {sum(gap <= GAP for gap in gaps)} of {len(gaps)}")


def problem_of(data_set) -> Problem:
    X, y = data_set.make()
    return Problem(X, y, data_set.loss, data_set.alpha)


def estimator(data_set, seed=0):
    """Return skgd at its defaults."""
    if data_set.loss == "log_loss":
        return GDClassifier(alpha=data_set.alpha, random_state=seed)
    return GDRegressor(data_set.loss, alpha=data_set.alpha, random_state=seed)


def sgd(data_set):
    """Return scikit-learn's SGD at its defaults; it has no Poisson loss."""
    if data_set.loss == "log_loss":
        return SGDClassifier("log_loss", alpha=data_set.alpha, random_state=0)
    if data_set.loss == "squared_error":
        return SGDRegressor(alpha=data_set.alpha, random_state=0)
    return None


def standardized_sgd(data_set, X):
    model = make_pipeline(StandardScaler(with_mean=not sparse.issparse(X)))
    model.steps.append(("sgd", sgd(data_set)))
    if data_set.classes:
        return model
    return TransformedTargetRegressor(model, transformer=StandardScaler())


def report(data_set, seeds):
    """Print a row, and return the gaps: the larger of skgd's, and those of SGD."""
    problem = problem_of(data_set)
    solution, exact_time = timed(lambda: solve(problem))
    fits = [timed_fit(estimator(data_set, seed), problem) for seed in seeds]
    gaps = [solution.gaps(model) for model, _ in fits]
    worst = [max(of) for of in zip(*gaps, strict=True)]
    rivals = [None, None]
    if sgd(data_set) is not None:
        models = [sgd(data_set), standardized_sgd(data_set, problem.X)]
        rivals = [timed_fit(model, problem) for model in models]
    rival_gaps = [rival and score_gap(solution, rival[0]) for rival in rivals]
    cells = [
        data_set.name.replace("_", " "),
        f"{problem.X.shape[0]:,} × {problem.X.shape[1]:,}",
        f"{solution.score:.4f}",
        *map(signed, worst),
        f"{median(model.n_iter_ for model, _ in fits):.0f}",
        in_ms(median(seconds for _, seconds in fits)),
    ]
    for rival, gap in zip(rivals, rival_gaps, strict=True):
        cells += [signed(gap), in_ms(rival[1])] if rival else ["", ""]
    print_row([*cells, in_ms(exact_time)])
    return max(worst), *rival_gaps


def timed(call):
    start = perf_counter()
    return call(), perf_counter() - start


def timed_fit(model, problem):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return timed(lambda: model.fit(problem.X, problem.y))


def score_gap(solution, model):
    """Return the gap of the score; that of a model that overflows is infinite."""
    problem = solution.problem
    gap = solution.score - problem.score(problem.predictions(model))
    return gap if math.isfinite(gap) else math.inf


def signed(gap):
    return f"{gap:.4f}" if abs(gap) < 100 else f"{gap:.0e}"


def in_ms(seconds):
    return f"{1000 * seconds:.3g}"


def print_row(cells):
    print("|", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()

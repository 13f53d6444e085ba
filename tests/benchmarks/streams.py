"""Compare what the defaults of ``partial_fit`` could have been, on streams.

A stream is drawn from a known model, so that the loss which nothing can go below is
known. What is printed is how far the expected loss is above it after 1,000, 3,000, …
samples, in percent of the loss of the best constant; in the streams that drift the
model becomes another one halfway.

Usage: ``python tests/benchmarks/streams.py [--only NAME] [--seeds 2] [--small]``
"""

import argparse
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from data_sets import bag_of_words, levels, positive, tf_idf
from scipy import sparse
from scipy.special import expit
from suite import print_row

from skgd import GDClassifier, GDRegressor
from skgd.schedules import InverseScaling

N_TEST = 5000
CHECKPOINTS = (100, 1000, 3000, 10_000, 30_000, 100_000)
AFTER_DRIFT = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Of as many samples as there were before."""


@dataclass(frozen=True)
class Stream:
    """Rows, the raw predictions of the true model, and how they come."""

    make: Callable
    n: int
    chunk: int
    classes: bool = False
    drifts: bool = False

    def draw(self, seed, divisor):
        rng = np.random.default_rng(seed)
        n = self.n // divisor
        X, zs = self.make(rng, n + N_TEST)
        z = zs[0].copy()
        if self.drifts:
            z[n // 2 :] = zs[1][n // 2 :]
        y = positive(rng, z) if self.classes else z + rng.standard_normal(len(z))
        return X, y, zs, n

    def checkpoints(self, n):
        if not self.drifts:
            return [m for m in CHECKPOINTS if m <= n]
        return [n // 2 + int(share * n) // 2 for share in AFTER_DRIFT]


def predictors(rng, X, size):
    """Return the raw predictions of two models, of the given standard deviation."""
    for _ in range(2):
        z = X @ (rng.standard_normal(X.shape[1]) / spread(X))
        yield size * (z - z.mean()) / z.std()


def spread(X):
    if sparse.issparse(X):
        return np.ones(X.shape[1])
    return X.std(axis=0)


def dense(rng, n, d=20, size=2.0):
    """Return correlated columns with scales and offsets of their own."""
    X = rng.standard_normal((n, d))
    X[:, 1:] += 0.5 * X[:, :-1]
    X *= 10.0 ** rng.integers(-3, 4, d)
    X += X.std(axis=0) * rng.integers(-10, 11, d)
    return X, list(predictors(rng, X, size))


def words(rng, n):
    X = tf_idf(bag_of_words(rng, n, 10_000))
    return X, list(predictors(rng, X, 3.0))


def two_columns_of_levels(rng, n):
    X = sparse.hstack([levels(rng, n, 500), levels(rng, n, 20)]).tocsr()
    return X, list(predictors(rng, X, 2.0))


wide = partial(dense, d=200)
STREAMS = {
    "20 columns, R, single rows": Stream(dense, 3000, 1),
    "20 columns, R, chunks of 32": Stream(dense, 100_000, 32),
    "20 columns, C, single rows": Stream(dense, 3000, 1, classes=True),
    "20 columns, C, chunks of 1000": Stream(dense, 100_000, 1000, classes=True),
    "200 columns, R, single rows": Stream(wide, 3000, 1),
    "200 columns, R, chunks of 1000": Stream(wide, 100_000, 1000),
    "200 columns, C, chunks of 32": Stream(wide, 30_000, 32, classes=True),
    "levels, R, chunks of 32": Stream(two_columns_of_levels, 30_000, 32),
    "10,000 words, C, chunks of 1000": Stream(words, 30_000, 1000, classes=True),
    "10,000 words, C, single rows": Stream(words, 1000, 1, classes=True),
    "10,000 words, R, chunks of 32": Stream(words, 10_000, 32),
    "drift, 20 columns, R, single rows": Stream(dense, 4000, 1, drifts=True),
    "drift, 20 columns, C, chunks of 32": Stream(dense, 60_000, 32, True, True),
    "drift, 200 columns, R, chunks of 32": Stream(wide, 60_000, 32, False, True),
    "drift, 10,000 words, C, chunks of 1000": Stream(words, 30_000, 1000, True, True),
}

CANDIDATES: dict[str, dict[str, Any]] = {
    "the defaults": {},
    "constant": {"schedule": "constant"},
    "constant, 0.01": {"schedule": "constant", "learning_rate": 0.01},
    "power ¼, delay 1": {"schedule": InverseScaling(power=0.25)},
    "last weights": {"average": False},
    "AdaGrad, 0.1": {"optimizer": "adagrad", "learning_rate": 0.1},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="streams whose name begins so")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--small", action="store_true", help="with a tenth of the rows")
    options = parser.parse_args()
    divisor = 10 if options.small else 1
    tables = {
        name: report(name, stream, range(options.seeds), divisor)
        for name, stream in STREAMS.items()
        if name.startswith(options.only)
    }
    print_summary(tables)


def report(name, stream, seeds, divisor):
    """Print a table, and return a row of it for each candidate."""
    n = stream.n // divisor
    print_row([name, *(f"{m:,}" for m in stream.checkpoints(n))])
    table = {}
    for candidate, parameters in CANDIDATES.items():
        runs = [list(excesses(stream, parameters, seed, divisor)) for seed in seeds]
        table[candidate] = np.median(runs, axis=0)
        print_row([candidate, *(f"{100 * value:.3g} %" for value in table[candidate])])
    return table


def print_summary(tables):
    """Print means of the ratios to the first candidate, and their range."""
    print_row(["candidate", "streams that stay", "that drift", "lowest", "highest"])
    first = next(iter(CANDIDATES))
    for candidate in CANDIDATES:
        logs = {
            name: np.log(table[candidate] / table[first])
            for name, table in tables.items()
        }
        every = np.concatenate(list(logs.values()))
        drifts = [logs[name] for name in logs if STREAMS[name].drifts]
        stays = [logs[name] for name in logs if not STREAMS[name].drifts]
        means = [
            np.mean(np.concatenate(of)) if of else np.nan for of in (stays, drifts)
        ]
        values = np.exp([*means, every.min(), every.max()])
        print_row([candidate, *(f"{value:.2g}" for value in values)])


def excesses(stream, parameters, seed, divisor):
    """Return the excess loss at each checkpoint of one pass."""
    X, y, zs, n = stream.draw(seed, divisor)
    Estimator = GDClassifier if stream.classes else GDRegressor
    first = {"classes": [0, 1]} if stream.classes else {}
    model = Estimator(random_state=seed, **parameters)
    left = stream.checkpoints(n)
    for start in range(0, n, stream.chunk):
        rows = slice(start, min(start + stream.chunk, n))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.partial_fit(X[rows], y[rows], **first)
        while left and rows.stop >= left[0]:
            truth = zs[int(stream.drifts and left[0] > n // 2)][n:]
            yield excess(model, X[n:], truth, stream.classes)
            left.pop(0)


def excess(model, X, truth, classes):
    """Return by how much the expected loss exceeds that of the true model."""
    z = model.decision_function(X) if classes else model.predict(X)
    if not classes:
        return np.mean((z - truth) ** 2) / (1 + truth.var())
    p = expit(truth)

    def loss(z):
        return np.mean(np.logaddexp(0, -z) * p + np.logaddexp(0, z) * (1 - p))

    share = p.mean()
    return (loss(z) - loss(truth)) / loss(np.log(share / (1 - share)))


if __name__ == "__main__":
    main()

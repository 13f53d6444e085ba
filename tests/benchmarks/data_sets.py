"""Raw data as users have it: bundled, and made with what makes real data hard.

A data set is a function without arguments, registered under its name; it returns
``X`` and ``y``. What it is registered with says how it is fitted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import expit
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_linnerud,
    load_wine,
)
from sklearn.preprocessing import PolynomialFeatures


@dataclass(frozen=True)
class DataSet:
    """A named pair of ``X`` and ``y``, the loss to fit it with, and its penalty."""

    name: str
    make: Callable[[], tuple[Any, np.ndarray]]
    loss: str
    alpha: float
    big: bool

    @property
    def classes(self) -> bool:
        return self.loss == "log_loss"


DATA_SETS: dict[str, DataSet] = {}
"""The data sets by name; those that are ``big`` take seconds to make."""


def data_set(loss, *, alpha=1e-4, big=False):
    def register(make):
        name = make.__name__
        DATA_SETS[name] = DataSet(name, make, loss, alpha, big)
        return make

    return register


def generator():
    return np.random.default_rng(0)


def linear(rng, X, noise=0.5):
    """Return targets with an equal part of each column, at the scale of its spread."""
    scale = X.std(axis=0)
    signal = (X - X.mean(axis=0)) / np.where(scale > 0, scale, 1)
    signal = signal @ rng.standard_normal(X.shape[1])
    signal /= signal.std()
    return signal + noise * rng.standard_normal(len(X))


def positive(rng, z):
    """Draw classes 0 and 1 with the log-odds ``z``."""
    return (rng.random(len(z)) < expit(z)).astype(int)


# ---------------------------------------------------------------------------
# Bundled with scikit-learn


@data_set("squared_error")
def diabetes():
    return load_diabetes(return_X_y=True, scaled=False)


@data_set("squared_error")
def diabetes_as_bundled():
    return load_diabetes(return_X_y=True)


@data_set("squared_error")
def diabetes_products():
    X, y = diabetes()
    return PolynomialFeatures(2, include_bias=False).fit_transform(X), y


@data_set("squared_error")
def linnerud():
    bunch = load_linnerud()
    return bunch.data, bunch.target[:, 0]


@data_set("squared_error")
def digits_number():
    return load_digits(return_X_y=True)


def one_column_from_the_others(bunch, column):
    return np.delete(bunch.data, column, axis=1), bunch.data[:, column]


@data_set("squared_error")
def cancer_area():
    return one_column_from_the_others(load_breast_cancer(), 3)


@data_set("squared_error")
def wine_proline():
    return one_column_from_the_others(load_wine(), 12)


@data_set("squared_error")
def iris_petal_width():
    return one_column_from_the_others(load_iris(), 3)


@data_set("log_loss")
def breast_cancer():
    return load_breast_cancer(return_X_y=True)


@data_set("log_loss")
def wine():
    return load_wine(return_X_y=True)


@data_set("log_loss")
def iris():
    return load_iris(return_X_y=True)


@data_set("log_loss")
def iris_two_species():
    X, y = load_iris(return_X_y=True)
    return X[50:], y[50:]


@data_set("log_loss")
def digits():
    return load_digits(return_X_y=True)


@data_set("log_loss")
def digits_even():
    X, y = load_digits(return_X_y=True)
    return X, y % 2


@data_set("log_loss")
def cancer_products():
    X, y = breast_cancer()
    return PolynomialFeatures(2, include_bias=False).fit_transform(X), y


# ---------------------------------------------------------------------------
# Columns with units


@data_set("squared_error")
def constant_columns():
    rng = generator()
    X = rng.standard_normal((500, 8))
    X[:, 1], X[:, 4] = 7e8, 0
    return X, linear(rng, X)


def with_offsets(rng, n):
    """Return a year, an altitude, two times in seconds, a price, a ratio."""
    noise = rng.standard_normal((n, 6))
    return np.array([2010, 3000, 1.7e9, 1.7e9, 1e5, 1]) + noise * [
        5,
        400,
        3e7,
        60,
        2e4,
        1e-3,
    ]


@data_set("squared_error")
def offsets():
    rng = generator()
    X = with_offsets(rng, 1000)
    return X, linear(rng, X)


@data_set("log_loss")
def offsets_classes():
    rng = generator()
    X = with_offsets(rng, 1000)
    return X, positive(rng, 2 * linear(rng, X, noise=0))


@data_set("squared_error")
def scales():
    rng = generator()
    X = rng.standard_normal((1000, 25)) * np.logspace(-12, 12, 25)
    return X, linear(rng, X)


@data_set("log_loss")
def scales_classes():
    rng = generator()
    X = rng.standard_normal((1000, 25)) * np.logspace(-12, 12, 25)
    return X, positive(rng, 2 * linear(rng, X, noise=0))


@data_set("squared_error")
def heavy_tails():
    rng = generator()
    X = np.exp(2 * rng.standard_normal((2000, 10)))
    return X, linear(rng, X)


@data_set("squared_error")
def cauchy():
    rng = generator()
    X = rng.standard_cauchy((2000, 10))
    return X, linear(rng, X)


@data_set("log_loss")
def heavy_tails_classes():
    rng = generator()
    X = np.exp(2 * rng.standard_normal((2000, 10)))
    return X, positive(rng, 2 * linear(rng, np.log(X), noise=0))


@data_set("squared_error")
def house_prices():
    """Return rooms, area, year, coordinates, distances; heavy tails; collinear."""
    rng = generator()
    n = 5000
    rooms = rng.integers(1, 9, n)
    area = rooms * 22 * np.exp(0.2 * rng.standard_normal(n))
    year = rng.integers(1880, 2024, n)
    place = [48, 11] + 0.2 * rng.standard_normal((n, 2))
    distance = 1000 * np.hypot(*(place - [48, 11]).T)
    tax = 1e3 * np.exp(rng.standard_normal(n))
    X = np.column_stack([rooms, area, year, 2024 - year, place, distance, tax])
    log_price = np.log(area) + (year - 1950) / 100 - distance / 500
    return X, 3e3 * np.exp(log_price + 0.2 * rng.standard_normal(n))


# ---------------------------------------------------------------------------
# Collinear and redundant columns


@data_set("squared_error")
def collinear():
    """Return five factors in 40 columns, with 1 % of each column its own."""
    rng = generator()
    factors = rng.standard_normal((1000, 5)) @ rng.standard_normal((5, 40))
    X = factors + 0.01 * rng.standard_normal((1000, 40))
    return X, linear(rng, X)


@data_set("squared_error")
def difference():
    """Return a target that is the difference of columns with correlation 0.9998."""
    rng = generator()
    x = rng.standard_normal(1000)
    difference = 0.02 * rng.standard_normal(1000)
    y = difference + 0.002 * rng.standard_normal(1000)
    return np.column_stack([x, x + difference]), y


@data_set("log_loss")
def collinear_classes():
    rng = generator()
    factors = rng.standard_normal((1000, 5)) @ rng.standard_normal((5, 40))
    X = factors + 0.01 * rng.standard_normal((1000, 40))
    return X, positive(rng, 3 * linear(rng, X, noise=0))


@data_set("squared_error")
def polynomial():
    rng = generator()
    x = rng.random(300)
    X = x[:, None] ** np.arange(1, 10)
    return X, np.sin(6 * x) + 0.1 * rng.standard_normal(300)


@data_set("squared_error")
def random_walk():
    """Return a random walk and its last 30 values: each column is the last, shifted."""
    rng = generator()
    series = np.cumsum(rng.standard_normal(2030))
    X = np.lib.stride_tricks.sliding_window_view(series, 30)[:2000].copy()
    return X, series[30:]


# ---------------------------------------------------------------------------
# Columns that are mostly zeros


def levels(rng, n, n_levels):
    """Return a one-hot matrix of levels whose frequencies fall like 1 / rank."""
    shares = 1 / np.arange(1, n_levels + 1)
    codes = rng.choice(n_levels, size=n, p=shares / shares.sum())
    return sparse.csr_matrix((np.ones(n), codes, np.arange(n + 1)), (n, n_levels))


@data_set("squared_error")
def one_hot():
    rng = generator()
    X = sparse.hstack([levels(rng, 5000, 500), levels(rng, 5000, 20)]).tocsr()
    return X, X @ rng.standard_normal(520) + 0.5 * rng.standard_normal(5000)


@data_set("squared_error")
def one_hot_dense():
    X, y = one_hot()
    return X.toarray(), y


@data_set("log_loss")
def one_hot_classes():
    rng = generator()
    X = sparse.hstack([levels(rng, 5000, 500), levels(rng, 5000, 20)]).tocsr()
    return X, positive(rng, X @ (2 * rng.standard_normal(520)))


@data_set("squared_error")
def one_hot_and_numbers():
    rng = generator()
    numbers = with_offsets(rng, 5000)
    X = np.column_stack([levels(rng, 5000, 50).toarray(), numbers])
    return X, linear(rng, X)


def bag_of_words(rng, n, n_words, length=60):
    """Return the counts of words whose frequencies fall like 1 / rank."""
    shares = 1 / (np.arange(n_words) + 10)
    words = rng.choice(n_words, size=n * length, p=shares / shares.sum())
    rows = np.repeat(np.arange(n), length)
    return sparse.csr_matrix((np.ones(n * length), (rows, words)), (n, n_words))


def tf_idf(counts):
    """Return weighted counts of Euclidean length 1."""
    frequency = np.diff(counts.tocsc().indptr)
    X = counts.copy()
    X.data = 1 + np.log(X.data)
    X = X @ sparse.diags(1 + np.log((1 + X.shape[0]) / (1 + frequency)))
    norm = np.sqrt(X.multiply(X).sum(axis=1))
    return (sparse.diags(1 / np.asarray(norm).ravel()) @ X).tocsr()


def topic(rng, X, share=0.1, strength=3.0):
    """Draw classes that a few words speak for or against."""
    w = rng.standard_normal(X.shape[1]) * (rng.random(X.shape[1]) < share)
    z = X @ w
    return positive(rng, strength * (z - z.mean()) / z.std())


@data_set("log_loss")
def text():
    rng = generator()
    X = tf_idf(bag_of_words(rng, 3000, 10_000))
    return X, topic(rng, X)


@data_set("log_loss")
def word_counts():
    rng = generator()
    X = bag_of_words(rng, 3000, 10_000)
    return X, topic(rng, X)


@data_set("squared_error")
def text_rating():
    rng = generator()
    X = tf_idf(bag_of_words(rng, 3000, 10_000))
    z = X @ (rng.standard_normal(10_000) * (rng.random(10_000) < 0.1))
    return X, 3 + z / z.std() + 0.5 * rng.standard_normal(3000)


# ---------------------------------------------------------------------------
# Shapes


@data_set("squared_error")
def twelve_rows():
    rng = generator()
    X = with_offsets(rng, 12)[:, :3]
    return X, linear(rng, X)


@data_set("log_loss")
def twelve_rows_classes():
    rng = generator()
    X = with_offsets(rng, 12)[:, :3]
    return X, positive(rng, 2 * linear(rng, X, noise=0))


@data_set("squared_error")
def wide():
    rng = generator()
    X = rng.standard_normal((100, 1000))
    return X, linear(rng, X)


@data_set("log_loss")
def wide_classes():
    rng = generator()
    X = rng.standard_normal((100, 1000))
    return X, positive(rng, 3 * linear(rng, X))


@data_set("squared_error")
def square():
    """Return as many rows as columns: the least squares problem at its worst."""
    rng = generator()
    X = rng.standard_normal((200, 200))
    return X, linear(rng, X)


@data_set("log_loss")
def many_classes():
    rng = generator()
    X = rng.standard_normal((3000, 20))
    z = X @ rng.standard_normal((20, 50)) + rng.gumbel(size=(3000, 50))
    return X, z.argmax(axis=1)


@data_set("squared_error", big=True)
def million():
    rng = generator()
    X = with_offsets(rng, 1_000_000)
    return X, linear(rng, X)


@data_set("log_loss", big=True)
def million_classes():
    rng = generator()
    X = with_offsets(rng, 1_000_000)
    return X, positive(rng, 2 * linear(rng, X, noise=0))


# ---------------------------------------------------------------------------
# Targets


@data_set("squared_error")
def tiny_target():
    X, y = offsets()
    return X, 1e-9 * y


@data_set("squared_error")
def huge_target():
    X, y = offsets()
    return X, 1e12 + 1e9 * y


@data_set("squared_error")
def no_noise():
    rng = generator()
    X = with_offsets(rng, 1000)
    return X, linear(rng, X, noise=0)


@data_set("squared_error")
def only_noise():
    rng = generator()
    return with_offsets(rng, 1000), rng.standard_normal(1000)


@data_set("squared_error")
def outliers_in_target():
    rng = generator()
    X = with_offsets(rng, 2000)
    return X, linear(rng, X, noise=0) + rng.standard_cauchy(2000)


@data_set("log_loss")
def imbalanced():
    rng = generator()
    X = with_offsets(rng, 20_000)
    return X, positive(rng, 2 * linear(rng, X, noise=0) - 7)


@data_set("log_loss")
def separable():
    rng = generator()
    X = with_offsets(rng, 1000)
    return X, (linear(rng, X, noise=0) > 0).astype(int)


@data_set("log_loss", alpha=1e-8)
def separable_without_penalty():
    return separable()


@data_set("poisson")
def counts():
    rng = generator()
    X = with_offsets(rng, 2000)
    return X, rng.poisson(np.exp(3 + linear(rng, X, noise=0))).astype(float)


@data_set("poisson")
def rare_counts():
    rng = generator()
    X = with_offsets(rng, 20_000)
    return X, rng.poisson(np.exp(linear(rng, X, noise=0) - 4)).astype(float)

"""Print the tables of docs/optimizers.md: objectives that training leads to.

python tests/benchmarks/objectives.py
"""

import warnings

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import scale

from skgd import GDClassifier, GDRegressor

ALPHA = 1e-4
DATA = {
    "diabetes": load_diabetes,
    "breast cancer": load_breast_cancer,
    "digits": load_digits,
    "iris": load_iris,
    "wine": load_wine,
}
OPTIMIZERS = [
    "adam",
    "sgd",
    "cocob",
    "dog",
    "prodigy",
    "schedule_free_sgd",
    "schedule_free_adamw",
]


def objective(model, X, y):
    """Return the mean loss plus the penalty."""
    penalty = ALPHA / 2 * np.sum(model.coef_**2)
    if hasattr(model, "classes_"):
        p = model.predict_proba(X)[np.arange(len(y)), y]
        return penalty - np.mean(np.log(np.maximum(p, 1e-300)))
    return penalty + np.mean((y - model.predict(X)) ** 2) / 2


def minimum(X, y, is_regression):
    if is_regression:
        return objective(Ridge(alpha=ALPHA * len(y)).fit(X, y), X, y)
    exact = LogisticRegression(C=1 / (ALPHA * len(y)), tol=1e-8, max_iter=100_000)
    return objective(exact.fit(X, y), X, y)


def data(name):
    X, y = DATA[name](return_X_y=True)
    X = scale(X[:, X.std(axis=0) > 0])
    return X, scale(y) if name == "diabetes" else y


def mean_objective(name, **params):
    X, y = data(name)
    Estimator = GDRegressor if name == "diabetes" else GDClassifier
    values = []
    for seed in range(5):
        model = Estimator(alpha=ALPHA, random_state=seed, **params)
        values.append(objective(model.fit(X, y), X, y))
    return np.mean(values)


def print_table(title, **params):
    print(f"\n{title}\n\n| | {' | '.join(DATA)} |\n|---|{'---|' * len(DATA)}")
    row = [minimum(*data(name), name == "diabetes") for name in DATA]
    print_row("minimum", row)
    for optimizer in OPTIMIZERS:
        row = [mean_objective(name, optimizer=optimizer, **params) for name in DATA]
        print_row(f"`{optimizer}`", row)


def print_row(name, values):
    print(f"| {name} |", " | ".join(f"{value:.4f}" for value in values), "|")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print_table("After 20 epochs", max_iter=20, tol=None)
    constant = {"schedule": "constant", "average": False}
    print_table("The same at a constant rate", max_iter=20, tol=None, **constant)
    print_table("Where training stops by itself")

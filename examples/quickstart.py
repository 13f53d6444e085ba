"""
Quickstart
==========

Two data sets as they come, a grid search over the optimizer, and a stream: what
skgd does, beside scikit-learn's SGD and an exact solver.
"""

import warnings
from time import perf_counter

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    LogisticRegression,
    Ridge,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgd import GDClassifier, GDRegressor
from skgd.optimizers import Adam

# %%
# Fit and score
# -------------
# The estimators take the place of ``SGDRegressor`` and ``SGDClassifier``. The
# columns below have scales from 0.001 to 2000, so a scaler goes first.


def compare(title, models, data):
    """Print the held-out score of each model and the time of its fit."""
    X, y = data(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    print(f"\n{title}\n{'':32}{'score':>8}{'seconds':>10}")
    for name, model in models.items():
        pipeline = make_pipeline(StandardScaler(), model)
        start = perf_counter()
        pipeline.fit(X_train, y_train)
        seconds = perf_counter() - start
        print(f"{name:32}{pipeline.score(X_test, y_test):8.3f}{seconds:10.3f}")


compare(
    "Diabetes progression (R²)",
    {
        "skgd.GDRegressor": GDRegressor(learning_rate=0.1, random_state=0),
        "sklearn SGDRegressor": SGDRegressor(random_state=0),
        "sklearn Ridge (exact)": Ridge(alpha=0.03),
    },
    load_diabetes,
)
compare(
    "Breast cancer (accuracy)",
    {
        "skgd.GDClassifier": GDClassifier(random_state=0),
        "sklearn SGDClassifier": SGDClassifier(loss="log_loss", random_state=0),
        "sklearn LogisticRegression": LogisticRegression(C=20, max_iter=1000),
    },
    load_breast_cancer,
)

# %%
# Grid search over the optimizer and its parameters
# -------------------------------------------------
# An optimizer given as an instance has parameters that a search can reach.

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
rates = {"gdclassifier__learning_rate": [0.01, 0.1]}
grid = [
    rates
    | {
        "gdclassifier__optimizer": [Adam()],
        "gdclassifier__optimizer__beta1": [0.5, 0.9],
        "gdclassifier__batch_size": [64, 256],
    },
    rates
    | {
        "gdclassifier__optimizer": ["sgd", "momentum", "adagrad"],
        "gdclassifier__batch_size": [64],
    },
]
search = GridSearchCV(
    make_pipeline(
        StandardScaler(), GDClassifier(max_iter=10, tol=None, random_state=0)
    ),
    grid,
    cv=3,
)
search.fit(X_train, y_train)
print("\nDigits: grid search over optimizer, rate and batch size")
print(f"{'':6}{'rate':>6}{'batch':>7}   optimizer")
for i in np.argsort(search.cv_results_["rank_test_score"], kind="stable")[:5]:
    params, score = (
        search.cv_results_["params"][i],
        search.cv_results_["mean_test_score"][i],
    )
    optimizer = params["gdclassifier__optimizer"]
    beta1 = params.get("gdclassifier__optimizer__beta1")
    name = optimizer if beta1 is None else f"adam, beta1={beta1}"
    rate, batch = (
        params["gdclassifier__learning_rate"],
        params["gdclassifier__batch_size"],
    )
    print(f"{score:6.3f}{rate:6g}{batch:7d}   {name}")
print(f"held-out accuracy of the best: {search.score(X_test, y_test):.3f}")

# %%
# A stream
# --------
# ``partial_fit`` makes one pass over what it is given. Scored on each chunk before
# learning from it, accuracy grows from chance.

stream = GDClassifier(learning_rate=0.05, random_state=0)
print("\nDigits as a stream of 100 at a time: accuracy on the next 100")
for start in range(0, len(X_train) - 100, 100):
    chunk = slice(start, start + 100)
    if start:
        print(f"{stream.score(X_train[chunk], y_train[chunk]):6.2f}", end="")
    stream.partial_fit(X_train[chunk], y_train[chunk], classes=np.unique(y))
print(f"\nafter {stream.t_} steps on held-out data: {stream.score(X_test, y_test):.3f}")

# %%
# It says what happened
# ---------------------
# On features that were not scaled plain gradient descent with this rate diverges. The
# warning says so, and the coefficients stay finite.

X, y = load_breast_cancer(return_X_y=True)
model = GDClassifier(
    "squared_hinge", optimizer="sgd", learning_rate=1.0, random_state=0
)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", ConvergenceWarning)
    model.fit(X, y)
print(f"\nRaw features, rate 1: stop_reason_ = {model.stop_reason_!r}")
print(caught[0].message)

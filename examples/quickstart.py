"""
Quickstart
==========

Two data sets as they come, a grid search over the optimizer, and a stream: what
skgd does, beside scikit-learn's SGD and an exact solver.
"""

import warnings
from time import perf_counter

import matplotlib.pyplot as plt
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
# The estimators take the place of ``SGDRegressor`` and ``SGDClassifier``. The columns
# of the second table have scales from 0.003 to 570: scikit-learn's models get a scaler,
# those of skgd do without.


def compare(title, models, data):
    """Print the held-out score of each model and the time of its fit."""
    X, y = data(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    print(f"\n{title}\n{'':32}{'score':>8}{'seconds':>10}")
    for name, model in models.items():
        start = perf_counter()
        model.fit(X_train, y_train)
        seconds = perf_counter() - start
        print(f"{name:32}{model.score(X_test, y_test):8.3f}{seconds:10.3f}")


def scaled(model):
    return make_pipeline(StandardScaler(), model)


compare(
    "Diabetes progression (R²)",
    {
        "GDRegressor": GDRegressor(random_state=0),
        "SGDRegressor, scaled": scaled(SGDRegressor(random_state=0)),
        "Ridge, scaled (exact)": scaled(Ridge(alpha=0.03)),
    },
    load_diabetes,
)
compare(
    "Breast cancer (accuracy)",
    {
        "GDClassifier": GDClassifier(random_state=0),
        "SGDClassifier, scaled": scaled(SGDClassifier(loss="log_loss", random_state=0)),
        "LogisticRegression, scaled": scaled(LogisticRegression(C=20, max_iter=1000)),
    },
    load_breast_cancer,
)

# %%
# Grid search over the optimizer and its parameters
# -------------------------------------------------
# An optimizer given as an instance has parameters that a search can reach.

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
search = GridSearchCV(
    GDClassifier(optimizer=Adam(), max_iter=10, tol=None, random_state=0),
    {
        "optimizer__beta1": [0.5, 0.9],
        "learning_rate": [0.01, 0.1],
        "batch_size": [16, 64],
    },
    cv=3,
)
search.fit(X_train, y_train)
print(search.best_params_)
print(f"held-out accuracy of the best: {search.score(X_test, y_test):.3f}")

# %%
# A stream
# --------
# ``partial_fit`` makes one pass over what it is given. Scored on each chunk before
# learning from it, no digit has to be held back.

stream = GDClassifier(random_state=0)
seen, accuracy = [], []
for start in range(0, len(X_train) - 100, 100):
    chunk = slice(start, start + 100)
    if start:
        seen.append(start)
        accuracy.append(stream.score(X_train[chunk], y_train[chunk]))
    stream.partial_fit(X_train[chunk], y_train[chunk], classes=np.unique(y))
print(f"after {stream.t_} steps on held-out data: {stream.score(X_test, y_test):.3f}")

plt.plot(seen, accuracy, "o-")
plt.xlabel("Digits seen")
plt.ylabel("Accuracy on the next 100")
plt.show()

# %%
# It says what happened
# ---------------------
# With a rate that is too high, plain gradient descent diverges. The warning says so,
# and what to do; the coefficients stay finite.

model = GDClassifier(
    "squared_hinge", optimizer="sgd", learning_rate=30.0, random_state=0
)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", ConvergenceWarning)
    model.fit(X_train, y_train)
print(f"stop_reason_ = {model.stop_reason_!r}")
print(caught[0].message)

"""
Features in any units
=====================

Gradient descent on features of very different scales is the narrow valley at its worst.
The estimators learn the scales and remove them inside the objective: no scaler, no copy
of the data, and coefficients in the units of the columns.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgd import GDClassifier, GDRegressor
from skgd.displays import LossCurveDisplay

# %%
# Thirty columns with standard deviations from 0.003 to 570.

X, y = load_breast_cancer(return_X_y=True)
print(X.std(axis=0).min().round(4), X.std(axis=0).max().round(1))

models = {
    "GDClassifier": GDClassifier(random_state=0),
    "SGDClassifier": SGDClassifier(loss="log_loss", random_state=0),
    "LogisticRegression": LogisticRegression(C=20),
}
print(f"{'accuracy':22}{'raw':>8}{'scaled':>8}")
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    for name, model in models.items():
        raw = cross_val_score(model, X, y).mean()
        scaled = cross_val_score(make_pipeline(StandardScaler(), model), X, y).mean()
        print(f"{name:22}{raw:8.3f}{scaled:8.3f}")

# %%
# Any units at all
# ----------------
# The same data with the columns multiplied by powers of ten from −9 to 9, and the
# target by a million. The fit is the same fit.

X, y = load_diabetes(return_X_y=True)
factors = 10.0 ** np.linspace(-9, 9, X.shape[1])
model = GDRegressor(random_state=0).fit(X, y)
wild = GDRegressor(random_state=0).fit(X * factors, y * 1e6)
print("R²          ", model.score(X, y), wild.score(X * factors, y * 1e6))
print("coefficients", abs(wild.coef_ * factors / 1e6 / model.coef_ - 1).max())

# %%
# What happens without
# --------------------
# With ``standardize=False`` the features are used as they are. At a rate that is low
# enough for the steep direction the others hardly move.

X, y = load_breast_cancer(return_X_y=True)
settings = {"schedule": "constant", "tol": None, "max_iter": 100, "random_state": 0}
models = {
    "as they are": GDClassifier(
        optimizer="sgd", learning_rate=1e-6, standardize=False, **settings
    ),
    "standardized": GDClassifier(optimizer="sgd", learning_rate=0.1, **settings),
}
for model in models.values():
    model.fit(X, y)
LossCurveDisplay.from_estimator(models, yscale="log")
plt.show()

# %%
# The penalty is that of the standardized coefficients, so that it does not depend on
# the units either.

"""
Sparse coefficients and bounds
==============================

The 1-norm makes coefficients exactly zero, and bounds hold exactly, with every
optimizer: after each step the proximal operator of the penalty is applied, in the
optimizer's own metric.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Lasso
from sklearn.preprocessing import StandardScaler

from skgd import GDRegressor
from skgd.displays import CoefficientPathDisplay
from skgd.penalties import Box, NonNegative

X, y = load_diabetes(return_X_y=True, as_frame=True)
X = StandardScaler().set_output(transform="pandas").fit_transform(X)
y = (y - y.mean()) / y.std()

# %%
# The path of the lasso
# ---------------------
# From a penalty that leaves nothing to one that is hardly felt.

alphas = np.geomspace(0.001, 0.6, 20)
models = [
    GDRegressor(penalty="l1", alpha=alpha, batch_size=None, tol=1e-4).fit(X, y)
    for alpha in alphas
]
CoefficientPathDisplay.from_estimators(models, "alpha")
plt.title("Diabetes: coefficients against the strength of the 1-norm")
plt.show()

# %%
# The objective is that of scikit-learn's ``Lasso``, so the coefficients can be compared
# with those of an exact solver, and so can the zeros. All samples are in one batch
# here. The noise of small batches keeps small coefficients moving, and fewer are zero.

print("alpha     zeros   of Lasso   batches of 32   largest difference to Lasso")
for model in models[9::2]:
    exact = Lasso(alpha=model.alpha, tol=1e-8).fit(X, y)
    small = GDRegressor(penalty="l1", alpha=model.alpha, batch_size=32, random_state=0)
    zeros = [np.sum(m.coef_ == 0) for m in (model, exact, small.fit(X, y))]
    difference = abs(model.coef_ - exact.coef_).max()
    print(
        f"{model.alpha:<9.3f}{zeros[0]:6}{zeros[1]:11}{zeros[2]:16}{difference:30.4f}"
    )

# %%
# Each optimizer finds the zeros, those with a scale for each coordinate too.

print("optimizer    zeros at alpha = 0.1")
print(f"{'exact':12} {np.sum(Lasso(alpha=0.1).fit(X, y).coef_ == 0)}")
for optimizer, rate in [
    ("sgd", 0.3),
    ("momentum", 0.03),
    ("adagrad", "auto"),
    ("rmsprop", "auto"),
    ("adam", "auto"),
    ("ftrl", "auto"),
]:
    model = GDRegressor(
        penalty="l1",
        alpha=0.1,
        optimizer=optimizer,
        learning_rate=rate,
        batch_size=None,
        tol=1e-4,
    )
    print(f"{optimizer:12} {np.sum(model.fit(X, y).coef_ == 0)}")

# %%
# Bounds
# ------
# ``NonNegative`` for effects whose sign is known, ``Box`` for any bounds, one for each
# coefficient if need be, with another penalty inside.

free = GDRegressor(alpha=0, random_state=0).fit(X, y)
positive = GDRegressor(penalty=NonNegative(), random_state=0).fit(X, y)
within = GDRegressor(penalty=Box(-0.1, 0.25, penalty="l1"), alpha=0.02, random_state=0)
within.fit(X, y)
place = np.arange(10)
for shift, label, model in [
    (-0.27, "free", free),
    (0, "not negative", positive),
    (0.27, "from −0.1 to 0.25, 1-norm", within),
]:
    plt.bar(place + shift, model.coef_, width=0.27, label=label)
plt.xticks(place, X.columns)
plt.axhline(0, color="k", linewidth=0.8)
plt.ylabel("Coefficient")
plt.legend()
plt.show()
print("least of the second:", positive.coef_.min())
print("range of the third: ", within.coef_.min(), within.coef_.max())

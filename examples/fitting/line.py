"""
A straight line, by one sample, by batches, by all
==================================================

The smallest linear model: a slope and an intercept. It shows what an epoch, a batch and
an update are, and when training ends.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone

from skgd import GDRegressor, minimize
from skgd.displays import FittedLineDisplay, LossCurveDisplay, TrajectoryDisplay

# %%
# One sample at a time
# --------------------
# A hundred points on y = 3x + 0.5 with a little noise. Three epochs, one sample in each
# step, from a random start. Everything that the defaults would add is switched off, so
# that this is stochastic gradient descent as in a textbook. ``squared_error`` is
# ½(y − z)², half of (y − z)²: a rate of 0.2 here is one of 0.1 there.

rng = np.random.default_rng(0)
x = rng.uniform(size=100)
y = 3 * x + 0.5 + rng.normal(scale=0.01, size=100)
X = x[:, None]

plain = {
    "penalty": None,
    "optimizer": "sgd",
    "schedule": "constant",
    "average": False,
    "standardize": False,
    "tol": None,
    "random_state": 0,
}
model = GDRegressor(batch_size=1, learning_rate=0.2, max_iter=3, **plain)
model.fit(X, y, coef_init=rng.normal(size=1), intercept_init=rng.normal())
print("slope", model.coef_[0], "intercept", model.intercept_[0])
print(model.n_iter_, "epochs,", model.t_, "updates, stopped by", model.stop_reason_)
assert abs(model.coef_[0] - 3) < 0.1
assert abs(model.intercept_[0] - 0.5) < 0.05

# %%
FittedLineDisplay.from_estimator(model, X, y, yscale="log")
plt.show()

# %%
# Batches
# -------
# An epoch goes over the data once; an update is one step of the optimizer. With batches
# of 8 an epoch of 100 samples has 13 updates, with all samples in a batch it has one.

models = {
    f"batch {size or 'of all'}": GDRegressor(
        batch_size=size, learning_rate=0.2, max_iter=30, **plain
    ).fit(X, y)
    for size in (1, 8, 32, 64, None)
}
fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained", sharey=True)
for ax, unit in zip(axes, ("epoch", "update"), strict=True):
    LossCurveDisplay.from_estimator(models, x=unit, ax=ax, yscale="log")
axes[1].set(xscale="log", ylabel="")
axes[0].get_legend().remove()
plt.show()

# %%
# By epoch the small batches win: they make more updates. By update they are alike until
# the noise counts. The time is what decides, and that of an epoch depends on how much
# an update costs beside the samples in it. With 200,000 samples:

X_long = rng.uniform(size=(200_000, 1))
y_long = 3 * X_long[:, 0] + 0.5 + rng.normal(scale=0.01, size=len(X_long))
long = {
    name: clone(model).set_params(max_iter=5).fit(X_long, y_long)
    for name, model in models.items()
}
for name, model in long.items():
    print(f"{name:12}{model.time_curve_[-1] / 5 * 1e3:6.1f} ms for an epoch")
LossCurveDisplay.from_estimator(long, x="second", yscale="log")
plt.show()

# %%
# A weight, step by step
# ----------------------
# No intercept, y = 2x + 2u with u uniform on [0, 1), a hundred steps on all samples at
# the rate 0.001 for (y − z)². `skgd.minimize` keeps every iterate; the estimator does
# the same steps.

x = np.arange(0, 10, 0.1)
y = 2 * x + 2 * rng.uniform(size=100)


def loss(w):
    return np.mean((y - w[0] * x) ** 2)


def gradient(w):
    return -2 * np.mean((y - w * x) * x, keepdims=True)


result = minimize(loss, 0.0, jac=gradient, learning_rate=0.001, max_iter=100, gtol=0)
for step in (1, 21, 41, 61, 81):
    print(f"w after step {step:2}: {result.trajectory[step, 0]:.2f}")
line = GDRegressor(
    batch_size=None, learning_rate=0.002, max_iter=100, fit_intercept=False, **plain
).fit(x[:, None], y)
print("the estimator after 100:", line.coef_[0], " minimize:", result.x[0])

# %%
fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
axes[0].plot(x, y, ".", color="0.6")
for step in (1, 5, 10, 20, 100):
    w = result.trajectory[step, 0]
    axes[0].plot(x, w * x, label=f"step {step}: {w:.2f}")
axes[0].set(xlabel="x", ylabel="y")
axes[0].legend(title="$w$ after")
TrajectoryDisplay.from_function(loss, result, limits=[(-0.5, 4.5)], ax=axes[1])
axes[1].set(xlabel="$w$", ylabel="mean of $(y - wx)^2$")
plt.show()

# %%
# When training ends
# ------------------
# After ``max_iter`` epochs; when the objective gets no better (``tol``); or when no
# weight moves any more (``coef_tol``). ``stop_reason_`` says which.

for stop in ({"tol": 1e-3}, {"tol": None, "coef_tol": 0.01}, {"tol": None}):
    model = GDRegressor(random_state=0, **({"max_iter": 500} | stop)).fit(x[:, None], y)
    print(f"{stop!s:32} {model.stop_reason_:9} after {model.n_iter_:3} epochs")

# %%
# Order
# -----
# ``shuffle=True``, the default, takes the samples in a new order in every epoch.
# Without it, data that are sorted pull the line to their end again and again. Here are
# points with much noise, the lowest first.

x = rng.uniform(size=100)
y = 3 * x + 0.5 + rng.normal(size=100)
order = np.argsort(y)
X, y = x[order, None], y[order]
models = {
    name: GDRegressor(
        batch_size=1, learning_rate=0.1, max_iter=20, shuffle=shuffle, **plain
    ).fit(X, y)
    for name, shuffle in {"shuffled": True, "in order of y": False}.items()
}
FittedLineDisplay.from_estimator(models, X, y)
plt.show()
for name, model in models.items():
    print(f"{name:14} R² {model.score(X, y):6.3f}")
print(f"{'least squares':14} R² {np.corrcoef(x[order], y)[0, 1] ** 2:6.3f}")

# %%
# The loss of an epoch is measured on the way. Where the line follows the order, it is
# low all along, and in the end the line is at the wrong place.

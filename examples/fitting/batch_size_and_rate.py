"""
Batch size against rate
=======================

A batch that is twice as large has less noise, and takes twice as many samples for a
step. A rate that is twice as high makes up for that, up to a limit.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skgd import GDRegressor

# %%
# A linear regression with 20 features of unit variance and noise of unit variance, so
# that the loss of the true coefficients is ½.

rng = np.random.default_rng(0)
coef = rng.normal(size=20)


def sample(n):
    X = rng.normal(size=(n, 20))
    return X, X @ coef + rng.normal(size=n)


X, y = sample(4096)

# %%
# One epoch of plain gradient descent for each pair of batch size and rate: all see each
# sample once. What is measured is how far the expected loss is above ½, in the mean of
# five orders. A run that diverges counts as infinite.

sizes = 2 ** np.arange(0, 11, 2)
rates = 2.0 ** np.arange(-11, 1.5, 0.5)


def excess(size, rate):
    values = []
    for seed in range(5):
        model = GDRegressor(
            penalty=None,
            fit_intercept=False,
            optimizer="sgd",
            schedule="constant",
            average=False,
            standardize=False,
            batch_size=int(size),
            learning_rate=rate,
            random_state=seed,
        )
        model.partial_fit(X, y)
        diverged = model.stop_reason_ == "diverged"
        values.append(np.inf if diverged else 0.5 * np.sum((model.coef_ - coef) ** 2))
    return np.mean(values)


with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)  # the rates that are too high
    table = np.array([[excess(size, rate) for rate in rates] for size in sizes])
best = rates[table.argmin(axis=1)]
print("batch size   updates   best rate   excess there")
for size, rate, row in zip(sizes, best, table, strict=True):
    print(f"{size:10}{4096 // size:10}{rate:12.3g}{row.min():15.4f}")

# %%
styles = ["o-", "s--", "^-.", "D:", "v-", "P--"]
fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.8), layout="constrained", sharey=True)
for size, row, style in zip(sizes, table, styles, strict=True):
    for ax, unit in zip(axes, (1, size), strict=True):
        ax.loglog(rates / unit, row, style, markersize=4, label=f"{size}")
axes[0].set(xlabel="Rate", ylabel="Loss above that of the truth", ylim=(3e-3, 30))
axes[1].set(xlabel="Rate / batch size")
axes[1].legend(title="Batch size", loc="lower left")
plt.show()

# %%
# On the right the curves lie on one another where the rate is low: only rate / batch
# size counts, and a batch that is four times as large, at four times the rate, makes
# the same progress for each sample. So the best rate grows with the batch, towards the
# limit that the curvature sets whatever the batch, here between 1 and 2: the larger the
# batch, the smaller the distance from the best rate to the first that diverges. All
# 4096 samples in one batch would make one update, and no rate could make up for the
# others.
#
# The rule is that of P. Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet
# in 1 Hour", 2017; its limit is studied in S. McCandlish et al., "An Empirical Model of
# Large-Batch Training", 2018.

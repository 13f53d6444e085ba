"""
All optimizers on one map
=========================

The same start, the same function, the path of every optimizer. Rates are chosen for
each: the unit of a rate is not the same for all of them.
"""

import matplotlib.pyplot as plt
import numpy as np

from skgd import OPTIMIZERS, minimize
from skgd.displays import TrajectoryDisplay

# %%
# The function of Rosenbrock, in a mild form: a bent valley with its minimum at (1, 1).


def valley(x):
    return (1 - x[0]) ** 2 + 5 * (x[1] - x[0] ** 2) ** 2


def gradient(x):
    bend = x[1] - x[0] ** 2
    return np.array([-2 * (1 - x[0]) - 20 * x[0] * bend, 10 * bend])


start = [-1.23, 1.57]

# %%
# For each optimizer a few rates, a factor of about 3 apart, and the one that is lowest
# after 150 steps. In practice this is a grid search.


def descend(name, rate, max_iter=150):
    return minimize(
        valley,
        start,
        jac=gradient,
        optimizer=name,
        learning_rate=rate,
        max_iter=max_iter,
    )


def best(name):
    rates = 10.0 ** np.arange(-3, 0.6, 0.5)
    results = {rate: descend(name, rate) for rate in rates}
    rate = min(results, key=lambda rate: results[rate].fun)
    return rate, results[rate]


found = {name: best(name) for name in OPTIMIZERS}
print(f"{'optimizer':20}{'rate':>8}{'after 150 steps':>18}")
for name, (rate, result) in sorted(found.items(), key=lambda item: item[1][1].fun):
    print(f"{name:20}{rate:8.3g}{result.fun:18.2g}")

# %%
# The paths
# ---------
# Circles are starts, dots are iterates. Plain descent (``sgd``) goes at right angles to
# the contour lines. Momentum overshoots and swings back. Those that divide by the size
# of past gradients (AdaGrad to Yogi) go off at 45°: at first both coordinates move
# alike, however steep they are. Lion and RProp use signs only.

n_columns = 4
n_rows = -(-len(found) // n_columns)
fig, axes = plt.subplots(
    n_rows,
    n_columns,
    figsize=(11, 2.6 * n_rows),
    layout="constrained",
    sharex=True,
    sharey=True,
)
for ax in axes.flat[len(found) :]:
    ax.set_visible(False)
for ax, (name, (rate, result)) in zip(axes.flat, found.items(), strict=False):
    TrajectoryDisplay.from_function(
        valley, {name: result}, limits=[(-2, 2), (-1, 3)], n_points=60, ax=ax
    )
    ax.plot(1, 1, "k+", markersize=9)
    ax.set_title(f"{name}, rate {rate:.2g}", fontsize=10)
    ax.label_outer()
plt.show()

# %%
# Six of them on one map, forty steps each.

few = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"]
paths = {name: descend(name, found[name][0], max_iter=40) for name in few}
TrajectoryDisplay.from_function(valley, paths, limits=[(-2, 2), (-1, 3)])
plt.title("Forty steps")
plt.show()

# %%
# A picture of two dimensions and one start is an illustration, not a ranking. What the
# optimizers do on data is measured: see :doc:`/choosing`.

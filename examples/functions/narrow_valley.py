"""
The narrow valley, and rates per coordinate
===========================================

When one direction is a hundred times as steep as another, no single rate suits both. A
rate for each coordinate, from its own gradients, does.
"""

import matplotlib.pyplot as plt
import numpy as np

from skgd import critical_point, minimize
from skgd.displays import LossCurveDisplay, TrajectoryDisplay

# %%
# An ill-conditioned quadratic: curvatures 1 and 100.


def valley(x):
    return 0.5 * (x[0] ** 2 + 100 * x[1] ** 2)


def gradient(x):
    return np.array([1.0, 100.0]) * x


print("curvatures:", critical_point(valley, [0, 0]).eigenvalues.round(3))

# %%
# Plain descent: above 2/100 it diverges. Just below it bounces from wall to wall; far
# below it crawls along the floor. RMSProp and AdaGrad divide each coordinate by the
# size of its gradients: at first the two coordinates make equal steps.

start = [-8.0, 1.0]
descents = {
    "sgd, 0.0195 (bounces)": ("sgd", 0.0195),
    "sgd, 0.002 (crawls)": ("sgd", 0.002),
    "adagrad, 2": ("adagrad", 2.0),
    "rmsprop, 0.1": ("rmsprop", 0.1),
}
results = {
    name: minimize(
        valley,
        start,
        jac=gradient,
        optimizer=optimizer,
        learning_rate=rate,
        max_iter=80,
    )
    for name, (optimizer, rate) in descents.items()
}
fig, axes = plt.subplots(2, 2, figsize=(8.5, 5.5), layout="constrained")
for ax, (name, result) in zip(axes.flat, results.items(), strict=True):
    TrajectoryDisplay.from_function(
        valley, {name: result}, limits=[(-9, 3), (-1.6, 1.6)], ax=ax
    )
    ax.set_title(f"{name}: f = {result.fun:.2g}", fontsize=10)
plt.show()

# %%
LossCurveDisplay.from_result(results, yscale="log")
plt.title("The objective")
plt.show()

# %%
# A rotated valley
# ----------------
# Rates per coordinate help as far as the valley lies along the axes. Turned by 45° both
# coordinates see the same gradients, and nothing is gained. Momentum does not depend on
# the axes.

turn = np.array([[1, -1], [1, 1]]) / np.sqrt(2)


def turned(x):
    return valley(turn.T @ x)


def turned_gradient(x):
    return turn @ gradient(turn.T @ x)


print(f"{'':12}{'along the axes':>16}{'turned':>12}")
for optimizer, rate in [
    ("sgd", 0.0195),
    ("adagrad", 2.0),
    ("rmsprop", 0.1),
    ("momentum", 0.01),
]:
    values = [
        minimize(
            fun, x0, jac=jac, optimizer=optimizer, learning_rate=rate, max_iter=80
        ).fun
        for fun, jac, x0 in [
            (valley, gradient, start),
            (turned, turned_gradient, turn @ start),
        ]
    ]
    print(f"{optimizer:12}{values[0]:16.2g}{values[1]:12.2g}")

# %%
# For linear models the valleys that lie along the axes come from features in different
# units. The estimators remove those before they start, by ``standardize="auto"``.

"""
Momentum through a plateau
==========================

A ball that rolls has speed. It passes a flat stretch, and a small hollow, where plain
descent comes to a stop.
"""

import matplotlib.pyplot as plt
import numpy as np

from skgd import minimize
from skgd.displays import LossCurveDisplay, TrajectoryDisplay
from skgd.optimizers import Momentum

# %%
# A stretch that is nearly flat: far from 0 the gradient of :math:`x^2 / (1 + x^2)` is
# almost zero. And a shallow hollow: on the way to 0 there is a small minimum near 2.4.


def flat_far_out(x):
    return x[0] ** 2 / (1 + x[0] ** 2)


def with_hollow(x):
    return 0.1 * x[0] ** 2 - 0.25 * np.exp(-8 * (x[0] - 2.5) ** 2)


def descend(fun, start, rate):
    return {
        name: minimize(
            fun, start, optimizer=optimizer, learning_rate=rate, max_iter=150
        )
        for name, optimizer in [("plain", "sgd"), ("momentum", Momentum(momentum=0.9))]
    }


cases = {
    "a flat stretch": (flat_far_out, [(-2, 6)], descend(flat_far_out, 5.0, 0.3)),
    "a hollow": (with_hollow, [(-2, 5)], descend(with_hollow, 4.0, 0.1)),
}
for title, (_, _, results) in cases.items():
    print(title)
    for name, result in results.items():
        print(
            f"  {name:9} {result.nit:3} steps to x = {result.x[0]:6.3f}, "
            f"f = {result.fun:.3f}"
        )

# %%
fig, axes = plt.subplots(2, 2, figsize=(8.5, 6.5), layout="constrained")
for row, (title, (fun, limits, results)) in zip(axes, cases.items(), strict=True):
    TrajectoryDisplay.from_function(fun, results, limits=limits, ax=row[0])
    LossCurveDisplay.from_result(results, ax=row[1])
    row[0].set_title(title)
    row[1].set_title("the function at each iterate")
plt.show()

# %%
# The velocity is :math:`v_t = \gamma v_{t-1} + g_t`. On a steady slope it grows to
# :math:`g / (1 - \gamma)`, ten times the gradient at :math:`\gamma = 0.9`; a hollow has
# to last for many steps to turn it round. The price is seen near 0: it runs past the
# minimum and comes back.
#
# A small gradient is not the same as being stuck
# -----------------------------------------------
# On a flat stretch the gradient is small, steps are short and the function hardly
# changes. All three stopping rules are then met, and none of them is right.
# ``behavior`` compares the last gradients with those before them: on a plateau they do
# not get smaller.


def flat(x):
    return np.tanh(x[0]) + 0.01 * x[0]


def flat_gradient(x):
    return 1 - np.tanh(x) ** 2 + 0.01


result = minimize(flat, 6.0, jac=flat_gradient, learning_rate=0.01, xtol=1e-3)
print(result.success, result.behavior)
print(result.message)

# %%
# The same words for the other ways of not getting on: a rate that is too high for a
# kink, and one that diverges.

swinging = minimize(lambda x: abs(x[0]), 0.93, learning_rate=0.5, max_iter=50)
print(swinging.behavior)
print(swinging.message)
flying = minimize(lambda x: x[0] ** 4, 3.0, learning_rate=0.5, max_iter=50)
print(flying.behavior)
print(flying.message)

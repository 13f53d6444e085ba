r"""
Rates too small and too large
=============================

The rate is the one number that gradient descent cannot do without. On a parabola all
that can go wrong with it is seen at once: the error is multiplied by
:math:`1 - \eta c` in each step, with the rate :math:`\eta` and the curvature :math:`c`.
"""

import matplotlib.pyplot as plt

from skgd import minimize
from skgd.displays import LossCurveDisplay, TrajectoryDisplay

# %%
# One variable
# ------------
# The curvature of :math:`w^2` is 2. At 0.01 the factor is 0.98: it crawls. At 0.5 it is
# 0: there in one step. At 0.95 it is −0.9: from side to side. Above 1 it is less than
# −1: it flies apart.

rates = {"too small: 0.01": 0.01, "good: 0.3": 0.3, "large: 0.95": 0.95, "1.05": 1.05}
results = {
    name: minimize(lambda w: w[0] ** 2, 2.0, learning_rate=rate, max_iter=20)
    for name, rate in rates.items()
}
fig, axes = plt.subplots(2, 2, figsize=(9, 6.5), layout="constrained", sharey=True)
for ax, (name, result) in zip(axes.flat, results.items(), strict=True):
    TrajectoryDisplay.from_function(
        lambda w: w[0] ** 2, {name: result}, limits=[(-3, 3)], ax=ax
    )
    ax.set(title=f"rate {name}", ylim=(-0.5, 9))
plt.show()

# %%
# What each of them says about itself:

for name, result in results.items():
    print(f"{name:16} w = {result.x[0]:8.4f}   {result.behavior}")
print(results["1.05"].message)

# %%
# Two variables
# -------------
# With two variables there are two curvatures and one rate. Here they are 1 and 20. A
# rate above 2/20 = 0.1 diverges along the second axis, and at any rate below it the
# first needs many steps.


def bowl(x):
    return 0.5 * (x[0] ** 2 + 20 * x[1] ** 2)


results = {
    f"rate {rate}": minimize(bowl, [4.0, 1.0], learning_rate=rate, max_iter=30)
    for rate in (0.005, 0.05, 0.098, 0.102)
}
fig, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
for ax, (name, result) in zip(axes.flat, results.items(), strict=True):
    TrajectoryDisplay.from_function(
        bowl, {name: result}, limits=[(-1.5, 4.5), (-2.2, 2.2)], ax=ax
    )
    ax.set_title(f"{name}: {result.behavior}")
plt.show()

# %%
LossCurveDisplay.from_result(results, yscale="log")
plt.title("The same four descents")
plt.show()

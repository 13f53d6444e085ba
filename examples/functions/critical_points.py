"""
Minimum, maximum, saddle
========================

Where the gradient is zero a descent has nothing to go by. What such a point is, its
second derivatives tell.
"""

import matplotlib.pyplot as plt
import numpy as np

from skgd import critical_point, minimize
from skgd.displays import TrajectoryDisplay

# %%
# Three surfaces with the gradient zero at the origin. The eigenvalues of the matrix of
# second derivatives are the curvatures: all positive, all negative, or of both signs.


def bowl(x):
    return x[0] ** 2 + x[1] ** 2


def dome(x):
    return -(x[0] ** 2) - x[1] ** 2


def saddle(x):
    return x[0] ** 2 - x[1] ** 2


for fun in (bowl, dome, saddle):
    print(critical_point(fun, [0, 0]))

# %%
axis = np.linspace(-1, 1, 41)
grid = np.stack(np.meshgrid(axis, axis))
fig, axes = plt.subplots(
    1, 3, figsize=(9, 3.2), layout="constrained", subplot_kw={"projection": "3d"}
)
for ax, fun in zip(axes, (bowl, dome, saddle), strict=True):
    ax.plot_surface(*grid, fun(grid), cmap="viridis", rcount=20, ccount=20)
    ax.set(title=critical_point(fun, [0, 0]).verdict, xlabel="$x$", ylabel="$y$")
plt.show()

# %%
# A function with two of them
# ---------------------------
# :math:`f(x, y) = x^2 + y^3 - y` has the gradient :math:`(2x, 3y^2 - 1)`, which is zero
# at :math:`(0, \pm 1/\sqrt 3)`.


def cubic(x):
    return x[0] ** 2 + x[1] ** 3 - x[1]


at = 1 / np.sqrt(3)
for point in ([0, at], [0, -at]):
    print(critical_point(cubic, point))

# %%
# A descent from exactly above the saddle goes to it and stops: the gradient is zero
# there. From one millionth beside it finds the way down. Rounding, and even more the
# noise of batches, pushes a descent off a saddle sooner or later.

settings = {
    "learning_rate": 0.1,
    "jac": lambda x: np.array([2 * x[0], 3 * x[1] ** 2 - 1]),
}
results = {
    "a millionth beside": minimize(cubic, [1.0, -at + 1e-6], gtol=1e-9, **settings),
    "above the saddle": minimize(cubic, [1.0, -at], **settings),
}
TrajectoryDisplay.from_function(cubic, results, limits=[(-1.2, 1.2), (-1.2, 1.2)])
plt.plot(0, at, "k+", 0, -at, "kx", markersize=10)
plt.title("Contours of $x^2 + y^3 - y$")
plt.show()
for name, result in results.items():
    verdict = critical_point(cubic, result.x).verdict
    print(f"{name:20} {result.nit:4} steps to {result.x.round(4)}, a {verdict}")

# %%
# Degenerate
# ----------
# Where a curvature is zero, the second derivatives do not decide: a flat valley, or a
# point that is of a higher order.

print(critical_point(lambda x: x[0] ** 2, [0, 3]).verdict)
print(critical_point(lambda x: x[0] ** 4 + x[1] ** 4, [0, 0]).message)

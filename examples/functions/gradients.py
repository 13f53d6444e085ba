"""
Gradients by hand, by differences, automatic
============================================

``jac`` of `skgd.minimize` takes a function, nothing, or the name of a package for
automatic differentiation. The iterates are the same.
"""

import autograd.numpy as anp
import matplotlib.pyplot as plt
import numpy as np

from skgd import critical_point, minimize

# %%
# The same function, with its gradient written by hand.


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def by_hand(x):
    bend = x[1] - x[0] ** 2
    return np.array([-2 * (1 - x[0]) - 400 * x[0] * bend, 200 * bend])


settings = {"optimizer": "adam", "learning_rate": 0.05, "max_iter": 300}
results = {
    "by hand": minimize(rosenbrock, [-1.0, 1.5], jac=by_hand, **settings),
    "autograd": minimize(rosenbrock, [-1.0, 1.5], jac="autograd", **settings),
    "differences": minimize(rosenbrock, [-1.0, 1.5], **settings),
}

# %%
# Automatic differentiation is exact up to rounding. Central differences have an error
# that a descent hardly feels; they call the function 2n + 2 times more in each step,
# where n is the number of variables.

exact = results["by hand"].trajectory
print(f"{'':14}{'largest difference':>20}{'calls of fun':>14}")
for name, result in results.items():
    error = abs(result.trajectory - exact).max()
    print(f"{name:14}{error:20.1e}{result.nfev:14}")
assert abs(results["autograd"].trajectory - exact).max() < 1e-10

# %%
for name, style in [("autograd", "."), ("differences", "-")]:
    error = abs(results[name].trajectory - exact).max(axis=1)
    plt.semilogy(np.where(error > 0, error, np.nan), style, label=name)
plt.xlabel("Iteration")
plt.ylabel("Distance to the iterates by hand")
plt.legend()
plt.show()

# %%
# With automatic differentiation a function may contain what one would not want to
# differentiate by hand. It is written with the operations of the package, here those of
# ``autograd.numpy``. ``"torch"`` and ``"jax"`` work in the same way.


def layers(x):
    hidden = anp.tanh(x[0] * anp.linspace(-1, 1, 5) + x[1])
    return anp.mean((hidden - anp.linspace(-0.5, 0.9, 5)) ** 2)


result = minimize(layers, [0.1, 0.0], jac="autograd", optimizer="adam", gtol=1e-6)
print(result.x.round(4), round(result.fun, 5), result.nit)
print(critical_point(layers, result.x, jac="autograd").verdict)
